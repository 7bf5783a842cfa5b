"""Mandates to collect by direct debit, the debits, and their files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "debit_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=35), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("debits", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_file")),
        sa.UniqueConstraint("lender", "day", "number", name=op.f("uq_debit_file_lender_day_number")),
        sa.UniqueConstraint("message_id", name=op.f("uq_debit_file_message_id")),
    )
    op.create_table(
        "mandate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=35), nullable=False),
        sa.Column("iban", sa.Text(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("iban_index", sa.String(length=64), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("sequence", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=True),
        sa.Column("last_used_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("sequence IN ('FRST', 'RCUR', 'OOFF')", name=op.f("ck_mandate_sequence_known")),
        sa.CheckConstraint("status IN ('active', 'blocked', 'cancelled')", name=op.f("ck_mandate_status_known")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_mandate_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandate")),
        sa.UniqueConstraint("lender", "reference", name=op.f("uq_mandate_lender_reference")),
    )
    with op.batch_alter_table("mandate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mandate_iban_index"), ["iban_index"], unique=False)
        batch_op.create_index("ix_mandate_person_status", ["person_ref", "status"], unique=False)

    op.create_table(
        "debit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=35), nullable=False),
        sa.Column("mandate_ref", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("noticed", sa.Boolean(), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("file_ref", sa.Integer(), nullable=True),
        sa.Column("batch_id", sa.String(length=40), nullable=True),
        sa.Column("sequence", sa.String(length=4), nullable=True),
        sa.Column("collect_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=80), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'filed', 'collected', 'rejected', 'returned', 'dropped')",
            name=op.f("ck_debit_state_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_debit_amount_positive")),
        sa.ForeignKeyConstraint(["file_ref"], ["debit_file.id"], name=op.f("fk_debit_file_ref")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_debit_loan_ref")),
        sa.ForeignKeyConstraint(["mandate_ref"], ["mandate.id"], name=op.f("fk_debit_mandate_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit")),
        sa.UniqueConstraint(
            "loan_ref", "entry", "step", "occurrence", name=op.f("uq_debit_loan_ref_entry_step_occurrence")
        ),
        sa.UniqueConstraint("reference", name=op.f("uq_debit_reference")),
    )
    with op.batch_alter_table("debit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_debit_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_debit_file_ref"), ["file_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_debit_loan_ref"), ["loan_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_debit_mandate_ref"), ["mandate_ref"], unique=False)
        batch_op.create_index("ix_debit_state", ["state", "released"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("debit", schema=None) as batch_op:
        batch_op.drop_index("ix_debit_state")
        batch_op.drop_index(batch_op.f("ix_debit_mandate_ref"))
        batch_op.drop_index(batch_op.f("ix_debit_loan_ref"))
        batch_op.drop_index(batch_op.f("ix_debit_file_ref"))
        batch_op.drop_index(batch_op.f("ix_debit_batch_id"))

    op.drop_table("debit")
    with op.batch_alter_table("mandate", schema=None) as batch_op:
        batch_op.drop_index("ix_mandate_person_status")
        batch_op.drop_index(batch_op.f("ix_mandate_iban_index"))

    op.drop_table("mandate")
    op.drop_table("debit_file")
