"""Consents to read balances, and the reads made under them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, func, insert, or_
from sqlmodel import Session, col, select

from records import person_keys
from records.tables import BalanceRead, Consent, ConsentRequest, ConsentStatus, Loan, LoanState, Person
from records.tables.sealing import CONSENT

REVOKED = "revoked by us"
REVOKED_HERE = "revoked by us, not yet at the bank"
"""Why a consent, or a request for one, is over that the bank has still to be told of."""
GRANTED = "granted"
"""The outcome of a request of which a consent came."""

_ENDS = select(Consent.id, Consent.valid_until).where(  # type: ignore[type-var]
    col(Consent.person_ref) == bindparam("person"),
    col(Consent.status) == ConsentStatus.VALID,
    or_(col(Consent.valid_until).is_(None), col(Consent.valid_until) >= bindparam("day")),
)
_ENDS_OF_ALL = select(Consent.person_ref, Consent.valid_until).where(  # type: ignore[type-var]
    col(Consent.person_ref).in_(bindparam("people", expanding=True)),
    col(Consent.status) == ConsentStatus.VALID,
    or_(col(Consent.valid_until).is_(None), col(Consent.valid_until) >= bindparam("day")),
)
_RECORD_READ = insert(BalanceRead.__table__)  # type: ignore[attr-defined]
_ACTIVE = (
    select(Consent)
    .where(
        col(Consent.person_ref) == bindparam("person"),
        col(Consent.status) == ConsentStatus.VALID,
        or_(col(Consent.valid_until).is_(None), col(Consent.valid_until) >= bindparam("day")),
    )
    .order_by(col(Consent.id))
)


_WATCHED = (
    select(Loan.id).where(col(Loan.person_ref) == col(Consent.person_ref), col(Loan.state) != LoanState.ENDED).exists()
)


def active(session: Session, loan: Loan, on: date) -> Consent | None:
    """The consent by which the person's balance may be read on a day; the one that lasts longest."""
    rows = session.exec(_ACTIVE, params={"person": loan.person_ref, "day": on}).all()
    return max(rows, key=lambda row: row.valid_until or date.max, default=None)


@dataclass(frozen=True)
class Lasting:
    """A valid consent; `until` is inclusive, None where it has no end."""

    until: date | None


def lasting(session: Session, loan: Loan, on: date) -> Lasting | None:
    """As `active`, without opening what is sealed of it."""
    ends = session.exec(_ENDS, params={"person": loan.person_ref, "day": on}).all()
    return Lasting(max((end for _, end in ends), key=lambda end: end or date.max)) if ends else None


def lasting_of(session: Session, person_refs: Collection[int], on: date) -> dict[int, Lasting]:
    """As `lasting`, of several people by their surrogate keys; only of whom there is one."""
    rows = session.exec(_ENDS_OF_ALL, params={"people": list(person_refs), "day": on}).all()
    found: dict[int, Lasting] = {}
    for person_ref, end in rows:
        before = found.get(person_ref)
        if before is None or (before.until or date.max) < (end or date.max):
            found[person_ref] = Lasting(end)
    return found


def grant(
    session: Session,
    person: Person,
    *,
    provider: str,
    consent_id: str,
    account_id: str,
    valid_until: date | None,
    reads_per_day: int,
    at: datetime,
    transactions: bool | None = None,
    older_live_on: bool = False,
) -> Consent:
    """Keep what a bank granted. The person's older consents of that provider are over, as they are at the bank.

    `older_live_on`: there they are not, so that those which were asked for here have to be ended.
    """
    index = person_keys.of(session).index(CONSENT, consent_id)
    rows = session.exec(select(Consent).where(Consent.person_ref == person.id, Consent.provider == provider)).all()
    assert person.id is not None
    kept = next((row for row in rows if row.consent_index == index), None)
    if kept is None:
        kept = Consent(
            person_ref=person.id, provider=provider, consent_id=consent_id, account_id=account_id, changed_at=at
        )
    elif kept.account_id != account_id:
        kept.account_id = account_id
    kept.valid_until, kept.reads_per_day, kept.transactions = valid_until, reads_per_day, transactions
    kept.status, kept.over_because, kept.changed_at = ConsentStatus.VALID, None, at
    kept.end_at_source = False
    session.add(kept)
    for row in rows:
        if row is not kept and row.status is ConsentStatus.VALID:
            row.end_at_source = older_live_on and _asked_for_here(session, row)
            end(session, row, ConsentStatus.EXPIRED, because="replaced", at=at)
    session.flush()
    return kept


