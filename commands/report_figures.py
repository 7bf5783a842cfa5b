"""What the report shows, as plain rows: no name, phone or e-mail is in any of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from commands import configuration
from commands.channel_costs import Costs, costs_of
from commands.plain_rules import Residence, windows
from commands.rehearsal import Rehearsal
from commands.world_log import Entry, WorldLog
from domain.contact import Purpose, Verdict
from domain.contact_orders import FUNDS
from records.tables import CollectionCase, Contact, ContactDecision, Loan, Payment, PaymentLink, Person

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class LoanRow:
    """One loan; `paid_minor` counts payments that were not taken back."""

    loan_id: str
    days_past_due: int
    currency: str
    due_minor: int
    paid_minor: int
    end: str
    ended_on_day: int | None
    contacts: int
    payments: int


@dataclass(frozen=True)
class ContactRow:
    """One message by the borrower's own clock. `day` counts from the campaign's first day, 0."""

    loan_id: str
    day: int
    channel: str
    receipt: bool
    weekday: str
    hour: int


@dataclass(frozen=True)
class PaidRow:
    """Money received until `day` whole days had passed since the campaign began, at most what each loan owed.

    Minor units of `currency`; `share` of what was due in it.
    """

    day: int
    currency: str
    received_minor: int
    share: float


@dataclass(frozen=True)
class Offer:
    """A link sent because money was seen. `paid_at` None: no payment came before the next such link."""

    loan_id: str
    seen_at: datetime
    sent_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True)
class Refusal:
    rule: str
    source: str
    text: str
    later: int
    never: int


@dataclass(frozen=True)
class Figures:
    loans: tuple[LoanRow, ...]
    contacts: tuple[ContactRow, ...]
    money: tuple[PaidRow, ...]
    offers: tuple[Offer, ...]
    refusals: tuple[Refusal, ...]
    cases: tuple[tuple[str, str, str, int], ...]
    country: str
    """Where most of the borrowers live: whose lawful hours are drawn."""
    open_hours: tuple[tuple[float, float] | None, ...]
    """From Monday to Sunday."""
    watched: int
    """Loans whose borrower let their balance be read."""
    costs: Costs


def gather(rehearsal: Rehearsal) -> Figures:
    """Read the records and the world's log once."""
    log = WorldLog.read(rehearsal.world_log)
    begins = rehearsal.plan.begins
    with rehearsal.database.reading() as session:
        loans = session.exec(select(Loan).order_by(col(Loan.id))).all()
        people = {person.id: person for person in session.exec(select(Person)).all()}
        contacts = session.exec(select(Contact).order_by(col(Contact.id))).all()
        payments = session.exec(select(Payment).order_by(col(Payment.paid_at))).all()
        decisions = session.exec(select(ContactDecision)).all()
        cases = session.exec(select(CollectionCase)).all()
        links = {link.id: link.provider_link_id for link in session.exec(select(PaymentLink)).all()}
        costs = costs_of(session, configuration.settings())
    zones = {loan.id: _zone(people[loan.person_ref]) for loan in loans}
    lived = Counter((people[loan.person_ref].country, people[loan.person_ref].region) for loan in loans)
    (country, region), _ = lived.most_common(1)[0]
    same_country = {where[1] for where in lived if where[0] == country}
    return Figures(
        loans=tuple(_loan_row(loan, begins, zones[loan.id], contacts, payments) for loan in loans),
        contacts=tuple(_contact_row(contact, loans, begins, zones[contact.loan_ref]) for contact in contacts),
        money=tuple(_money(loans, payments, begins, rehearsal.plan.days)),
        offers=tuple(_offers(log, loans, contacts, links)),
        refusals=tuple(_refusals(decisions)),
        cases=tuple(sorted((c[0], c[1], c[2], n) for c, n in _cases(cases).items())),
        country=country,
        open_hours=tuple(windows(Residence(country, region if len(same_country) == 1 else None, "UTC"), begins.date())),
        watched=len({entry.loan_id for entry in log.of("balance_read")}),
        costs=costs,
    )


def cured_by_the_watch(rehearsal: Rehearsal) -> list[str]:
    """Loans whose completing payment came through a link that was last sent because money had been seen."""
    log = WorldLog.read(rehearsal.world_log)
    with rehearsal.database.reading() as session:
        loans = session.exec(select(Loan).where(Loan.end_kind == "cured").order_by(col(Loan.id))).all()
        contacts = session.exec(select(Contact)).all()
        links = {link.id: link.provider_link_id for link in session.exec(select(PaymentLink)).all()}
    found = []
    for loan in loans:
        completing = _completing(log, loan)
        if completing is None or completing.text("via") != "link":
            continue
        carried = [
            contact
            for contact in contacts
            if contact.loan_ref == loan.id
            and contact.link_ref is not None
            and contact.sent_at is not None
            and contact.sent_at < completing.at
            and links[contact.link_ref] == completing.text("link_id")
        ]
        if carried and max(carried, key=lambda contact: contact.sent_at or contact.reserved_at).step == FUNDS:
            found.append(loan.loan_id)
    return found


def _completing(log: WorldLog, loan: Loan) -> Entry | None:
    """The payment with which the debt was paid, of those that were not taken back."""
    back = {entry.text("payment_id") for entry in log.of("reversal")}
    left = loan.amount_due_minor
    for entry in log.of("payment"):
        if entry.loan_id == loan.loan_id and entry.text("payment_id") not in back:
            left -= entry.minor()
            if left <= 0:
                return entry
    return None


