"""Entries of bank statements, and what they paid"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=80), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bank_file_sha256")),
    )
    op.create_table(
        "gateway_check",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "day", name=op.f("pk_gateway_check")),
    )
    op.create_table(
        "bank_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_ref", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=True),
        sa.Column("account_index", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("credit", sa.Boolean(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("end_to_end_id", sa.String(length=140), nullable=True),
        sa.Column("bank_reference", sa.String(length=140), nullable=True),
        sa.Column("reason", sa.String(length=35), nullable=True),
        sa.Column("other_name", sa.Text(), nullable=True),
        sa.Column("other_iban", sa.Text(), nullable=True),
        sa.Column("iban_index", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("person_ref", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=160), nullable=True),
        sa.Column("by", sa.String(length=80), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('matched', 'debit', 'waiting', 'ignored', 'not_ours')", name=op.f("ck_bank_entry_state_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_bank_entry_amount_positive")),
        sa.ForeignKeyConstraint(["file_ref"], ["bank_file.id"], name=op.f("fk_bank_entry_file_ref")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_bank_entry_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_bank_entry_key")),
    )
    with op.batch_alter_table("bank_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bank_entry_file_ref"), ["file_ref"], unique=False)
        batch_op.create_index("ix_bank_entry_iban_index", ["iban_index"], unique=False)
        batch_op.create_index("ix_bank_entry_like", ["account_index", "value_on", "amount_minor"], unique=False)
        batch_op.create_index(batch_op.f("ix_bank_entry_person_ref"), ["person_ref"], unique=False)
        batch_op.create_index("ix_bank_entry_state", ["state", "booked_on"], unique=False)

    op.create_table(
        "bank_match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_ref", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(length=128), nullable=False),
        sa.Column("payment_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_bank_match_amount_positive")),
        sa.ForeignKeyConstraint(["entry_ref"], ["bank_entry.id"], name=op.f("fk_bank_match_entry_ref")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_bank_match_loan_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_match")),
        sa.UniqueConstraint("entry_ref", "loan_ref", name=op.f("uq_bank_match_entry_ref_loan_ref")),
    )
    with op.batch_alter_table("bank_match", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bank_match_loan_ref"), ["loan_ref"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("bank_match", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bank_match_loan_ref"))

    op.drop_table("bank_match")
    with op.batch_alter_table("bank_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_bank_entry_state")
        batch_op.drop_index(batch_op.f("ix_bank_entry_person_ref"))
        batch_op.drop_index("ix_bank_entry_like")
        batch_op.drop_index("ix_bank_entry_iban_index")
        batch_op.drop_index(batch_op.f("ix_bank_entry_file_ref"))

    op.drop_table("bank_entry")
    op.drop_table("gateway_check")
    op.drop_table("bank_file")
