"""Entries of bank statements are found by the reference they carry"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_bank_entry_end_to_end_id", "bank_entry", ["end_to_end_id"])


def downgrade() -> None:
    op.drop_index("ix_bank_entry_end_to_end_id", table_name="bank_entry")
