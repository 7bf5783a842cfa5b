"""Refunds are tasks that two people share; payments know what was given back of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_LIVE = sa.text("state IN ('proposed', 'approved', 'done')")


def upgrade() -> None:
    op.add_column("payment", sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("collection_case", sa.Column("amount_minor", sa.BigInteger(), nullable=True))
    op.create_table(
        "refund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=200), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("payment_ref", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("way", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("why", sa.String(length=200), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_amount_positive")),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'done', 'rejected', 'failed')", name=op.f("ck_refund_state_known")
        ),
        sa.CheckConstraint("way IN ('gateway', 'transfer')", name=op.f("ck_refund_way_known")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["collection_case.case_id"], name=op.f("fk_refund_case_id_collection_case")
        ),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_refund_loan_ref_loan")),
        sa.ForeignKeyConstraint(["payment_ref"], ["payment.id"], name=op.f("fk_refund_payment_ref_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_loan_ref"), ["loan_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_payment_ref"), ["payment_ref"], unique=False)
        batch_op.create_index("uq_refund_live", ["case_id"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE)


def downgrade() -> None:
    op.drop_table("refund")
    op.drop_column("collection_case", "amount_minor")
    op.drop_column("payment", "refunded_minor")
