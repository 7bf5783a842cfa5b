"""Handing a portfolio over to a campaign, in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import insert, tuple_, update
from sqlmodel import Session, col, select

from domain.authorisation import channels_after_file
from domain.contact import Channel
from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records import audit, mandates, person_keys, strategies
from records.known_spellings import KnownSpellings
from records.locks import one_at_a_time
from records.people import lock_many
from records.person_keys import PersonKeys
from records.sealed import Private
from records.tables import Campaign, CampaignLoan, Consent, ConsentStatus, Loan, LoanState, Person
from records.tables.sealing import CONSENT, EMAIL, PHONE

_PAGE = 250
_PRIVATE = ("name", "phone", "email", "birth_year", "id_digits", "postal_address")
_PLACE = ("country", "region", "city", "timezone")
_CONTACT_DATA = (*_PRIVATE, "language", *_PLACE, "authorised_channels")
_NO_WAY_TO_THEM: dict[str, Any] = dict.fromkeys((*_PRIVATE, "phone_index", "email_index"))
_NOTHING_KNOWN: dict[str, Any] = dict.fromkeys((*_CONTACT_DATA, "channels_in_file", "phone_index", "email_index"))


@dataclass(frozen=True)
class RefusedLoan:
    loan_id: str
    line: int
    reason: str


@dataclass(frozen=True)
class ChannelsAtOdds:
    """A row that says a person agreed to other channels than by their own word, noted at `noted_at`.

    `holding` are those that are kept. `news`: the file before did not say the same.
    """

    loan_id: str
    line: int
    in_file: tuple[str, ...]
    noted: tuple[str, ...]
    noted_at: datetime | None
    holding: tuple[str, ...]
    news: bool


@dataclass(frozen=True)
class Entered:
    """`held` counts the loans the campaign now holds from this call; `refused` names each of the others."""

    held: int
    refused: tuple[RefusedLoan, ...]
    channels_at_odds: tuple[ChannelsAtOdds, ...] = ()


def enter_portfolio(
    session: Session,
    campaign: Campaign,
    loans: Iterable[PortfolioLoan],
    *,
    strategy: Strategy,
    at: datetime,
    bank: str = "xs2a",
    banks: Mapping[str, str] = {},
) -> Entered:
    """As `enter_in_order`, highest priority first, then by line, whatever the order given."""
    ordered = sorted(loans, key=lambda loan: (-loan.priority, loan.line))
    return enter_in_order(session, campaign, ordered, strategy=strategy, at=at, bank=bank, banks=banks)


def enter_in_order(
    session: Session,
    campaign: Campaign,
    loans: Iterable[PortfolioLoan],
    *,
    strategy: Strategy,
    at: datetime,
    bank: str = "xs2a",
    banks: Mapping[str, str] = {},
) -> Entered:
    """Enter loans into the records and into `campaign`, a page of them in memory at a time.

    A loan that a live campaign holds, or that is in collection, is refused and left as it was. A loan known
    from before starts a new entry with the amount and due date now handed over. Contact data that is absent
    in the file does not erase what is known, but for the place of somebody who moved: `_told_of_place`. To the channels
    that a person agreed to by their own word a file adds none: `domain.authorisation`. `banks` name the provider of the
    consents in the file by country, `bank` that of every other country. The mandates that rows
    name are kept; a loan whose mandate reference means another mandate is refused.

    A loan known under another customer number is refused, and nothing of its row is kept. What the person closed and
    what counts against contacting them stand under the number it is known by; to carry them over is not sound: the
    other number may be another human being's, and what was copied would outlive the erasure of where it came from.
    So is one whose id, or whose person's, is known with other zeros in front: `records.known_spellings`.
    Entering the same loans again into the same campaign changes nothing.
    """
    one_at_a_time(session, f"portfolio:{campaign.lender}")
    pinned = strategies.keep(session, strategy, at)
    refused: list[RefusedLoan] = []
    at_odds: list[ChannelsAtOdds] = []
    held = 0
    seen: set[str] = set()
    position = campaign.total
    spellings = KnownSpellings(session, campaign.lender)
    for page in _pages(loans):
        rows = []
        for loan in page:
            if loan.loan_id in seen:
                refused.append(RefusedLoan(loan.loan_id, loan.line, "stands twice in the portfolio"))
            else:
                seen.add(loan.loan_id)
                rows.append(loan)
        strange = spellings.otherwise(rows) | _under_another_number(session, campaign.lender, rows)
        refused += [
            RefusedLoan(loan.loan_id, loan.line, strange[loan.loan_id]) for loan in rows if loan.loan_id in strange
        ]
        rows = [loan for loan in rows if loan.loan_id not in strange]
        people, keys, of_page = _enter_people(session, campaign.lender, rows, at)
        at_odds += of_page
        odd = mandates.enter(session, campaign.lender, rows, people, keys, at)
        refused += [RefusedLoan(loan.loan_id, loan.line, odd[loan.loan_id]) for loan in rows if loan.loan_id in odd]
        rows = [loan for loan in rows if loan.loan_id not in odd]
        _enter_consents(session, people, keys, rows, lambda country: banks.get(country, bank), at)
        entered, page_refused = _enter_loans(session, campaign, people, rows, strategy, pinned, at)
        refused += page_refused
        places = []
        for loan in rows:
            if loan.loan_id in entered:
                position += 1
                places.append(
                    {
                        "campaign_id": campaign.id,
                        "loan_ref": entered[loan.loan_id],
                        "position": position,
                        "priority": loan.priority,
                    }
                )
        if places:
            session.execute(insert(CampaignLoan), places)
        held += len(places)
        person_keys.of(session).let_go(keys.values())
    campaign.total = position
    session.add(campaign)
    session.flush()
    _note_channels(session, campaign, at_odds, at)
    return Entered(held=held, refused=tuple(refused), channels_at_odds=tuple(sorted(at_odds, key=lambda one: one.line)))


def _note_channels(session: Session, campaign: Campaign, at_odds: Iterable[ChannelsAtOdds], at: datetime) -> None:
    for one in at_odds:
        if one.news:
            audit.append(
                session,
                at=at,
                actor=f"campaign {campaign.id}",
                action="person_channels_at_odds",
                lender=campaign.lender,
                loan_id=one.loan_id,
                details={"in_file": one.in_file, "noted": one.noted, "holding": one.holding},
            )


def _pages(loans: Iterable[PortfolioLoan]) -> Iterator[Sequence[PortfolioLoan]]:
    rest = iter(loans)
    while page := list(islice(rest, _PAGE)):
        yield page


def _under_another_number(session: Session, lender: str, rows: Sequence[PortfolioLoan]) -> dict[str, str]:
    """By loan, why its row is refused: it names another customer than the loan is known to be of."""
    handed = {loan.loan_id: loan.person_id for loan in rows}
    known = session.exec(
        select(Loan.loan_id, Person.person_id)
        .join(Person, col(Person.id) == col(Loan.person_ref))
        .where(Loan.lender == lender, col(Loan.loan_id).in_(handed))
    ).all()
    return {
        loan_id: f"is known under customer number {person_id!r}: hand it over with that as its person_id"
        for loan_id, person_id in known
        if person_id != handed[loan_id]
    }


def _enter_people(
    session: Session, lender: str, rows: Sequence[PortfolioLoan], at: datetime
) -> tuple[dict[str, int], dict[int, str], list[ChannelsAtOdds]]:
    """Everyone's own number by the lender's id, everyone's data key by the number, and whose channels are at odds.

    Of several rows of one person the later in the file stands.
    """
    keys = person_keys.of(session)
    known = _people(session, lender, {loan.person_id for loan in rows})
    named, at_odds = _told_of_people(rows, known)
    if differing := [person.id for person, data in _changes(keys, known, named) if person.id is not None]:
        # What is just being said of them meanwhile, a channel withdrawn above all, is waited for and counts.
        lock_many(session, differing)
        known = _people(session, lender, named)
        named, at_odds = _told_of_people(rows, known)
    changed = [
        {"id": person.id, **_told_anew(keys, person, data), "updated_at": at}
        for person, data in _changes(keys, known, named)
    ]
    for change in changed:
        session.execute(
            update(Person)
            .where(col(Person.id) == change.pop("id"))
            .values(**change)
            .execution_options(synchronize_session=False)
        )
    unknown = [(person_id, data) for person_id, data in sorted(named.items()) if person_id not in known]
    new = [
        _NOTHING_KNOWN | _sealed(keys, data, key_id) | {"lender": lender, "person_id": person_id, "updated_at": at}
        for (person_id, data), key_id in zip(unknown, keys.new_many(len(unknown)), strict=True)
    ]
    if new:
        session.execute(insert(Person), new)
    session.expire_all()
    found = session.exec(
        select(Person.person_id, Person.id, Person.key_id).where(
            Person.lender == lender, col(Person.person_id).in_(named)
        )
    ).all()
    return (
        {person_id: ref for person_id, ref, _ in found if ref is not None},
        {ref: key_id for _, ref, key_id in found if ref is not None and key_id is not None},
        at_odds,
    )


def _told_of_people(
    rows: Sequence[PortfolioLoan], known: Mapping[str, Person]
) -> tuple[dict[str, dict[str, Any]], list[ChannelsAtOdds]]:
    """What the rows say of each person, by the lender's id, and whose channels are at odds."""
    named: dict[str, dict[str, Any]] = {
        person_id: {field: getattr(person, field) for field in _PLACE} for person_id, person in known.items()
    }
    for loan in sorted(rows, key=lambda loan: loan.line):
        data = named.setdefault(loan.person_id, {})
        data |= _told_of_place(loan, data)
        data |= {field: value for field in _CONTACT_DATA if (value := _kept(loan, field)) is not None}
    return named, _take_channels(rows, known, named)


