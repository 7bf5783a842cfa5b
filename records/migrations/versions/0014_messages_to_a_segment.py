"""One-off messages to a segment of the loans"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "segment_send",
        sa.Column("id", sa.String(length=50), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("with_link", sa.Boolean(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rate_per_second", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'stopped', 'finished')", name=op.f("ck_segment_send_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_send")),
    )
    op.create_table(
        "segment_send_loan",
        sa.Column("send_id", sa.String(length=50), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_segment_send_loan_loan_ref")),
        sa.ForeignKeyConstraint(["send_id"], ["segment_send.id"], name=op.f("fk_segment_send_loan_send_id")),
        sa.PrimaryKeyConstraint("send_id", "loan_ref", name=op.f("pk_segment_send_loan")),
    )
    op.create_index("ix_segment_send_loan_loan_ref", "segment_send_loan", ["loan_ref"])
    op.create_index("ix_segment_send_loan_open", "segment_send_loan", ["send_id", "told_at", "refused"])


def downgrade() -> None:
    op.drop_table("segment_send_loan")
    op.drop_table("segment_send")
