"""What a gateway had given back of a payment before a refund of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refund", sa.Column("given_back_before_minor", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("refund", "given_back_before_minor")
