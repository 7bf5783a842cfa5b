"""Calls as a borrower hears them: real HTTP, Twilio's signature, real records."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from activities.composition import contact_slots
from activities.contact_slots import ContactSlots
from config.lender_settings import Lender
from config.messaging_settings import Twilio
from config.settings import Settings
from domain.contact import Actor, Channel, ContactEventKind, Purpose
from records import contacts, people
from records.database import Database
from records.tables import Contact, ContactLedger, ContactState, Webhook
from tests.records.portfolios import LENDER, enter, handed
from tests.web.outside import PUBLIC, TWILIO_TOKEN, FakeTemporal, Web, running, until
from web.__main__ import call_desk
from web.call_desk import CallDesk

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
CA = f"CA{'7' * 32}"
DEBT = "El pago de su préstamo con referencia L1 está pendiente. Debe 100,00 €."
SETTINGS = Settings(
    _env_file=None,
    lender=Lender(name="Credialba", phone="900 555 010", agent="Ana Ruiz"),
    twilio=Twilio(
        account_sid=f"AC{'a' * 32}",
        auth_token=SecretStr(TWILIO_TOKEN),
        voice_sender="+34911111111",
        agents_number="+34912222222",
    ),
)

SLOTS = contact_slots(SETTINGS)
IN_CHILE: dict[str, Any] = {
    "country": "CL", "timezone": "America/Santiago", "region": "RM", "at": datetime(2026, 11, 24, 15, tzinfo=UTC),
}  # fmt: skip
"""Where the call leaves room for a message in writing on the same day."""


class Telephone:
    """Twilio's side of one call: signs as it does and presses keys."""

    def __init__(self, web: Web, contact: Contact) -> None:
        self.web, self.contact = web, contact

    async def hears(self, stage: str, token: str = TWILIO_TOKEN, **fields: str) -> httpx.Response:
        path = f"/voice/{self.contact.message_id}/{stage}"
        told = {"CallSid": CA, "CallStatus": "in-progress", **fields}
        signed = PUBLIC + path + "".join(name + told[name] for name in sorted(told))
        mark = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        headers = {"X-Twilio-Signature": mark, "Content-Type": "application/x-www-form-urlencoded"}
        return await self.web.client.post(path, content=urlencode(told), headers=headers)

    async def says(self, stage: str, **fields: str) -> str:
        answer = await self.hears(stage, **fields)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/xml")
        return answer.text

    async def ends(self, status: str, seconds: int = 0) -> None:
        fields = {"CallSid": CA, "CallStatus": status, "CallDuration": str(seconds)}
        assert await self.web.twilio(fields, query=f"message={self.contact.message_id}") == 200


@asynccontextmanager
async def calling(
    database: Database,
    temporal: FakeTemporal,
    settings: Settings = SETTINGS,
    at: datetime = NOW,
    rules: Callable[[], ContactSlots] = lambda: SLOTS,
    **person: Any,
) -> AsyncIterator[Telephone]:
    known = {"birth_year": "1984", "language": "es", "country": "ES", "timezone": "Europe/Madrid", **person}
    with database.writing() as session:
        enter(session, [handed("L1", phone="+34600000001", **known)])
        loan, debtor = contacts.lock_person(session, LENDER, "L1")
        contact = contacts.reserve(
            session,
            loan,
            debtor,
            step="call",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.CALL,
            template="account_overdue",
            at=at,
            address=debtor.phone,
        ).contact
        contact.text = DEBT
        contacts.advance(session, contact, ContactState.SENT, at=at, provider="twilio", provider_message_id=CA)
    async with running(database, temporal, now=lambda _: at, calls=CallDesk(database, settings, rules)) as web:
        yield Telephone(web, contact)


def row(database: Database) -> Contact:
    with database.reading() as session:
        return session.exec(select(Contact)).one()


