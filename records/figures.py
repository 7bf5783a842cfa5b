"""How the business stands, in figures for monitoring: counts and sums by few, harmless words, never a person's data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from domain.agreements.model import LIVE
from records import bank_entries, inquiries
from records.tables import (
    Agreement,
    AgreementInstalment,
    Campaign,
    CaseState,
    CollectionCase,
    Contact,
    ContactState,
    Debit,
    DebitFile,
    GatewayCheck,
    Loan,
    Payment,
    Webhook,
)
from records.webhooks_held import WORKFLOW_MISSING, without_workflow

UNSETTLED_AFTER = timedelta(minutes=15)
MOST_WORDS = 20
OTHER = "other"
_PLAIN = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


@dataclass(frozen=True)
class Takings:
    """Payments of one provider in one currency; `amount_minor` in minor units, `last_at` when the last came."""

    payments: int
    amount_minor: int
    reversed: int
    last_at: datetime


@dataclass(frozen=True)
class Figures:
    """Counts by state, end, queue or provider. `last_payment` is when each provider's latest payment was received;
    `oldest_unrelayed` is None where none waits, those left out whose loans wait themselves for their campaign to start
    them: they start with that news."""

    read_at: datetime
    loans: dict[str, int]
    loans_ended: dict[str, int]
    campaigns: dict[str, int]
    cases_open: dict[str, int]
    cases_past_sla: dict[str, int]
    takings: dict[tuple[str, str], Takings]
    payments_unmatched: int
    last_payment: dict[str, datetime]
    webhooks_unrelayed: dict[str, int]
    oldest_unrelayed: datetime | None
    contacts_unsettled: int
    agreements: dict[tuple[str, ...], int]
    agreed_minor: dict[tuple[str, ...], int]
    debits: dict[str, int]
    debit_files_unanswered: int
    bank_entries_waiting: int
    payments_unanswered: dict[str, int]
    gateway_differences: dict[str, int]


def read(session: Session, now: datetime) -> Figures:
    """The figures at `now`. The whole tables of loans and payments are counted: call it as rarely as will do."""
    rows = session.connection()
    by_end = rows.execute(_counted(Loan.state, Loan.end_kind)).all()
    states: dict[str, int] = {}
    for state, _, number in by_end:
        states[state] = states.get(state, 0) + number
    waiting = col(Webhook.relayed_at).is_(None)
    begun = (
        col(Contact.state).in_((ContactState.SENDING, ContactState.RESERVED)),
        col(Contact.changed_at) < now - UNSETTLED_AFTER,
    )
    takings = _takings(session)
    return Figures(
        read_at=now,
        loans=states,
        loans_ended={end: number for _, end, number in by_end if end is not None},
        campaigns={state: number for state, number in rows.execute(_counted(Campaign.state)).all()},
        cases_open=_queues(session),
        cases_past_sla=_queues(session, past=now),
        takings=takings,
        payments_unmatched=session.exec(
            select(func.count()).select_from(Payment).where(col(Payment.loan_ref).is_(None))
        ).one(),
        last_payment={
            provider: max(one.last_at for (by, _), one in takings.items() if by == provider) for provider, _ in takings
        },
        webhooks_unrelayed=dict(
            session.exec(select(Webhook.provider, func.count()).where(waiting).group_by(Webhook.provider)).all()
        ),
        oldest_unrelayed=_oldest_unrelayed(session),
        contacts_unsettled=session.exec(select(func.count()).select_from(Contact).where(*begun)).one(),
        agreements=_agreements(session),
        agreed_minor=_agreed(session),
        debits={state: number for state, number in rows.execute(_counted(Debit.state)).all()},
        debit_files_unanswered=session.exec(
            select(func.count()).select_from(DebitFile).where(col(DebitFile.answered_at).is_(None))
        ).one(),
        bank_entries_waiting=bank_entries.waiting(session),
        payments_unanswered={one.provider: len(one.ids) for one in inquiries.overdue(session, now)},
        gateway_differences=_differences(session, now),
    )


def _oldest_unrelayed(session: Session) -> datetime | None:
    tried = without_workflow(session)
    others = (
        col(Webhook.relayed_at).is_(None),
        or_(
            col(Webhook.recorded_at).is_(None),
            col(Webhook.relay_error).is_(None),
            col(Webhook.relay_error) != WORKFLOW_MISSING,
        ),
    )
    oldest = session.exec(select(func.min(Webhook.received_at)).where(*others)).one()
    return min((at for at in (oldest, *(one.received_at for one in tried if not one.held)) if at), default=None)


def _queues(session: Session, past: datetime | None = None) -> dict[str, int]:
    """Open cases by queue; with `past`, those that were due before it."""
    query = select(CollectionCase.queue, func.count()).where(CollectionCase.state == CaseState.OPEN)
    if past is not None:
        query = query.where(col(CollectionCase.sla_at) < past)
    return dict(session.exec(query.group_by(CollectionCase.queue)).all())


_FURTHEST_EAST = timedelta(hours=14)
"""So far ahead of UTC may a day have begun."""
_LATELY = timedelta(days=1, hours=12)
"""Every day's run is in it, also one that came late."""
_ONE_RUN = timedelta(hours=12)
"""So long may one run take that makes up for a month."""