def _changes(
    keys: PersonKeys, known: Mapping[str, Person], named: Mapping[str, dict[str, Any]]
) -> list[tuple[Person, dict[str, Any]]]:
    """Who is known and is told of otherwise than they are kept, with what is told."""
    return [
        (person, data)
        for person_id, data in named.items()
        if (person := known.get(person_id)) is not None
        and (_key_in_use(keys, person) is None or any(getattr(person, field) != value for field, value in data.items()))
    ]


def _take_channels(
    rows: Sequence[PortfolioLoan], known: Mapping[str, Person], named: Mapping[str, dict[str, Any]]
) -> list[ChannelsAtOdds]:
    """Put into `named` which channels the rows say were agreed to, and which of them hold."""
    last = {
        loan.person_id: (loan, frozenset(loan.authorised_channels))
        for loan in sorted(rows, key=lambda loan: loan.line)
        if loan.authorised_channels is not None
    }
    at_odds = []
    for person_id, (loan, told) in last.items():
        data, person = named[person_id], known.get(person_id)
        in_file = data["authorised_channels"] = data["channels_in_file"] = sorted(told)
        if person is None or (noted := _channels(person.channels_noted)) is None:
            continue
        told_before = _channels(person.channels_in_file)
        holding = channels_after_file(
            told, noted=noted, holding=_channels(person.authorised_channels), told_before=told_before
        )
        data["authorised_channels"] = None if holding is None else sorted(holding)
        if told != noted:
            at_odds.append(
                ChannelsAtOdds(
                    loan_id=loan.loan_id,
                    line=loan.line,
                    in_file=tuple(in_file),
                    noted=tuple(sorted(noted)),
                    noted_at=person.channels_noted_at,
                    holding=tuple(sorted(holding or ())),
                    news=told != told_before,
                )
            )
    return at_odds


