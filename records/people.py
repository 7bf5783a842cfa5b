"""People: who owes, and the ways they closed or lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from domain.call_flow import Identity
from domain.contact import Channel
from domain.events.contacts import AddressFailure
from records import person_keys
from records.tables import ClosedAddress, InboundMessage, Loan, OptOut, Person, PersonFlag
from records.tables.sealing import ADDRESS, EMAIL, PHONE

_WHERE = select(Person.country, Person.region, Person.timezone).where(col(Person.id) == bindparam("person"))
_WHERE_ALL = select(Person.id, Person.country, Person.region, Person.timezone).where(
    col(Person.id).in_(bindparam("people", expanding=True))
)
_FLAGS = select(PersonFlag.flag).where(
    col(PersonFlag.person_ref) == bindparam("person"), col(PersonFlag.cleared_at).is_(None)
)
_OPT_OUTS = select(OptOut.channel).where(
    col(OptOut.person_ref) == bindparam("person"), col(OptOut.withdrawn_at).is_(None)
)
_CLOSED = select(ClosedAddress).where(
    col(ClosedAddress.person_ref) == bindparam("person"),
    col(ClosedAddress.channel) == bindparam("channel"),
    col(ClosedAddress.address_index) == bindparam("address"),
)
_ALL_CLOSED = select(ClosedAddress.channel, ClosedAddress.address_index, ClosedAddress.at).where(
    col(ClosedAddress.person_ref) == bindparam("person")
)
_BY_PHONE = frozenset({Channel.SMS, Channel.WHATSAPP, Channel.CALL})


def of_loan(session: Session, loan: Loan) -> Person:
    """The person who owes `loan`."""
    return session.get_one(Person, loan.person_ref)


def get(session: Session, person_ref: int) -> Person:
    """A person by the surrogate key. Raises KeyError."""
    person = session.get(Person, person_ref)
    if person is None:
        raise KeyError(person_ref)
    return person


def is_erased(session: Session, person: Person) -> bool:
    """Whether their key was destroyed: nothing personal of them is kept any more."""
    return person_keys.of(session).standing(person.key_id) is None


@dataclass(frozen=True)
class Whereabouts:
    """Where a person lives, as far as laws, clocks and calendars go; `id` is the surrogate key."""

    id: int
    country: str
    region: str | None
    timezone: str | None


def whereabouts(session: Session, person_ref: int) -> Whereabouts:
    """Without opening anything that is sealed. Raises KeyError."""
    row = session.exec(_WHERE, params={"person": person_ref}).first()
    if row is None:
        raise KeyError(person_ref)
    return Whereabouts(person_ref, *row)


def whereabouts_of(session: Session, person_refs: Collection[int]) -> dict[int, Whereabouts]:
    """As `whereabouts`, of several by their surrogate keys; nobody whom there is not."""
    rows = session.exec(_WHERE_ALL, params={"people": list(person_refs)}).all()
    return {ref: Whereabouts(ref, *where) for ref, *where in rows if ref is not None}


def lock(session: Session, person: Person) -> None:
    """Wait for contacts that are being decided for this person; they see what is written after this."""
    session.exec(select(Person.id).where(Person.id == person.id).with_for_update()).one()


def lock_many(session: Session, refs: Iterable[int]) -> None:
    """As `lock`, many people in the order of their ids, so that no two transactions wait for each other."""
    if wanted := set(refs):
        many = select(Person.id).where(col(Person.id).in_(wanted)).order_by(col(Person.id))
        session.exec(many.with_for_update()).all()


def wrote_since(session: Session, person: Person, channel: Channel, at: datetime) -> bool:
    """Whether the person has written to us by the channel since: whatever is told of earlier, their address lives."""
    words = select(InboundMessage.id).where(
        InboundMessage.person_ref == person.id, InboundMessage.channel == channel, InboundMessage.at >= at
    )
    return session.exec(words.limit(1)).first() is not None


def by_phone(session: Session, phone: str) -> Sequence[Person]:
    """Everyone reached by a phone number (E.164); several lenders may know the same person."""
    found = person_keys.of(session).index(PHONE, phone)
    return session.exec(select(Person).where(Person.phone_index == found).order_by(col(Person.id))).all()


def refs_by_phone(session: Session, phones: Iterable[str]) -> Sequence[int]:
    """Who is reached by any of these numbers, as surrogate keys."""
    if not (wanted := {person_keys.of(session).index(PHONE, phone) for phone in phones}):
        return ()
    return [ref for ref in session.exec(select(Person.id).where(col(Person.phone_index).in_(wanted))) if ref]


def by_email(session: Session, email: str) -> Sequence[Person]:
    """Everyone with an e-mail address: letter by letter as `email` is written, or in small letters."""
    keys = person_keys.of(session)
    found = {keys.index(EMAIL, one) for one in (email, email.casefold())}
    return session.exec(select(Person).where(col(Person.email_index).in_(found)).order_by(col(Person.id))).all()


def find(session: Session, lender: str, person_id: str) -> Person | None:
    """A person by the lender's name and the lender's id of them."""
    return session.exec(select(Person).where(Person.lender == lender, Person.person_id == person_id)).first()


def loans_of(session: Session, person: Person) -> Sequence[Loan]:
    """All loans of a person, of every state."""
    return session.exec(select(Loan).where(Loan.person_ref == person.id).order_by(col(Loan.id))).all()


def address(session: Session, person: Person, channel: Channel) -> str | None:
    """The open address of a person for `channel`: E.164 or e-mail; None when unknown or closed.

    A letter goes to the postal address. Visits have no address here.
    """
    found = known_address(person, channel)
    return None if found is None or _unusable(session, person, channel, found) else found


def known_address(person: Person, channel: Channel) -> str | None:
    """As `address`, whether it is open or was closed."""
    if channel in _BY_PHONE:
        return person.phone
    if channel is Channel.EMAIL:
        return person.email
    if channel is not Channel.POST:
        return None
    lines = (person.postal_address or "").replace(";", "\n").split("\n")
    kept = [line.strip() for line in lines if line.strip()]
    return "\n".join([person.name, *kept] if person.name else kept) if kept else None


def a_stranger_read_after(session: Session, person: Person, sent: datetime) -> bool:
    """Whether somebody else answered at an address of this person after `sent`: they may hold what was sent then."""
    found = select(ClosedAddress.id).where(
        ClosedAddress.person_ref == person.id,
        ClosedAddress.reason == AddressFailure.WRONG_PERSON.value,
        col(ClosedAddress.at) >= sent,
    )
    return session.exec(found.limit(1)).first() is not None


_NO_TEXTS_BUT_A_TELEPHONE = ("30006", "21614")
"""How a carrier's codes end that only say that a number takes no texts: a landline still rings."""


