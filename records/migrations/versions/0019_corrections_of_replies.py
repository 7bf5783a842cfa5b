"""What agents said a message meant"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_CHANNELS = "('sms', 'email', 'whatsapp', 'call', 'visit', 'post')"


def upgrade() -> None:
    op.create_table(
        "reply_correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("was", sa.String(length=120), nullable=False),
        sa.Column("intents", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("person_must_look", sa.Boolean(), nullable=False),
        sa.Column("corrected_by", sa.String(length=80), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"channel IN {_CHANNELS}", name=op.f("ck_reply_correction_channel_known")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_reply_correction_loan_ref")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_reply_correction_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_correction")),
    )
    with op.batch_alter_table("reply_correction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reply_correction_loan_ref"), ["loan_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_reply_correction_person_ref"), ["person_ref"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("reply_correction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reply_correction_person_ref"))
        batch_op.drop_index(batch_op.f("ix_reply_correction_loan_ref"))
    op.drop_table("reply_correction")
