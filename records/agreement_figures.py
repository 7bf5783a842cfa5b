"""What was agreed on over a span of time and what came of it, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from domain.agreements.model import LIVE, AgreementKind, AgreementState, Via
from records import agreements
from records.tables import Agreement, AgreementInstalment, Loan

KEPT = frozenset({AgreementState.KEPT, AgreementState.COMPLETED})
NOT_KEPT = frozenset({AgreementState.BROKEN, AgreementState.PARTLY_KEPT})
NEVER_IN_FORCE = frozenset({AgreementState.PROPOSED, AgreementState.EXPIRED})


@dataclass
class AgreementFigures:
    """Of agreements of one kind in one currency. Amounts in minor units.

    `agreed_minor` and `received_minor` are of those that came into force: what was to be paid, and what has come of
    it so far. Offers that did not, whoever said yes to them, count in `states` alone.
    """

    states: Counter[AgreementState] = field(default_factory=Counter)
    via: Counter[Via] = field(default_factory=Counter)
    agreed_minor: int = 0
    received_minor: int = 0
    forgiven_minor: int = 0

    @property
    def in_force(self) -> int:
        return sum(self.states[state] for state in LIVE)

    @property
    def kept(self) -> int:
        return sum(self.states[state] for state in KEPT)

    @property
    def judged(self) -> int:
        """Those whose end was keeping or not keeping: the denominator of the share that was kept."""
        return self.kept + sum(self.states[state] for state in NOT_KEPT)


def agreement_figures(
    session: Session, since: datetime, until: datetime, lender: str | None = None
) -> dict[tuple[AgreementKind, str], AgreementFigures]:
    """By kind and currency, of agreements made from `since` (inclusive) to `until` (exclusive), as they stand now."""
    paid = (
        select(AgreementInstalment.agreement_ref, func.sum(AgreementInstalment.paid_minor).label("paid"))
        .group_by(col(AgreementInstalment.agreement_ref))
        .subquery()
    )
    query = (
        select(Agreement, Loan.currency, paid.c.paid)
        .join(Loan, col(Loan.id) == col(Agreement.loan_ref))
        .join(paid, paid.c.agreement_ref == col(Agreement.id))
        .where(col(Agreement.made_at) >= since, col(Agreement.made_at) < until)
    )
    if lender is not None:
        query = query.where(Loan.lender == lender)
    found: dict[tuple[AgreementKind, str], AgreementFigures] = {}
    for agreement, currency, received in session.exec(query).all():
        figures = found.setdefault((agreement.kind, currency), AgreementFigures())
        figures.states[agreement.state] += 1
        if agreement.evidence_at is None and agreement.kind is not AgreementKind.PROMISE:
            continue
        if agreement.state in NEVER_IN_FORCE or not agreements.was_in_force(agreement):
            continue
        figures.via[agreement.via] += 1
        figures.agreed_minor += agreement.total_minor
        figures.received_minor += int(received)
        figures.forgiven_minor += max(-agreement.adjustment_minor, 0)
    return dict(sorted(found.items()))
