"""What each channel reached, cost and brought, counted in the records. Counts and sums only, nobody's data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import func
from sqlmodel import Session, col, select

from domain.attribution import Touch, channel_before
from domain.contact import Channel, Purpose
from domain.costs import ChargeKind, Cost, CostTable
from domain.money import Money
from records.tables import BalanceRead, Contact, ContactState, Loan, Payment, Person

LEFT_US = frozenset(
    {ContactState.SENT, ContactState.DELIVERED, ContactState.READ, ContactState.UNDELIVERED, ContactState.UNKNOWN}
)
ARRIVED = frozenset({ContactState.DELIVERED, ContactState.READ})


@dataclass
class _Counting:
    contacts: int = 0
    arrived: int = 0
    read: int = 0
    people: set[int] = field(default_factory=set)
    reached: set[int] = field(default_factory=set)
    cost: int = 0
    recovered: int = 0
    payments: int = 0


@dataclass
class _Paying:
    people: set[int] = field(default_factory=set)
    payments: int = 0
    recovered: int = 0
    fees: int = 0


@dataclass(frozen=True)
class WayFigures:
    """One way to pay (a payment's provider) over the loans of one currency: who used it, what it brought, what it kept.

    `recovered_minor` counts, for each loan, at most what was due, less what was given back; a payment given back whole
    is none. `fees` are of whole payments, those given back too: what a gateway kept of them is spent.
    """

    provider: str
    people: int
    payments: int
    recovered_minor: int
    fees: Cost


@dataclass(frozen=True)
class ChannelFigures:
    """One channel over the loans of one currency.

    `contacts` left us, of which `arrived` are known to have arrived and `read` to have been read or answered.
    `people` were contacted by the channel, `reached` of them at least once for certain. `cost` is of all its contacts,
    receipts too, in the loans' currency; None where the table has no rate. `recovered_minor` is the money of
    `payments` put down to the channel (domain/attribution.py), less what was given back; `channel` None stands for
    money that came by itself.
    """

    channel: Channel | None
    currency: str
    contacts: int
    arrived: int
    read: int
    people: int
    reached: int
    cost: Cost | None
    recovered_minor: int
    payments: int


@dataclass(frozen=True)
class CostFigures:
    """All of one currency: what channels, balance reads and gateways cost, and what was recovered.

    `recovered_minor` counts, for each loan, at most what was due. `people` owe the loans; `contacted` of them at least
    once by any channel, `reached` at least once for certain.
    """

    currency: str
    people: int
    contacted: int
    reached: int
    due_minor: int
    recovered_minor: int
    channels: tuple[ChannelFigures, ...]
    reads: int
    reads_cost: Cost | None
    fees: Cost
    ways: tuple[WayFigures, ...] = ()
    """The one that brought most first."""

    @property
    def cost(self) -> Cost | None:
        """Everything together; None where a part cannot be put into this currency."""
        parts = [*(row.cost for row in self.channels), self.reads_cost, self.fees]
        known = [part.micros for part in parts if part is not None]
        return Cost(micros=sum(known), currency=self.currency) if len(known) == len(parts) else None


def read(session: Session, table: CostTable, campaign_id: str | None = None) -> tuple[CostFigures, ...]:
    """The figures by currency, of a campaign's loans or of all, in their current entry."""
    wanted = select(Loan).order_by(col(Loan.id))
    if campaign_id is not None:
        wanted = wanted.where(Loan.campaign_id == campaign_id)
    loans = session.exec(wanted).all()
    contacts = _by_loan(session.exec(select(Contact).order_by(col(Contact.id))).all(), loans)
    paid = _by_loan(session.exec(select(Payment).order_by(col(Payment.paid_at), col(Payment.id))).all(), loans)
    reads = _reads(session)
    currencies = sorted({loan.currency for loan in loans})
    return tuple(
        _figures(table, code, [loan for loan in loans if loan.currency == code], contacts, paid, reads)
        for code in currencies
    )


_Row = TypeVar("_Row", Contact, Payment)


def _by_loan(rows: Sequence[_Row], loans: Sequence[Loan]) -> dict[int, list[_Row]]:
    """Those of each loan's current entry; of payments, those that were not taken back."""
    entries = {loan.id: loan.entry for loan in loans}
    found: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        if row.loan_ref is None or entries.get(row.loan_ref) != row.entry:
            continue
        if not isinstance(row, Payment) or row.reversed_at is None:
            found[row.loan_ref].append(row)
    return found


def _reads(session: Session) -> dict[int, tuple[int, str]]:
    """How many reads were made for a loan since it was handed over last, and in which country."""
    rows = session.exec(
        select(BalanceRead.loan_ref, func.count(), Person.country)
        .join(Loan, col(Loan.id) == col(BalanceRead.loan_ref))
        .join(Person, col(Person.id) == col(Loan.person_ref))
        .where(col(BalanceRead.at) >= col(Loan.entered_at))
        .group_by(col(BalanceRead.loan_ref), Person.country)
    ).all()
    return {loan_ref: (number, country) for loan_ref, number, country in rows if loan_ref is not None}


def _figures(
    table: CostTable,
    currency: str,
    loans: Sequence[Loan],
    contacts: dict[int, list[Contact]],
    paid: dict[int, list[Payment]],
    reads: dict[int, tuple[int, str]],
) -> CostFigures:
    counted: dict[Channel | None, _Counting] = defaultdict(_Counting)
    spent: dict[Channel | None, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    paying: dict[str, _Paying] = defaultdict(_Paying)
    recovered = fees = read_count = read_micros = 0
    for loan in loans:
        assert loan.id is not None
        touches: list[Touch] = []
        for contact in contacts.get(loan.id, ()):
            if contact.cost_micros and contact.cost_currency:
                spent[contact.channel][contact.cost_currency] += contact.cost_micros
            if contact.state not in LEFT_US:
                continue
            row = counted[contact.channel]
            row.contacts += 1
            row.people.add(contact.person_ref)
            if contact.state in ARRIVED:
                row.arrived += 1
                row.reached.add(contact.person_ref)
            if contact.state is ContactState.READ:
                row.read += 1
            if contact.purpose is not Purpose.TRANSACTIONAL:
                touches.append((contact.sent_at or contact.reserved_at, contact.channel))
        touches.sort(key=lambda touch: touch[0])
        left = loan.amount_due_minor
        for payment in paid.get(loan.id, ()):
            way = paying[payment.provider]
            fee = table.gateway_fee(payment.provider, Money(amount_minor=payment.amount_minor, currency=currency))
            fees += fee.micros if fee else 0
            way.fees += fee.micros if fee else 0
            kept = payment.amount_minor - payment.refunded_minor
            if kept <= 0:
                continue
            counts = min(kept, left)
            left -= counts
            recovered += counts
            row = counted[channel_before(payment.paid_at, touches)]
            row.recovered += counts
            row.payments += 1
            way.people.add(loan.person_ref)
            way.payments += 1
            way.recovered += counts
        number, country = reads.get(loan.id, (0, ""))
        read_count += number
        read_micros += table.price(ChargeKind.BANK_READ, country).micros * number
    order = [*Channel, None]
    return CostFigures(
        currency=currency,
        people=len({loan.person_ref for loan in loans}),
        contacted=len({person for row in counted.values() for person in row.people}),
        reached=len({person for row in counted.values() for person in row.reached}),
        due_minor=sum(loan.amount_due_minor for loan in loans),
        recovered_minor=recovered,
        channels=tuple(
            _row(table, channel, currency, counted[channel], spent[channel])
            for channel in order
            if channel in counted or channel in spent
        ),
        reads=read_count,
        reads_cost=table.in_currency(Cost(micros=read_micros, currency=table.currency), currency),
        fees=Cost(micros=fees, currency=currency),
        ways=tuple(
            WayFigures(name, len(one.people), one.payments, one.recovered, Cost(micros=one.fees, currency=currency))
            for name, one in sorted(paying.items(), key=lambda each: (-each[1].recovered, each[0]))
            if one.payments or one.fees
        ),
    )


def _row(
    table: CostTable, channel: Channel | None, currency: str, row: _Counting, spent: dict[str, int]
) -> ChannelFigures:
    parts = [table.in_currency(Cost(micros=micros, currency=code), currency) for code, micros in spent.items()]
    known = [part.micros for part in parts if part is not None]
    return ChannelFigures(
        channel=channel,
        currency=currency,
        contacts=row.contacts,
        arrived=row.arrived,
        read=row.read,
        people=len(row.people),
        reached=len(row.reached),
        cost=Cost(micros=sum(known), currency=currency) if len(known) == len(parts) else None,
        recovered_minor=row.recovered,
        payments=row.payments,
    )