def _zone(person: Person) -> ZoneInfo:
    return ZoneInfo(person.timezone or "UTC")


def _loan_row(
    loan: Loan, begins: datetime, zone: ZoneInfo, contacts: Sequence[Contact], payments: Sequence[Payment]
) -> LoanRow:
    good = [p for p in payments if p.loan_ref == loan.id and p.entry == loan.entry and p.reversed_at is None]
    return LoanRow(
        loan_id=loan.loan_id,
        days_past_due=(begins.astimezone(zone).date() - loan.due_date).days,
        currency=loan.currency,
        due_minor=loan.amount_due_minor,
        paid_minor=sum(payment.amount_minor for payment in good),
        end=loan.end_kind or "not ended",
        ended_on_day=(loan.ended_at - begins).days if loan.ended_at else None,
        contacts=sum(1 for contact in contacts if contact.loan_ref == loan.id),
        payments=len(good),
    )


def _contact_row(contact: Contact, loans: Sequence[Loan], begins: datetime, zone: ZoneInfo) -> ContactRow:
    at = contact.sent_at or contact.reserved_at
    local = at.astimezone(zone)
    return ContactRow(
        loan_id=next(loan.loan_id for loan in loans if loan.id == contact.loan_ref),
        day=(local.date() - begins.astimezone(zone).date()).days,
        channel=contact.channel.value,
        receipt=contact.purpose is Purpose.TRANSACTIONAL,
        weekday=WEEKDAYS[local.weekday()],
        hour=local.hour,
    )


def _money(loans: Sequence[Loan], payments: Sequence[Payment], begins: datetime, days: int) -> list[PaidRow]:
    moved: dict[int | None, Counter[int]] = defaultdict(Counter)
    for payment in payments:
        moved[payment.loan_ref][max((payment.paid_at - begins).days, 0)] += payment.amount_minor
        if payment.reversed_at is not None:
            moved[payment.loan_ref][max((payment.reversed_at - begins).days, 0)] -= payment.amount_minor
    ends = [(loan.ended_at - begins).days for loan in loans if loan.ended_at is not None]
    last = min(days, max([*(day for by_day in moved.values() for day in by_day), *ends, 0]) + 1)
    rows = []
    for currency in sorted({loan.currency for loan in loans}):
        mine = [loan for loan in loans if loan.currency == currency]
        due = sum(loan.amount_due_minor for loan in mine)
        paid: Counter[int | None] = Counter()
        for day in range(last + 1):
            for loan in mine:
                paid[loan.id] += moved[loan.id][day - 1]
            received = sum(min(paid[loan.id], loan.amount_due_minor) for loan in mine)
            rows.append(PaidRow(day, currency, received, received / due))
    return rows


def _offers(
    log: WorldLog, loans: Sequence[Loan], contacts: Sequence[Contact], links: dict[int | None, str]
) -> list[Offer]:
    """When the money was first seen, when the link went out, when a payment came through that link."""
    reads: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in log.of("balance_read"):
        reads[entry.loan_id].append(entry)
    amounts = {entry.text("link_id"): entry.minor() for entry in log.of("link_created")}
    found = []
    for loan in loans:
        offers = [c for c in contacts if c.loan_ref == loan.id and c.step == FUNDS and c.sent_at is not None]
        for number, contact in enumerate(offers):
            sent_at = contact.sent_at or contact.reserved_at
            before = (offers[number - 1].sent_at if number else None) or datetime.min.replace(tzinfo=sent_at.tzinfo)
            until = offers[number + 1].sent_at if number + 1 < len(offers) else None
            link = links.get(contact.link_ref, "")
            seen_at = _money_seen(reads[loan.loan_id], before, sent_at, amounts.get(link, 0))
            paid_at = next(
                (
                    entry.at
                    for entry in log.of("payment")
                    if entry.text("link_id") == link and entry.at > sent_at and (until is None or entry.at < until)
                ),
                None,
            )
            if seen_at is not None:
                found.append(Offer(loan.loan_id, seen_at, sent_at, paid_at))
    return found


def _money_seen(reads: Sequence[Entry], after: datetime, until: datetime, amount: int) -> datetime | None:
    """The first of the unbroken reads before `until` that showed at least `amount`."""
    seen: datetime | None = None
    for entry in reversed([read for read in reads if after < read.at <= until]):
        if entry.minor() < amount:
            break
        seen = entry.at
    return seen


def _refusals(decisions: Sequence[ContactDecision]) -> list[Refusal]:
    later: Counter[str] = Counter()
    never: Counter[str] = Counter()
    said: dict[str, tuple[str, str]] = {}
    for decision in decisions:
        if decision.verdict is Verdict.ALLOWED:
            continue
        for reason in decision.reasons:
            rule = str(reason["rule"])
            (never if decision.verdict is Verdict.NEVER else later)[rule] += 1
            said.setdefault(rule, (str(reason["source"]), str(reason["text"]).split(" (20")[0]))
    order = sorted(said, key=lambda rule: -(later[rule] + never[rule]))
    return [Refusal(rule, *said[rule], later=later[rule], never=never[rule]) for rule in order]


def _cases(cases: Sequence[CollectionCase]) -> Counter[tuple[str, str, str]]:
    return Counter((case.kind, case.state.value, case.decision or "") for case in cases)


def hours_between(begin: datetime, end: datetime) -> float:
    return (end - begin) / timedelta(hours=1)
