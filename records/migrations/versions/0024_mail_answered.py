"""E-mails of borrowers keep the id their own program gave them: an answer names it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inbound_message", sa.Column("mail_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("inbound_message", "mail_id")