def _unusable(session: Session, person: Person, channel: Channel, address: str) -> bool:
    """Closed for the channel. A number is not used by any channel once somebody else answered at it by one of them, nor
    called or written to by WhatsApp once a text found that it does not exist."""
    if channel not in _BY_PHONE:
        return is_closed(session, person, channel, address)
    rows = session.exec(
        select(ClosedAddress.channel, ClosedAddress.reason).where(
            ClosedAddress.person_ref == person.id,
            ClosedAddress.address_index == person_keys.of(session).index(ADDRESS, address),
        )
    ).all()
    return any(
        closed is channel
        or reason == AddressFailure.WRONG_PERSON
        or (closed is Channel.SMS and not reason.endswith(_NO_TEXTS_BUT_A_TELEPHONE))
        for closed, reason in rows
    )


def identity(person: Person) -> Identity | None:
    """By what the right person is told on a call; None where nothing is known, and then nobody is called."""
    known = Identity(birth_year=person.birth_year, id_digits=person.id_digits)
    return known if known.birth_year or known.id_digits else None


def is_closed(session: Session, person: Person, channel: Channel, address: str) -> bool:
    """Whether `address` was closed for this person and channel."""
    return _closed(session, person, channel, address) is not None


def closed_since(session: Session, person: Person, channel: Channel, address: str) -> datetime | None:
    """When `address` was closed for this person and channel; None: it is open."""
    closed = _closed(session, person, channel, address)
    return closed.at if closed is not None else None


def dead_channels(session: Session, person: Person, channels: Sequence[Channel]) -> dict[Channel, datetime]:
    """Those of `channels` whose address is known and was closed, and when, in their order."""
    known = {channel: person.email if channel is Channel.EMAIL else person.phone for channel in channels}
    keys = person_keys.of(session)
    index = {channel: keys.index(ADDRESS, found) for channel, found in known.items() if found is not None}
    closed = {(one, address): at for one, address, at in session.exec(_ALL_CLOSED, params={"person": person.id}).all()}
    addresses = [(channel, index[channel]) for channel in channels if channel in index]
    return {channel: closed[channel, address] for channel, address in addresses if (channel, address) in closed}


def close_address(
    session: Session, person: Person, channel: Channel, address: str, *, reason: str, at: datetime
) -> bool:
    """Never use `address` by `channel` again for this person.

    That it is somebody else's takes the place of a lesser reason. False when it was closed before for as much.
    """
    known = _closed(session, person, channel, address)
    if known is not None:
        if reason != AddressFailure.WRONG_PERSON or known.reason == AddressFailure.WRONG_PERSON:
            return False
        known.reason, known.at = reason, at
        session.add(known)
        session.flush()
        return True
    assert person.id is not None
    index = person_keys.of(session).index(ADDRESS, address)
    session.add(ClosedAddress(person_ref=person.id, channel=channel, address_index=index, reason=reason, at=at))
    session.flush()
    return True


