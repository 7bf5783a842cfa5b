"""Receipts and letters of payment in full are kept with their loan"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payment_ref", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'receipt') = (payment_ref IS NOT NULL)", name=op.f("ck_document_receipt_of_a_payment")
        ),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_document_loan_ref_loan")),
        sa.ForeignKeyConstraint(["payment_ref"], ["payment.id"], name=op.f("fk_document_payment_ref_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("public_id", name=op.f("uq_document_public_id")),
    )
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_document_loan_ref"), ["loan_ref"], unique=False)
        batch_op.create_index(
            "uq_document_receipt",
            ["payment_ref"],
            unique=True,
            sqlite_where=sa.text("kind = 'receipt'"),
            postgresql_where=sa.text("kind = 'receipt'"),
        )
        batch_op.create_index(
            "uq_document_letter",
            ["loan_ref", "entry", "kind", "number"],
            unique=True,
            sqlite_where=sa.text("kind <> 'receipt'"),
            postgresql_where=sa.text("kind <> 'receipt'"),
        )


def downgrade() -> None:
    op.drop_table("document")
