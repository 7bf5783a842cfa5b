"""What monitoring counts again and again is found by an index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('reserved', 'sending')")


def upgrade() -> None:
    op.create_index("ix_loan_state", "loan", ["state", "end_kind"])
    op.create_index("ix_contact_unsettled", "contact", ["changed_at"], sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index("ix_contact_unsettled", "contact")
    op.drop_index("ix_loan_state", "loan")
