"""How often an agreement's dates were moved: each time it has a new document"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agreement") as table:
        table.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("agreement") as table:
        table.alter_column("revision", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("agreement") as table:
        table.drop_column("revision")
