"""What people wrote to borrowers in own words"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_words",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("words_id", sa.String(length=40), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("written_by", sa.String(length=160), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_id", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'whatsapp', 'call', 'visit', 'post')", name=op.f("ck_own_words_channel_known")
        ),
        sa.CheckConstraint(
            "state IN ('written', 'waiting', 'sent', 'not_sent')", name=op.f("ck_own_words_state_known")
        ),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_own_words_loan_ref")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_own_words_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_words")),
        sa.UniqueConstraint("words_id", name=op.f("uq_own_words_words_id")),
    )
    op.create_index("ix_own_words_loan_ref", "own_words", ["loan_ref"])
    op.create_index("ix_own_words_person_ref", "own_words", ["person_ref"])


def downgrade() -> None:
    op.drop_table("own_words")