def _asked_for_here(session: Session, consent: Consent) -> bool:
    """Whether a valid consent was given on our page, and did not come in a lender's file.

    Requests from before sources' ids were kept with them were settled at the moment their consent was granted.
    """
    if consent.transactions is not None:
        return True
    granted = select(ConsentRequest).where(
        ConsentRequest.person_ref == consent.person_ref,
        ConsentRequest.provider == consent.provider,
        ConsentRequest.outcome == GRANTED,
    )
    return any(
        one.settled_at == consent.changed_at if one.consent_id is None else one.consent_id == consent.consent_id
        for one in session.exec(granted).all()
    )


def end(session: Session, consent: Consent, status: ConsentStatus, *, because: str, at: datetime) -> None:
    """It may not be read with any more."""
    consent.status, consent.over_because, consent.changed_at = status, because[:80], at
    session.add(consent)
    session.flush()


def revoke(session: Session, person: Person, at: datetime) -> list[Consent]:
    """No balance of the person is read any more, and nothing that they were asked for is granted. What was valid."""
    valid = [one for one in of_person(session, person) if one.status is ConsentStatus.VALID]
    for consent in valid:
        end(session, consent, ConsentStatus.REVOKED, because=REVOKED_HERE, at=at)
    for request in open_requests(session, person, None):
        settle(session, request, REVOKED_HERE, at)
    return valid


def taken_back(session: Session, person: Person) -> bool:
    """Whether the consent that the person gave last was taken back, by them or at their word."""
    last = select(Consent.status).where(Consent.person_ref == person.id).order_by(col(Consent.id).desc()).limit(1)
    return session.exec(last).first() is ConsentStatus.REVOKED


def live(session: Session, person: Person) -> bool:
    """Whether a source may hold a consent of the person: a valid one, one asked for, or one it has still to end."""
    return has_open(session, person) or bool(person.id and to_end_at_bank(session, person.id))


def has_open(session: Session, person: Person) -> bool:
    """Whether the person has a valid consent, or was asked for one and it is not settled."""
    valid = select(Consent.id).where(Consent.person_ref == person.id, Consent.status == ConsentStatus.VALID)
    return session.exec(valid.limit(1)).first() is not None or bool(open_requests(session, person, None))


def to_end_at_bank(session: Session, person_ref: int | None = None) -> list[Consent | ConsentRequest]:
    """What is over here and lives on at its source, which has to be told; of everybody without a person."""
    over = or_(col(Consent.over_because) == REVOKED_HERE, col(Consent.end_at_source))
    revoked = select(Consent).where(over).order_by(col(Consent.id))
    settled = or_(col(ConsentRequest.outcome) == REVOKED_HERE, col(ConsentRequest.end_at_source))
    asked = (
        select(ConsentRequest)
        .where(settled, col(ConsentRequest.consent_id).is_not(None))
        .order_by(col(ConsentRequest.id))
    )
    if person_ref is not None:
        revoked = revoked.where(Consent.person_ref == person_ref)
        asked = asked.where(ConsentRequest.person_ref == person_ref)
    return [*session.exec(revoked).all(), *session.exec(asked).all()]


def is_to_end_at_bank(over: Consent | ConsentRequest) -> bool:
    """Whether the bank has still to be told that it is over."""
    why = over.outcome if isinstance(over, ConsentRequest) else over.over_because
    return over.end_at_source or why == REVOKED_HERE


def ended_at_bank(session: Session, over: Consent | ConsentRequest) -> None:
    """The bank knows that it is over."""
    over.end_at_source = False
    if isinstance(over, ConsentRequest):
        over.outcome = REVOKED if over.outcome == REVOKED_HERE else over.outcome
    else:
        over.over_because = REVOKED if over.over_because == REVOKED_HERE else over.over_because
    session.add(over)
    session.flush()


def of_person(session: Session, person: Person) -> Sequence[Consent]:
    """All consents of a person, the latest first."""
    return session.exec(select(Consent).where(Consent.person_ref == person.id).order_by(col(Consent.id).desc())).all()


def listing(session: Session, *, lender: str | None = None) -> Sequence[tuple[Consent, Person]]:
    """Consents and whose they are, those that end first first."""
    query = select(Consent, Person).join(Person, col(Person.id) == col(Consent.person_ref))
    if lender is not None:
        query = query.where(Person.lender == lender)
    rows = session.exec(query).all()
    return sorted(rows, key=lambda row: (row[0].valid_until or date.max, row[0].id or 0))


def ask(
    session: Session, person: Person, *, provider: str, reference: str, at: datetime, transactions: bool | None = None
) -> ConsentRequest:
    """The person is sent to their bank. The row is kept before the bank hears of it."""
    assert person.id is not None
    request = ConsentRequest(
        person_ref=person.id, provider=provider, reference=reference, transactions=transactions, asked_at=at
    )
    session.add(request)
    session.flush()
    return request


