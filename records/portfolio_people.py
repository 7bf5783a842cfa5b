"""Who a lender's file says its borrowers are, where, and how they are reached: entered in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from config.clocks import city_meant, several_clocks
from config.jurisdictions import SHIPPED
from domain.person_names import one_person
from domain.portfolio import PortfolioLoan
from domain.same_person import KnownAs
from records import person_keys
from records.people import lock_many
from records.person_keys import PersonKeys
from records.portfolio_channels import ChannelsAtOdds, take_channels
from records.portfolio_stops import NewAddresses
from records.sealed import Private
from records.tables import Loan, Person
from records.tables.sealing import EMAIL, PHONE

_PRIVATE = ("name", "phone", "email", "birth_year", "id_digits", "postal_address")
_PLACE = ("country", "region", "city", "timezone")
_CONTACT_DATA = (*_PRIVATE, "language", *_PLACE, "authorised_channels")
_NO_WAY_TO_THEM: dict[str, Any] = dict.fromkeys((*_PRIVATE, "phone_index", "email_index"))
_NOTHING_KNOWN: dict[str, Any] = dict.fromkeys((*_CONTACT_DATA, "channels_in_file", "phone_index", "email_index"))


@dataclass(frozen=True)
class EnteredPeople:
    """`refs`: everyone's own number by the lender's id. `keys`: everyone's data key by the number. `at_odds`: whose
    channels are. `readdressed`: what is new of them, by the number, of whoever has a new telephone or e-mail."""

    refs: dict[str, int]
    keys: dict[int, str]
    at_odds: list[ChannelsAtOdds]
    readdressed: dict[int, NewAddresses]


def under_another_number(session: Session, lender: str, rows: Sequence[PortfolioLoan]) -> dict[str, str]:
    """By loan, why its row is refused: it names another customer than the loan is known to be of, or a customer number
    that is known as somebody else's.
    """
    handed = {loan.loan_id: loan.person_id for loan in rows}
    known = session.exec(
        select(Loan.loan_id, Person.person_id)
        .join(Person, col(Person.id) == col(Loan.person_ref))
        .where(Loan.lender == lender, col(Loan.loan_id).in_(handed))
    ).all()
    strange = {
        loan_id: f"is known under customer number {person_id!r}: hand it over with that as its person_id"
        for loan_id, person_id in known
        if person_id != handed[loan_id]
    }
    # A loan of theirs that is known says who they are: what else its row says is a correction.
    themselves = {person_id for loan_id, person_id in known if person_id == handed[loan_id]}
    new = [loan for loan in rows if loan.person_id not in themselves and loan.loan_id not in strange]
    people = _people(session, lender, {loan.person_id for loan in new}) if new else {}
    for loan in new:
        person = people.get(loan.person_id)
        if person is not None and (fields := _of_somebody_else(loan, person)):
            strange[loan.loan_id] = (
                f"its customer number {loan.person_id!r} is known as somebody else's by {', '.join(fields)}: hand it"
                " over under a number of its own or, if what is known is wrong, with a loan known under this one"
            )
    return strange


def _of_somebody_else(loan: PortfolioLoan, person: Person) -> list[str]:
    """Which fields of a row say that it is not this person's; none where others say that it is.

    Somebody may have moved to another country, and a name may be spelt in other ways: the same telephone, e-mail or
    document tells them, and who moved by their name too.
    """
    if person.erased_at is not None or _any_same(loan, person, "phone", "email"):
        return []
    apart = [
        field
        for field in ("birth_year", "id_digits")
        if None not in (told := getattr(loan, field), known := getattr(person, field)) and told != known
    ]
    names = [name for name in (loan.name, person.name) if name]
    one_name = one_person(names)
    known_again = _any_same(loan, person, "id_digits")
    if not one_name and not known_again:
        apart.append("name")
    if loan.country != person.country and not (len(names) == 2 and one_name) and not known_again:
        apart.append("country")
    return apart


def _any_same(loan: PortfolioLoan, person: Person, *fields: str) -> bool:
    return any(getattr(loan, field) is not None and getattr(loan, field) == getattr(person, field) for field in fields)


def enter_people(
    session: Session, lender: str, rows: Sequence[PortfolioLoan], at: datetime, rules: Path = SHIPPED
) -> EnteredPeople:
    """Of several rows of one person that are handed in together the later in the file stands, and of their channels
    those that all of them name. `rules`: the folder of the jurisdiction packs."""
    keys = person_keys.of(session)
    known = _people(session, lender, {loan.person_id for loan in rows})
    named, at_odds = _told_of_people(rows, known, rules)
    if differing := [person.id for person, data in _changes(keys, known, named) if person.id is not None]:
        # What is just being said of them meanwhile, a channel withdrawn above all, is waited for and counts.
        lock_many(session, differing)
        known = _people(session, lender, named)
        named, at_odds = _told_of_people(rows, known, rules)
    anew = {person_id: _addressed_anew(known.get(person_id), data) for person_id, data in named.items()}
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
    refs = {person_id: ref for person_id, ref, _ in found if ref is not None}
    return EnteredPeople(
        refs=refs,
        keys={ref: key_id for _, ref, key_id in found if ref is not None and key_id is not None},
        at_odds=at_odds,
        readdressed={refs[person_id]: addressed for person_id, addressed in anew.items() if addressed.has_any},
    )


def _told_of_people(
    rows: Sequence[PortfolioLoan], known: Mapping[str, Person], rules: Path
) -> tuple[dict[str, dict[str, Any]], list[ChannelsAtOdds]]:
    """What the rows say of each person, by the lender's id, and whose channels are at odds."""
    named: dict[str, dict[str, Any]] = {
        person_id: {field: getattr(person, field) for field in _PLACE} for person_id, person in known.items()
    }
    for loan in sorted(rows, key=lambda loan: loan.line):
        data = named.setdefault(loan.person_id, {})
        data |= _told_of_place(loan, data, rules)
        said = {field: value for field in _CONTACT_DATA if (value := _kept(loan, field)) is not None}
        if data.get("city") and loan.city and not city_meant(rules, loan.country, data.get("region"), loan.city):
            del said["city"]
        data |= said
    return named, take_channels(rows, known, named)


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