def _channels(kept: list[str] | None) -> frozenset[Channel] | None:
    return None if kept is None else frozenset(Channel(name) for name in kept)


def _told_of_place(loan: PortfolioLoan, known: Mapping[str, Any]) -> dict[str, str | None]:
    """What a row says of the place, absence included, where it names another country or region than is known.

    The rest of the place belongs to where the person was: a zone kept from there would let them be contacted at night,
    whereas one that is unknown lets nobody contact them. A first region counts as another one.
    """
    if "country" not in known:
        return {}
    if loan.country != known["country"]:
        return {"region": loan.region, "city": loan.city, "timezone": loan.timezone}
    if loan.region is not None and loan.region != known.get("region"):
        return {"city": loan.city, "timezone": loan.timezone}
    return {}


def _told_anew(keys: PersonKeys, person: Person, data: dict[str, Any]) -> dict[str, Any]:
    """As `_sealed`; of who was erased nothing from before is kept, nor found by, under their new key."""
    key_id = _key_in_use(keys, person)
    if key_id is not None:
        return _sealed(keys, data, key_id)
    if person.key_id is not None:
        # Before the new one takes its place: afterwards nothing would name what a broken erasure left undestroyed.
        keys.destroy([person.key_id])
    return _NO_WAY_TO_THEM | _sealed(keys, data, keys.new())