async def test_the_right_person_hears_the_debt_and_a_wish_for_a_link_reaches_the_loan(database: Database) -> None:
    temporal = FakeTemporal()
    async with calling(database, temporal, **IN_CHILE) as telephone:
        hello = await telephone.says("answered", AnsweredBy="human")
        debt = await telephone.says("identity", Digits="1984")
        link = await telephone.says("choice", Digits="1")
        await telephone.ends("completed", 61)
        await until(lambda: bool(temporal.calls) and row(database).cost_micros is not None)

    assert "Le llama Credialba" in hello
    assert "100,00" not in hello
    assert "préstamo" not in hello
    assert DEBT in debt
    assert "marque 1" in debt
    assert "<Hangup/>" in link
    asked = {"step": "call", "occurrence": 1, "wish": "pay_now"}
    assert temporal.calls == [("call_choice", "L1", asked)]
    found = row(database)
    assert (found.state, found.outcome, found.cost_micros) == (ContactState.READ, "pay_now", 40_000)
    with database.reading() as session:
        kinds = session.exec(select(ContactLedger.kind)).all()
        kept = session.exec(select(Webhook)).all()
    assert kinds.count(ContactEventKind.CONVERSATION) == 1
    assert not [each for each in kept if b"1984" in each.body or "1984" in each.url]


async def test_where_the_law_holds_a_link_back_today_none_is_offered_and_none_is_promised(database: Database) -> None:
    """Given a Spaniard, whom one contact a day may reach, when they have proved who they are and press 1 all the same,
    then no link is spoken of, the menu is told again and the loan hears of no wish."""
    temporal = FakeTemporal()
    async with calling(database, temporal) as telephone:
        menu = await telephone.says("identity", Digits="1984")
        again = await telephone.says("choice", Digits="1")
        await telephone.ends("completed", 61)
        await until(lambda: row(database).cost_micros is not None)

    for said in (menu, again):
        assert 'language="es-ES" voice="Polly.Lucia"' in said
        assert "enlace" not in said
        assert "marque 2" in said
        assert "<Gather" in said
    assert temporal.calls == []
    assert row(database).outcome == "identified"


