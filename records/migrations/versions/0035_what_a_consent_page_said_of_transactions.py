"""Whether a borrower was told that what comes in is read; not known of consents from before"""

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


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "transactions")
