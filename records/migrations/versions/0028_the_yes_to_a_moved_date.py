"""The borrower's yes to a due date that was moved"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agreement", sa.Column("move_message_id", sa.String(length=128), nullable=True))
    op.add_column("agreement", sa.Column("move_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("agreement", sa.Column("move_sha256", sa.String(length=64), nullable=True))


def downgrade() -> None:
    for column in ("move_sha256", "move_at", "move_message_id"):
        op.drop_column("agreement", column)