def _addressed_anew(person: Person | None, data: Mapping[str, Any]) -> NewAddresses:
    known = {field: getattr(person, field, None) for field in ("name", "id_digits", "phone", "email")}
    told = known | {field: data[field] for field in known if data.get(field) is not None}
    return NewAddresses(
        phone=told["phone"] if told["phone"] != known["phone"] else None,
        email=told["email"] if told["email"] != known["email"] else None,
        known_as=KnownAs(told["name"], told["id_digits"]),
    )


def _told_of_place(loan: PortfolioLoan, known: Mapping[str, Any], rules: Path) -> dict[str, str | None]:
    """What a row says of the place, absence included, where it names another one than is known: another country or
    region, or another city where a region has several clocks (of an unknown region: the country).

    The rest of the place belongs to where the person was: a zone kept from there would let them be contacted at night,
    whereas one that is unknown lets nobody contact them. A first region or city counts as another one; a cell that
    names no city says nothing, and neither does the known one written with its region or ZIP code.
    """
    if "country" not in known:
        return {}
    if loan.country != known["country"]:
        return {"region": loan.region, "city": loan.city, "timezone": loan.timezone}
    if loan.region is not None and loan.region != known.get("region"):
        return {"city": loan.city, "timezone": loan.timezone}
    region, city = known.get("region"), loan.city or ""
    if (meant := city_meant(rules, loan.country, region, city)) and several_clocks(rules, loan.country, region):
        if meant != city_meant(rules, loan.country, region, known.get("city") or ""):
            return {"timezone": loan.timezone}
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
