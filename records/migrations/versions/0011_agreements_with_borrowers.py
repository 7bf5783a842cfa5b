"""Agreements with borrowers, their instalments and the words by which they were accepted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


_LIVE = sa.text("state IN ('open', 'active')")


def upgrade() -> None:
    op.create_table(
        "agreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=128), nullable=False),
        sa.Column("via", sa.String(length=40), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("remission_minor", sa.BigInteger(), nullable=False),
        sa.Column("added_minor", sa.BigInteger(), nullable=False),
        sa.Column("adjustment_minor", sa.BigInteger(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("tolerance_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_frozen", sa.Boolean(), nullable=False),
        sa.Column("option", sa.String(length=40), nullable=True),
        sa.Column("rule", sa.String(length=300), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("proposed_by", sa.String(length=128), nullable=True),
        sa.Column("approved_by", sa.String(length=128), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence_message_id", sa.String(length=128), nullable=True),
        sa.Column("evidence_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence_sha256", sa.String(length=64), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('promise', 'plan', 'settlement', 'restructuring')", name=op.f("ck_agreement_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'open', 'active', 'kept', 'partly_kept', 'completed', "
            "'broken', 'replaced', 'void', 'cancelled', 'expired')",
            name=op.f("ck_agreement_state_known"),
        ),
        sa.CheckConstraint("via IN ('message', 'agent', 'keypad', 'page')", name=op.f("ck_agreement_via_known")),
        sa.CheckConstraint("total_minor > 0", name=op.f("ck_agreement_total_positive")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_agreement_loan_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("loan_ref", "entry", "number", name=op.f("uq_agreement_loan_ref_entry_number")),
    )
    with op.batch_alter_table("agreement", schema=None) as batch_op:
        batch_op.create_index(
            "uq_agreement_live",
            ["loan_ref", "entry"],
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        )

    op.create_table(
        "agreement_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.String(length=128), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_agreement_evidence_loan_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_evidence")),
    )
    with op.batch_alter_table("agreement_evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agreement_evidence_loan_ref"), ["loan_ref"], unique=False)

    op.create_table(
        "agreement_instalment",
        sa.Column("agreement_ref", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_agreement_instalment_amount_positive")),
        sa.ForeignKeyConstraint(
            ["agreement_ref"], ["agreement.id"], name=op.f("fk_agreement_instalment_agreement_ref")
        ),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_agreement_instalment_loan_ref")),
        sa.PrimaryKeyConstraint("agreement_ref", "number", name=op.f("pk_agreement_instalment")),
    )
    with op.batch_alter_table("agreement_instalment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agreement_instalment_loan_ref"), ["loan_ref"], unique=False)

    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.add_column(sa.Column("adjusted_minor", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.drop_column("adjusted_minor")

    with op.batch_alter_table("agreement_instalment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agreement_instalment_loan_ref"))

    op.drop_table("agreement_instalment")
    with op.batch_alter_table("agreement_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agreement_evidence_loan_ref"))

    op.drop_table("agreement_evidence")
    with op.batch_alter_table("agreement", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_agreement_live",
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        )

    op.drop_table("agreement")