def asked_since(session: Session, person: Person, since: datetime) -> int:
    """How often the person was sent to a bank."""
    return session.exec(
        select(func.count())
        .select_from(ConsentRequest)
        .where(ConsentRequest.person_ref == person.id, col(ConsentRequest.asked_at) >= since)
    ).one()


def asked_last(session: Session, person: Person) -> ConsentRequest | None:
    """The latest request of a person, settled or not."""
    every = select(ConsentRequest).where(ConsentRequest.person_ref == person.id)
    return session.exec(every.order_by(col(ConsentRequest.id).desc()).limit(1)).first()


def open_requests(session: Session, person: Person | None, since: datetime | None) -> Sequence[ConsentRequest]:
    """Requests that are not settled, the latest first; of everybody without a person, of any age without `since`."""
    query = select(ConsentRequest).where(col(ConsentRequest.settled_at).is_(None))
    if since is not None:
        query = query.where(col(ConsentRequest.asked_at) >= since)
    if person is not None:
        query = query.where(ConsentRequest.person_ref == person.id)
    return session.exec(query.order_by(col(ConsentRequest.id).desc())).all()


def settle(session: Session, request: ConsentRequest, outcome: str, at: datetime) -> None:
    request.settled_at, request.outcome = at, outcome[:40]
    session.add(request)
    session.flush()


def past_their_day(session: Session, today: date) -> Sequence[int]:
    """The ids of consents that are kept as valid and whose last day lies before `today`."""
    found = session.exec(
        select(Consent.id).where(Consent.status == ConsentStatus.VALID, col(Consent.valid_until) < today)
    ).all()
    return [ref for ref in found if ref is not None]


def to_look_at(session: Session, after: int, limit: int) -> Sequence[int]:
    """The next valid consents, by id, of people with a loan that waits or is in collection."""
    found = session.exec(
        select(Consent.id)
        .where(Consent.status == ConsentStatus.VALID, col(Consent.id) > after, _WATCHED)
        .order_by(col(Consent.id))
        .limit(limit)
    ).all()
    return [ref for ref in found if ref is not None]


def ending(session: Session, first: date, last: date) -> int:
    """How many valid consents of such people end from `first` to `last`, both inclusive."""
    return session.exec(
        select(func.count())
        .select_from(Consent)
        .where(
            Consent.status == ConsentStatus.VALID,
            col(Consent.valid_until) >= first,
            col(Consent.valid_until) <= last,
            _WATCHED,
        )
    ).one()


def by_id(session: Session, provider: str, consent_id: str) -> Sequence[Consent]:
    """The rows of one consent of a source: people of several lenders may have handed over the same."""
    index = person_keys.of(session).index(CONSENT, consent_id)
    return session.exec(
        select(Consent).where(Consent.provider == provider, Consent.consent_index == index).order_by(col(Consent.id))
    ).all()


def get(session: Session, consent_ref: int) -> Consent:
    """A consent by its own id. Raises KeyError."""
    consent = session.get(Consent, consent_ref)
    if consent is None:
        raise KeyError(consent_ref)
    return consent


def credits_read(session: Session, consent: Consent, at: datetime) -> None:
    """What came in under it was read, or cannot be."""
    consent.credits_read_at = at
    session.add(consent)
    session.flush()


def set_status(session: Session, consent: Consent, status: ConsentStatus, *, at: datetime) -> None:
    """Note what the bank says about a consent."""
    if consent.status is not status:
        consent.status, consent.changed_at = status, at
        session.add(consent)
        session.flush()


def record_read(
    session: Session,
    consent: Consent,
    loan: Loan,
    *,
    at: datetime,
    outcome: str,
    amount_minor: int | None = None,
) -> int:
    """Keep one read: `outcome` is "read" with an amount, or the bank's error code without one. Its id."""
    assert consent.id is not None
    assert loan.id is not None
    read = {"consent_ref": consent.id, "loan_ref": loan.id, "at": at, "outcome": outcome, "amount_minor": amount_minor}
    kept = session.connection().execute(_RECORD_READ, read).inserted_primary_key
    assert kept is not None
    return int(kept[0])


def reads_since(session: Session, consent: Consent, since: datetime) -> int:
    """Reads made under a consent from `since` (inclusive), for all loans and whatever their outcome."""
    return session.exec(
        select(func.count())
        .select_from(BalanceRead)
        .where(BalanceRead.consent_ref == consent.id, col(BalanceRead.at) >= since)
    ).one()


def reads_of(session: Session, loan: Loan) -> Sequence[BalanceRead]:
    """All reads made for a loan, oldest first."""
    return session.exec(
        select(BalanceRead).where(BalanceRead.loan_ref == loan.id).order_by(col(BalanceRead.at), col(BalanceRead.id))
    ).all()