def open_address(session: Session, person: Person, channel: Channel, address: str, *, written_at: datetime) -> bool:
    """Use an address again that had proved dead and works after all: its owner wrote from it at `written_at`.

    False when there is nothing to open: one that is somebody else's stays closed, and so does one that proved dead
    after they wrote.
    """
    closed = _closed(session, person, channel, address)
    if closed is None or closed.reason == AddressFailure.WRONG_PERSON.value or closed.at > written_at:
        return False
    session.delete(closed)
    session.flush()
    return True


def authorised_channels(person: Person) -> frozenset[Channel] | None:
    """The channels the person agreed to be contacted by; None: not known."""
    known = person.authorised_channels
    return None if known is None else frozenset(Channel(name) for name in known)


def authorise(session: Session, person: Person, channels: Collection[Channel] | None, *, at: datetime) -> bool:
    """Keep by the person's own word which channels they agreed to; False when it is known so.

    No file of the lender's adds to it. None: it is not known, and the next file's word is taken.
    """
    stated = None if channels is None else sorted(channel.value for channel in channels)
    known = None if person.authorised_channels is None else sorted(person.authorised_channels)
    if (stated, stated) == (known, person.channels_noted):
        return False
    person.authorised_channels = person.channels_noted = stated
    person.channels_noted_at = None if stated is None else at
    person.updated_at = at
    session.add(person)
    session.flush()
    return True


def opt_out(session: Session, person: Person, channel: Channel, *, source: str, at: datetime) -> bool:
    """Close a channel for the person in all their loans, who said so at `at`. False when it was closed already.

    What was said before they opened it, and told after that, closes it all the same: as of then.
    """
    row = _opt_out(session, person, channel)
    if row is not None and row.withdrawn_at is None:
        row.at = max(row.at, at)
        session.add(row)
        return False
    assert person.id is not None
    row = row or OptOut(person_ref=person.id, channel=channel, at=at, source=source)
    row.at, row.source, row.withdrawn_at = max(at, row.withdrawn_at or at), source, None
    session.add(row)
    session.flush()
    return True


def opt_in(session: Session, person: Person, channel: Channel, *, at: datetime) -> bool:
    """Open a channel the person had closed before `at`, when they said so; of the same moment the stop counts.

    False when it was open, or closed since. That they said so again is kept: what they said before it is over.
    """
    row = _opt_out(session, person, channel)
    if row is None:
        return False
    if row.withdrawn_at is not None:
        row.withdrawn_at = max(row.withdrawn_at, at)
        session.add(row)
        return False
    if at <= row.at:
        return False
    row.withdrawn_at = at
    session.add(row)
    session.flush()
    return True


def opted_out_at(session: Session, person: Person, channel: Channel) -> datetime | None:
    """When the person last said that they want nothing by a channel; None while it is open."""
    row = _opt_out(session, person, channel)
    return None if row is None or row.withdrawn_at is not None else row.at


def has_opted_out(session: Session, person: Person, channel: Channel) -> bool:
    """Whether the person ever closed a channel, whatever they said since."""
    return _opt_out(session, person, channel) is not None


def opted_in_since(session: Session, person: Person, channel: Channel, at: datetime) -> bool:
    """Whether the person opened a channel again at `at` or later, and has not closed it since."""
    row = _opt_out(session, person, channel)
    return row is not None and row.withdrawn_at is not None and row.withdrawn_at >= at


def opted_out(session: Session, person: Person) -> frozenset[Channel]:
    """The channels the person has closed."""
    return frozenset(Channel(channel) for channel in session.exec(_OPT_OUTS, params={"person": person.id}).all())


def raise_flag(session: Session, person: Person, flag: str, *, source: str, at: datetime) -> bool:
    """Set a stop state such as "cease". False when it was set already."""
    row = _flag(session, person, flag)
    if row is not None and row.cleared_at is None:
        return False
    assert person.id is not None
    row = row or PersonFlag(person_ref=person.id, flag=flag, at=at, source=source)
    row.at, row.source, row.cleared_at = at, source, None
    session.add(row)
    session.flush()
    return True


def clear_flag(session: Session, person: Person, flag: str, *, at: datetime) -> bool:
    """Clear a stop state. False when it was not set."""
    row = _flag(session, person, flag)
    if row is None or row.cleared_at is not None:
        return False
    row.cleared_at = at
    session.add(row)
    session.flush()
    return True


def flags(session: Session, person: Person) -> frozenset[str]:
    """The stop states of the person."""
    return frozenset(session.exec(_FLAGS, params={"person": person.id}).all())


def _closed(session: Session, person: Person, channel: Channel, address: str) -> ClosedAddress | None:
    index = person_keys.of(session).index(ADDRESS, address)
    return session.exec(_CLOSED, params={"person": person.id, "channel": channel, "address": index}).first()


def _opt_out(session: Session, person: Person, channel: Channel) -> OptOut | None:
    return session.exec(select(OptOut).where(OptOut.person_ref == person.id, OptOut.channel == channel)).first()


def _flag(session: Session, person: Person, flag: str) -> PersonFlag | None:
    return session.exec(select(PersonFlag).where(PersonFlag.person_ref == person.id, PersonFlag.flag == flag)).first()
