"""Whether a borrower was told that what comes in is read (unknown of older consents); what its source has to end"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TABLES = ("consent", "consent_request")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("transactions", sa.Boolean(), nullable=True))
        op.add_column(table, sa.Column("end_at_source", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "end_at_source")
        op.drop_column(table, "transactions")