def _differences(session: Session, now: datetime) -> dict[str, int]:
    """Of each gateway, those of all days that were compared lately; a day that has not come yet says nothing.

    Where nothing was compared for longer, those of the last time: silence clears up no difference.
    """
    come = GatewayCheck.day <= (now.astimezone(UTC) + _FURTHEST_EAST).date()
    last = select(GatewayCheck.provider, func.max(GatewayCheck.checked_at)).where(come).group_by(GatewayCheck.provider)
    found: dict[str, int] = {}
    for provider, last_at in session.exec(last).all():
        told = select(func.sum(GatewayCheck.differences)).where(
            GatewayCheck.provider == provider,
            come,
            col(GatewayCheck.checked_at) >= min(now - _LATELY, last_at - _ONE_RUN),
        )
        found[provider] = int(session.exec(told).one() or 0)
    return found


def _agreements(session: Session) -> dict[tuple[str, ...], int]:
    rows = session.connection().execute(_counted(Agreement.kind, Agreement.state)).all()
    return {(kind, state): number for kind, state, number in rows}


def _agreed(session: Session) -> dict[tuple[str, ...], int]:
    """What is still to come of agreements in force, by kind and currency."""
    left = func.sum(col(AgreementInstalment.amount_minor) - col(AgreementInstalment.paid_minor))
    query = (
        sqlalchemy.select(col(Agreement.kind), col(Loan.currency), left)
        .join(AgreementInstalment, col(AgreementInstalment.agreement_ref) == col(Agreement.id))
        .join(Loan, col(Loan.id) == col(Agreement.loan_ref))
        .where(col(Agreement.state).in_(LIVE))
        .group_by(col(Agreement.kind), col(Loan.currency))
    )
    return {(kind, currency): int(amount) for kind, currency, amount in session.connection().execute(query).all()}


def _takings(session: Session) -> dict[tuple[str, str], Takings]:
    query = _counted(Payment.provider, Payment.currency).add_columns(
        func.sum(col(Payment.amount_minor)), func.count(col(Payment.reversed_at)), func.max(col(Payment.received_at))
    )
    rows = session.connection().execute(query.order_by(func.min(Payment.id))).all()
    words = plain_words(provider for provider, *_ in rows)
    found: dict[tuple[str, str], Takings] = {}
    for provider, currency, number, amount, taken_back, last_at in rows:
        key = (words[provider], currency)
        before = found.get(key, Takings(0, 0, 0, last_at))
        found[key] = Takings(
            before.payments + number,
            before.amount_minor + int(amount),
            before.reversed + taken_back,
            max(before.last_at, last_at),
        )
    return found


def _counted(*columns: Any) -> sqlalchemy.Select[Any]:
    """Each combination of the columns' values with the number of rows that have it."""
    return sqlalchemy.select(*columns, func.count()).group_by(*columns)


def plain_words(said: Iterable[str]) -> dict[str, str]:
    """Others' words as label values: the first MOST_WORDS plain ones stand, the rest are one, `other`.

    A provider's name comes with a signal of any service: it might be long, new each time, or say who paid.
    """
    kept: dict[str, str] = {}
    for word in said:
        if word not in kept:
            room = len({value for value in kept.values() if value != OTHER}) < MOST_WORDS
            kept[word] = word if room and _PLAIN.fullmatch(word) else OTHER
    return kept