def _key_in_use(keys: PersonKeys, person: Person) -> str | None:
    """None also while an erasure is under way, or broke off: its rows are empty and its key is about to go."""
    return None if person.erased_at is not None else keys.standing(person.key_id)


def _sealed(keys: PersonKeys, data: dict[str, Any], key_id: str) -> dict[str, Any]:
    """Contact data as a bulk statement takes it: the ORM's hooks do not see these rows."""
    told = {**data, "key_id": key_id, "erased_at": None}
    for field in _PRIVATE:
        if field in data:
            told[field] = Private(data[field], key_id)
    for field, index in ((PHONE, "phone_index"), (EMAIL, "email_index")):
        if field in data:
            told[index] = keys.index(field, data[field])
    return told


def _people(session: Session, lender: str, person_ids: Iterable[str]) -> dict[str, Person]:
    """Those that are known, as they stand now."""
    wanted = select(Person).where(Person.lender == lender, col(Person.person_id).in_(person_ids))
    rows = session.exec(wanted.execution_options(populate_existing=True)).all()
    return {person.person_id: person for person in rows}


def _kept(loan: PortfolioLoan, field: str) -> Any:
    value = getattr(loan, field)
    return [channel.value for channel in value] if isinstance(value, tuple) else value


def _enter_consents(
    session: Session,
    people: dict[str, int],
    key_ids: dict[int, str],
    rows: Sequence[PortfolioLoan],
    bank_of: Callable[[str], str],
    at: datetime,
) -> None:
    keys = person_keys.of(session)
    stated = {
        (people[loan.person_id], keys.index(CONSENT, loan.bank_consent)): {
            "provider": bank_of(loan.country),
            "consent_id": loan.bank_consent,
            "account_id": loan.bank_account,
            "valid_until": loan.consent_valid_until,
        }
        for loan in rows
        if loan.bank_consent is not None and loan.bank_account is not None
    }
    if not stated:
        return
    known = session.exec(
        select(Consent).where(
            col(Consent.provider).in_({data["provider"] for data in stated.values()}),
            tuple_(col(Consent.person_ref), col(Consent.consent_index)).in_(stated),
        )
    ).all()
    for consent in known:
        data = stated.pop((consent.person_ref, consent.consent_index), None)
        if data is None or consent.status is ConsentStatus.REVOKED:
            # What its holder withdrew no file brings back: they may give another.
            continue
        if (consent.account_id, consent.valid_until) != (data["account_id"], data["valid_until"]):
            # The id too: of who was erased the one that is kept cannot be read.
            consent.consent_id, consent.account_id = str(data["consent_id"]), str(data["account_id"])
            consent.valid_until = data["valid_until"]  # type: ignore[assignment]
            consent.status, consent.over_because, consent.changed_at = ConsentStatus.VALID, None, at
            session.add(consent)
    session.flush()
    if stated:
        session.execute(
            insert(Consent),
            [
                {
                    "person_ref": person_ref,
                    "consent_index": index,
                    "status": ConsentStatus.VALID,
                    "reads_per_day": 4,
                    "changed_at": at,
                    **data,
                    "consent_id": Private(str(data["consent_id"]), key_ids[person_ref]),
                    "account_id": Private(str(data["account_id"]), key_ids[person_ref]),
                }
                for (person_ref, index), data in stated.items()
            ],
        )


