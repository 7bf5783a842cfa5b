"""What each contact cost"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("cost_micros", sa.BigInteger(), nullable=True))
    op.add_column("contact", sa.Column("cost_currency", sa.String(length=3), nullable=True))


def downgrade() -> None:
    op.drop_column("contact", "cost_currency")
    op.drop_column("contact", "cost_micros")
