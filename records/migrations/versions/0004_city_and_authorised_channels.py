"""A person's city and the channels they agreed to, which some contact rules ask for; contacts by channel and time"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("person") as batch_op:
        batch_op.add_column(sa.Column("city", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("authorised_channels", sa.JSON(none_as_null=True), nullable=True))
    op.create_index("ix_contact_channel_reserved_at", "contact", ["channel", "reserved_at"])


def downgrade() -> None:
    op.drop_index("ix_contact_channel_reserved_at", table_name="contact")
    with op.batch_alter_table("person") as batch_op:
        batch_op.drop_column("authorised_channels")
        batch_op.drop_column("city")