def _enter_loans(
    session: Session,
    campaign: Campaign,
    people: dict[str, int],
    rows: Sequence[PortfolioLoan],
    strategy: Strategy,
    pinned: str,
    at: datetime,
) -> tuple[dict[str, int], list[RefusedLoan]]:
    """The keys of the loans that this campaign now has a new place for, and what was refused."""
    wanted = {loan.loan_id: loan for loan in rows}
    known = {
        loan.loan_id: loan
        for loan in session.exec(
            select(Loan).where(Loan.lender == campaign.lender, col(Loan.loan_id).in_(wanted))
        ).all()
    }
    refs = [loan.id for loan in known.values()]
    holders = dict(
        session.exec(
            select(CampaignLoan.loan_ref, CampaignLoan.campaign_id).where(
                col(CampaignLoan.loan_ref).in_(refs), col(CampaignLoan.released_at).is_(None)
            )
        ).all()
    )
    here = set(
        session.exec(
            select(CampaignLoan.loan_ref).where(
                col(CampaignLoan.loan_ref).in_(refs), CampaignLoan.campaign_id == campaign.id
            )
        ).all()
    )
    refused: list[RefusedLoan] = []
    entered: dict[str, int] = {}
    new: list[dict[str, Any]] = []
    for loan_id, handed in wanted.items():
        values = {
            "person_ref": people[handed.person_id],
            "currency": handed.currency,
            "amount_due_minor": handed.amount_due_minor,
            "adjusted_minor": 0,
            "due_date": handed.due_date,
            "grade": handed.grade,
            "campaign_id": campaign.id,
            "strategy_name": strategy.name,
            "strategy_version": strategy.version,
            "strategy_digest": pinned,
            "state": LoanState.WAITING,
            "entered_at": at,
        }
        loan = known.get(loan_id)
        if loan is None:
            new.append({"lender": campaign.lender, "loan_id": loan_id, "entry": 1, **values})
            continue
        assert loan.id is not None
        if loan.id in here:
            continue
        reason = _why_refused(loan, holders.get(loan.id))
        if reason is not None:
            refused.append(RefusedLoan(loan_id, handed.line, reason))
            continue
        cleared = (
            "end_kind",
            "ended_at",
            "final_state",
            "stage",
            "dpd",
            "next_action",
            "next_action_at",
            "reported_at",
        )
        for field, value in {**dict.fromkeys(cleared), **values, "entry": loan.entry + 1}.items():
            setattr(loan, field, value)
        session.add(loan)
        entered[loan_id] = loan.id
    session.flush()
    if new:
        session.execute(insert(Loan), new)
        found = session.exec(
            select(Loan.loan_id, Loan.id).where(
                Loan.lender == campaign.lender, col(Loan.loan_id).in_([row["loan_id"] for row in new])
            )
        ).all()
        entered |= {loan_id: ref for loan_id, ref in found if ref is not None}
    return entered, refused


def _why_refused(loan: Loan, holder: str | None) -> str | None:
    if holder is not None:
        return f"held by campaign {holder}"
    if loan.state is LoanState.IN_COLLECTION:
        return "in collection already"
    return None
