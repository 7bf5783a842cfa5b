"""Templates and numbers as messaging platforms hold them, files people send, what a message went out as"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_CHANNELS = "('sms', 'email', 'whatsapp', 'call', 'visit', 'post')"


def upgrade() -> None:
    op.create_table(
        "platform_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("language", sa.String(length=15), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=True),
        sa.Column("quality", sa.String(length=20), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_template")),
        sa.UniqueConstraint("provider", "name", "language", name=op.f("uq_platform_template_provider_name_language")),
    )
    op.create_table(
        "platform_sender",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("quality", sa.String(length=20), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=True),
        sa.Column("rested_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "sender", name=op.f("pk_platform_sender")),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("provider_message_id", sa.String(length=128), nullable=False),
        sa.Column("media_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("mime_type", sa.String(length=100), nullable=False),
        sa.Column("caption", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"channel IN {_CHANNELS}", name=op.f("ck_attachment_channel_known")),
        sa.CheckConstraint("state IN ('due', 'kept', 'refused', 'lost')", name=op.f("ck_attachment_state_known")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_attachment_loan_ref_loan")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_attachment_person_ref_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("provider", "provider_message_id", name=op.f("uq_attachment_provider_provider_message_id")),
    )
    op.create_index("ix_attachment_person_ref", "attachment", ["person_ref"])
    op.create_index("ix_attachment_loan_ref", "attachment", ["loan_ref"])
    due = sa.text("state = 'due'")
    op.create_index("ix_attachment_due", "attachment", ["next_try_at"], sqlite_where=due, postgresql_where=due)
    with op.batch_alter_table("contact") as batch_op:
        batch_op.add_column(sa.Column("sender", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("approved_as", sa.String(length=540), nullable=True))
        batch_op.add_column(sa.Column("segments", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    sent = sa.text("state = 'sent'")
    op.create_index("ix_contact_unconfirmed", "contact", ["sent_at"], sqlite_where=sent, postgresql_where=sent)


def downgrade() -> None:
    op.drop_index("ix_contact_unconfirmed", table_name="contact")
    with op.batch_alter_table("contact") as batch_op:
        for column in ("asked_at", "segments", "approved_as", "sender"):
            batch_op.drop_column(column)
    op.drop_table("attachment")
    op.drop_table("platform_sender")
    op.drop_table("platform_template")