async def test_while_the_contact_rules_cannot_be_read_calls_go_on_without_a_link_and_webhooks_are_taken(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a file of contact rules that is broken, when a Chilean, who would be offered a link, has proved who they
    are, then the menu is without one, Twilio's reports are taken, and the log names the file once."""
    (tmp_path / "CL.yaml").write_text("country: CL\nhours: nothing\n")
    settings = SETTINGS.model_copy(update={"jurisdictions": tmp_path})
    desk = call_desk(settings, database)
    assert isinstance(desk, CallDesk)

    async with calling(
        database, FakeTemporal(), settings, rules=partial(contact_slots, settings), **IN_CHILE
    ) as telephone:
        menu = await telephone.says("identity", Digits="1984")
        again = await telephone.says("choice", Digits="1")
        await telephone.ends("completed", 61)
        await until(lambda: row(database).cost_micros is not None)

    for said in (menu, again):
        assert "enlace" not in said
        assert "marque 2" in said
    told = [each for each in caplog.messages if "CL.yaml" in each]
    assert len(told) == 1
    assert told[0].startswith("no call offers a link until the web app is started again: ")


@pytest.mark.parametrize(
    ("language", "person"), [("es", "Una persona de"), ("en", "A person from"), ("pt", "Uma pessoa de")]
)
async def test_an_agency_calls_by_its_own_name(database: Database, language: str, person: str) -> None:
    """Given an agency that collects for the lender, when somebody answers, then they hear the agency's name, not that
    the lender calls, and the person they are put through to is the agency's."""
    agency = SETTINGS.lender.model_copy(
        update={"collects_as": Actor.AGENCY, "agency": "Gestiones Norte", "agent": "Ana Ruiz"}
    )
    settings = SETTINGS.model_copy(update={"lender": agency})
    async with calling(database, FakeTemporal(), settings, language=language) as telephone:
        opening = await telephone.says("answered", AnsweredBy="human")
        left = await telephone.says("answered", AnsweredBy="machine_end_beep")
        put_through = await telephone.says("choice", Digits="3")

    assert "Gestiones Norte" in opening
    assert "Gestiones Norte" in left
    assert f"{person} Gestiones Norte" in put_through
    for said in (opening, left, put_through):
        assert "Credialba" not in said


async def test_nobody_hears_an_agencys_name_that_tells_of_a_debt(database: Database) -> None:
    """Given an agency whose name tells of debts and a neutral name for its calls, when somebody answers and when a
    machine does, then they hear the neutral one alone."""
    agency = SETTINGS.lender.model_copy(
        update={
            "collects_as": Actor.AGENCY,
            "agency": "Cobros y Deudas del Sur",
            "agent": "Ana Ruiz",
            "calls_as": "Gestiones Norte",
        }
    )
    settings = SETTINGS.model_copy(update={"lender": agency})
    async with calling(database, FakeTemporal(), settings) as telephone:
        opening = await telephone.says("answered", AnsweredBy="human")
        left = await telephone.says("answered", AnsweredBy="machine_end_beep")

    for said in (opening, left):
        assert "Gestiones Norte" in said
        assert "Deudas" not in said


async def test_nothing_is_left_on_a_machine_in_a_name_that_tells_of_a_debt(database: Database) -> None:
    agency = SETTINGS.lender.model_copy(
        update={"collects_as": Actor.AGENCY, "agency": "Cobros y Deudas del Sur", "agent": "Ana Ruiz"}
    )
    async with calling(database, FakeTemporal(), SETTINGS.model_copy(update={"lender": agency})) as telephone:
        heard = await telephone.says("answered", AnsweredBy="human")
        heard += await telephone.says("answered", AnsweredBy="machine_end_beep")

    assert "Deudas" not in heard


async def test_an_agency_in_the_united_states_leaves_its_name_whom_to_ask_for_and_a_number(database: Database) -> None:
    agency = SETTINGS.lender.model_copy(
        update={"collects_as": Actor.AGENCY, "agency": "Northside Services", "agent": "Ana Ray"}
    )
    place: dict[str, Any] = {"country": "US", "region": "NJ", "timezone": "America/New_York", "language": "en"}
    settings = SETTINGS.model_copy(update={"lender": agency})
    async with calling(database, FakeTemporal(), settings, **place) as telephone:
        left = await telephone.says("answered", AnsweredBy="machine_end_beep")

    assert "Northside Services. Please ask for Ana Ray. Please call us back on 900 555 010" in left
    assert "Credialba" not in left


async def test_a_stranger_hears_no_word_of_a_debt_and_the_step_goes_on_by_another_channel(database: Database) -> None:
    temporal = FakeTemporal()
    async with calling(database, temporal) as telephone:
        heard = [await telephone.says("answered", AnsweredBy="human")]
        heard += [await telephone.says(f"identity?attempt={n}", Digits="1999") for n in (1, 2, 3)]
        await telephone.ends("completed", 30)
        await until(lambda: bool(temporal.calls))

    spoken = " ".join(heard).lower()
    assert [word for word in ("préstamo", "pago", "deuda", "debe ", "100,00", "l1") if word in spoken] == []
    assert "<Hangup/>" in heard[-1]
    failed = {"step": "call", "occurrence": 1, "channel": "call", "reason": "undelivered"}
    assert temporal.calls == [("contact_failed", "L1", failed)]
    assert (row(database).state, row(database).outcome) == (ContactState.UNDELIVERED, "wrong_answers")


async def test_do_not_call_closes_calls_for_the_person(database: Database) -> None:
    temporal = FakeTemporal()
    async with calling(database, temporal) as telephone:
        await telephone.says("identity", Digits="1984")
        await telephone.says("choice", Digits="9")
        await until(lambda: bool(temporal.calls))
        again = await telephone.says("answered", AnsweredBy="human")
    assert [(name, loan_id, told["channel"]) for name, loan_id, told in temporal.calls] == [("opt_out", "L1", "call")]
    assert "Adiós" in again
    assert "<Gather" not in again
    with database.reading() as session:
        assert Channel.CALL in people.opted_out(session, people.get(session, row(database).person_ref))


async def test_a_promised_day_and_a_person_reach_the_loan(database: Database) -> None:
    temporal = FakeTemporal()
    async with calling(database, temporal) as telephone:
        await telephone.says("identity", Digits="1984")
        assert "<Gather" in await telephone.says("choice", Digits="2")
        await telephone.says("day", Digits="0512")
        assert "<Dial>+34912222222</Dial>" in await telephone.says("choice", Digits="3")
        await until(lambda: len(temporal.calls) == 2)
    assert [(payload["wish"], payload.get("promised_on")) for _, _, payload in temporal.calls] == [
        ("promise", "2026-12-05"),
        ("person", None),
    ]


@pytest.mark.parametrize(
    ("status", "answered_by", "outcome"),
    [
        ("busy", None, "busy"),
        ("no-answer", None, "no_answer"),
        ("failed", None, "failed"),
        ("completed", "machine_end_beep", "voicemail_left"),
        ("completed", None, "hung_up"),
    ],
)
async def test_whoever_was_not_reached_is_an_outcome_in_the_ledger(
    database: Database, status: str, answered_by: str | None, outcome: str
) -> None:
    temporal = FakeTemporal()
    async with calling(database, temporal) as telephone:
        if answered_by is not None:
            left = await telephone.says("answered", AnsweredBy=answered_by)
            assert "900 555 010" in left
            assert "préstamo" not in left
        await telephone.ends(status)
        await until(lambda: bool(temporal.calls))
    assert (row(database).state, row(database).error_code) == (ContactState.UNDELIVERED, outcome)
    assert [name for name, _, _ in temporal.calls] == ["contact_failed"]


async def test_where_no_law_is_known_to_allow_it_a_machine_hears_nothing(database: Database) -> None:
    async with calling(database, FakeTemporal(), country="CO", timezone="America/Bogota") as telephone:
        assert "<Say" not in await telephone.says("answered", AnsweredBy="machine_end_beep")


async def test_only_twilio_is_answered_and_only_about_calls_that_were_made(database: Database) -> None:
    async with calling(database, FakeTemporal()) as telephone:
        assert (await telephone.hears("identity", token="guessed", Digits="1984")).status_code == 403
        assert (await telephone.hears("nowhere")).status_code == 404
        telephone.contact = Contact(**{**telephone.contact.model_dump(), "message_id": "unknown"})
        assert (await telephone.hears("answered")).status_code == 404


async def test_once_it_is_paid_nobody_is_asked_anything(database: Database) -> None:
    from records import payments
    from records.tables import PaymentSource

    async with calling(database, FakeTemporal()) as telephone:
        with database.writing() as session:
            payments.record(
                session,
                provider="x",
                payment_id="p",
                lender=LENDER,
                loan_id="L1",
                amount_minor=1_000_000,
                currency="EUR",
                paid_at=NOW,
                received_at=NOW + timedelta(seconds=1),
                source=PaymentSource.RECORD,
            )
        said = await telephone.says("answered", AnsweredBy="human")
    assert "<Gather" not in said
    assert "Adiós" in said


async def test_where_a_line_cannot_be_written_the_call_ends_and_what_was_pressed_still_counts(
    database: Database,
) -> None:
    """Given a call to a person whose language was changed to one that nobody speaks here, when Twilio asks what to say,
    then it is told to hang up, and "do not call me" still reaches the loan."""
    temporal = FakeTemporal()
    async with calling(database, temporal) as telephone:
        with database.writing() as session:
            _, debtor = contacts.lock_person(session, LENDER, "L1")
            debtor.language = "fr"
            session.add(debtor)
        opening = await telephone.says("answered", AnsweredBy="human")
        menu = await telephone.says("identity", Digits="1984")
        person = await telephone.says("choice", Digits="3")
        stop = await telephone.says("choice", Digits="9")
        await until(lambda: len(temporal.calls) == 2)

    for said in (opening, menu, stop):
        assert ("<Hangup/>" in said, "<Say" in said, "<Gather" in said) == (True, False, False)
    assert "<Dial>+34912222222</Dial>" in person
    assert [name for name, _, _ in temporal.calls] == ["call_choice", "opt_out"]
