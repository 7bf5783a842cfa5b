"""How much a reversal takes back that is told before its payment"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("early_reversal", sa.Column("amount_minor", sa.BigInteger(), nullable=True))
    op.add_column("early_reversal", sa.Column("currency", sa.String(length=3), nullable=True))


def downgrade() -> None:
    for column in ("currency", "amount_minor"):
        op.drop_column("early_reversal", column)
