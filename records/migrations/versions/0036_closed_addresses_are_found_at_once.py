"""Wrong numbers that somebody else is handed over with are found without reading all"""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_closed_address_address_index", "closed_address", ["address_index"])


def downgrade() -> None:
    op.drop_index("ix_closed_address_address_index", table_name="closed_address")
