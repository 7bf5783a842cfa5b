"""What borrowers wrote, and what was understood of it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbound_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("provider_message_id", sa.String(length=320), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("intents", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("promise_date", sa.Date(), nullable=True),
        sa.Column("promise_amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("needs_human", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'whatsapp', 'call', 'visit', 'post')",
            name=op.f("ck_inbound_message_channel_known"),
        ),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_inbound_message_loan_ref")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_inbound_message_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_message")),
        sa.UniqueConstraint(
            "provider",
            "provider_message_id",
            "person_ref",
            name=op.f("uq_inbound_message_provider_provider_message_id_person_ref"),
        ),
    )
    op.create_index("ix_inbound_message_loan", "inbound_message", ["loan_ref", "at"])
    op.create_index("ix_inbound_message_person", "inbound_message", ["person_ref", "at"])


def downgrade() -> None:
    op.drop_table("inbound_message")
