"""What was closed at a telephone number or address holds for whoever is entered under it later.

People write from a number, not from a customer number: of two records at one number a stop closes both, whichever came
first. That the wrong person answers there is true of one human being and not of another, who may be just that person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from domain.closed_by_stop import closed_by_stop
from domain.contact import Channel
from domain.events.contacts import AddressFailure
from domain.same_person import KnownAs, same_person
from records import audit, people, person_keys
from records.tables import ClosedAddress, OptOut, Person, PersonFlag
from records.tables.sealing import ADDRESS

SOURCE = "same number"
_BY_PHONE = (Channel.SMS, Channel.WHATSAPP, Channel.CALL)
_PAGE = 250


@dataclass(frozen=True)
class NewAddresses:
    """The telephone and e-mail of somebody, as they are kept; None: none, or the same as before. `known_as`: who that
    is, as far as is known."""

    phone: str | None
    email: str | None
    known_as: KnownAs

    @property
    def has_any(self) -> bool:
        return self.phone is not None or self.email is not None


def close_wrong_numbers(session: Session, anew: Mapping[int, NewAddresses], *, actor: str, at: datetime) -> None:
    """Close for people, by their own numbers, the new addresses where somebody else answered when they were meant."""
    keys = person_keys.of(session)
    by_index: dict[str, list[tuple[int, str]]] = {}
    for ref, one in anew.items():
        for address in filter(None, (one.phone, one.email)):
            by_index.setdefault(keys.index(ADDRESS, address), []).append((ref, address))
    if not by_index:
        return
    closed = select(ClosedAddress, Person).join(Person, col(Person.id) == col(ClosedAddress.person_ref))
    wrong = closed.where(
        col(ClosedAddress.address_index).in_(by_index), ClosedAddress.reason == AddressFailure.WRONG_PERSON.value
    )
    for row, other in session.exec(wrong.order_by(col(ClosedAddress.id))).all():
        meant = KnownAs(other.name, other.id_digits, erased=people.is_erased(session, other))
        for ref, address in by_index[row.address_index]:
            if ref == other.id or not same_person(anew[ref].known_as, meant):
                continue
            person = session.get_one(Person, ref)
            if people.close_address(session, person, row.channel, address, reason=row.reason, at=row.at):
                details = {"channel": row.channel.value, "reason": row.reason, "source": SOURCE}
                _note(session, person, "address_closed", details, actor, at)


def carry_stops(session: Session, refs: Sequence[int], *, actor: str, at: datetime) -> None:
    """Close for these people the ways that others at their telephone numbers closed, of whichever lender.

    As late in the transaction as can be: a stop that is told meanwhile does not see them yet.
    """
    for start in range(0, len(refs), _PAGE):
        for (ref, channel), said_at in sorted(_stopped(session, refs[start : start + _PAGE]).items()):
            person = session.get_one(Person, ref)
            if people.opted_in_since(session, person, channel, said_at):
                continue
            if people.opt_out(session, person, channel, source=SOURCE, at=said_at):
                _note(session, person, "opt_out", {"channel": channel, "source": SOURCE}, actor, at)


def _stopped(session: Session, refs: Sequence[int]) -> dict[tuple[int, Channel], datetime]:
    """By person and channel, when others at their numbers last said that they want nothing by it."""
    other = aliased(Person)
    at_their_number = (
        col(Person.id).in_(refs),
        col(other.phone_index) == col(Person.phone_index),
        col(other.id) != col(Person.id),
    )
    opted_out = session.exec(
        select(Person.id, Person.country, OptOut.channel, OptOut.at).where(
            *at_their_number,
            col(OptOut.person_ref) == col(other.id),
            col(OptOut.channel).in_(_BY_PHONE),
            col(OptOut.withdrawn_at).is_(None),
        )
    ).all()
    ceased = session.exec(
        select(Person.id, Person.country, PersonFlag.at).where(
            *at_their_number,
            col(PersonFlag.person_ref) == col(other.id),
            PersonFlag.flag == "cease",
            col(PersonFlag.cleared_at).is_(None),
        )
    ).all()
    told = [*opted_out, *((ref, country, channel, at) for ref, country, at in ceased for channel in _BY_PHONE)]
    found: dict[tuple[int, Channel], datetime] = {}
    for ref, country, channel, said_at in told:
        for closed in closed_by_stop(channel, country) if ref is not None else ():
            found[ref, closed] = max(said_at, found.get((ref, closed), said_at))
    return found


def _note(session: Session, person: Person, action: str, details: dict[str, str], actor: str, at: datetime) -> None:
    loans: Sequence[str | None] = [loan.loan_id for loan in people.loans_of(session, person)]
    for loan_id in loans or [None]:
        audit.append(session, at=at, actor=actor, action=action, lender=person.lender, loan_id=loan_id, details=details)
