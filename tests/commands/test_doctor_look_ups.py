"""`doctor --mend` on contacts of unknown fate: what a carrier says of one is not taken for another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from commands import doctor_mends
from commands.doctor_mends import Mends
from config.settings import Settings
from domain.contact import Channel, Purpose
from providers.ports import OutgoingMessage, Sent
from records import contacts
from records.database import Database
from records.tables import Contact, ContactState
from tests.records.portfolios import LENDER, entered

BEGUN = datetime.now(UTC) - timedelta(days=2)
SETTINGS = Settings(_env_file=None)


@pytest.fixture
def lite(tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    return Database(f"sqlite:///{file}")


class Carrier:
    """It has one call to this number, the newest."""

    can_look_up = True

    async def look_up(self, _message: OutgoingMessage, _since: datetime, _at: datetime) -> Sent:
        return Sent(provider="twilio", provider_message_id="CA1")


@pytest.fixture(autouse=True)
def carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = SimpleNamespace(messengers={Channel.CALL: Carrier()})
    monkeypatch.setattr(doctor_mends, "connect_outside", lambda _settings, _http: outside)


def call(lite: Database, step: str, state: ContactState, address: str | None = "+34600000001", **told: Any) -> int:
    with lite.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        reserved = contacts.reserve(
            session,
            loan,
            person,
            step=step,
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.CALL,
            template="first",
            at=BEGUN,
            address=address,
        )
        contacts.advance(session, reserved.contact, state, at=BEGUN, **told)
        assert reserved.contact.id is not None
        return reserved.contact.id


def kept(lite: Database, contact_id: int) -> Contact:
    with lite.reading() as session:
        return contacts.get(session, contact_id)


async def test_a_later_call_to_the_same_number_is_not_taken_for_one_of_unknown_fate(lite: Database) -> None:
    with lite.writing() as session:
        entered(session, "L1")
    unknown = call(lite, "r1", ContactState.UNKNOWN)
    call(lite, "r2", ContactState.SENT, provider="twilio", provider_message_id="CA1")

    told = await Mends(lite, SETTINGS, None).look_up_contacts()

    assert told == "1 cannot be told from a later one"
    assert kept(lite, unknown).state is ContactState.UNKNOWN


async def test_a_call_that_the_carrier_has_was_sent_when_it_was_begun(lite: Database) -> None:
    with lite.writing() as session:
        entered(session, "L1")
    unknown = call(lite, "r1", ContactState.UNKNOWN)

    told = await Mends(lite, SETTINGS, None).look_up_contacts()

    assert told == "1 sent"
    assert (kept(lite, unknown).state, kept(lite, unknown).sent_at) == (ContactState.SENT, BEGUN)


async def test_contacts_without_an_address_are_said_to_be_open_still(lite: Database) -> None:
    with lite.writing() as session:
        entered(session, "L1")
    call(lite, "r1", ContactState.UNKNOWN, address=None)

    told = await Mends(lite, SETTINGS, None).look_up_contacts()

    assert told == "1 cannot be looked up (their address is not known)"


async def test_a_contact_that_somebody_else_settles_meanwhile_is_not_said_to_have_failed(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a contact the carrier does not know, when its delivery is reported while it is asked, then that stands."""
    with lite.writing() as session:
        entered(session, "L1")
    unknown = call(lite, "r1", ContactState.UNKNOWN)

    async def look_up(_carrier: Carrier, _message: OutgoingMessage, _since: datetime, at: datetime) -> None:
        with lite.writing() as session:
            contacts.advance(session, contacts.get(session, unknown), ContactState.DELIVERED, at=at)

    monkeypatch.setattr(Carrier, "look_up", look_up)

    told = await Mends(lite, SETTINGS, None).look_up_contacts()

    assert told == "1 settled by others meanwhile"
    assert kept(lite, unknown).state is ContactState.DELIVERED
