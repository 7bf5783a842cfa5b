"""Payment links that a gateway has still to close are found without reading all"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_WITHDRAWN = sa.text("expires_at = changed_at")


def upgrade() -> None:
    op.create_index(
        "ix_payment_link_to_be_closed",
        "payment_link",
        ["provider", "expires_at"],
        sqlite_where=_WITHDRAWN,
        postgresql_where=_WITHDRAWN,
    )


def downgrade() -> None:
    op.drop_index("ix_payment_link_to_be_closed", table_name="payment_link")
