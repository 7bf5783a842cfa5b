"""Mandates say in which scheme they may be collected"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mandate", sa.Column("scheme", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("mandate", "scheme")
