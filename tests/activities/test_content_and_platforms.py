"""What law wants in a message and what a carrier refuses, at the moment of dispatch, against the carrier's own log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from config.lender_settings import Lender
from config.messaging_settings import Twilio
from domain.contact import Actor, Channel, Purpose
from domain.events.contacts import ContactOutcome
from providers.ports import DeliveryReport, Messenger, OutgoingMessage, Sent
from records import contact_ledger, contacts
from records.database import Database
from records.platform_notices import acknowledge_whatsapp
from records.tables import ContactState
from tests.activities.outside import (
    LENDER,
    desk_for,
    enter_loan,
    mails_to,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.sandbox.running import ACCOUNT, TOKEN, World

NOON_IN_MEXICO = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""A Tuesday after Spain's register of names binds."""
MEXICO: dict[str, Any] = {"country": "MX", "region": None, "timezone": "America/Mexico_City", "currency": "MXN"}
WHOLE = Lender(
    name="Credialba",
    phone="55 5010 2030",
    address="Av. Tribunal 10, CDMX",
    responsible="Luis Prado",
    complaints="une@credialba.example",
)


async def test_a_first_contact_in_mexico_waits_for_the_settings_that_its_law_needs(
    lite: Database, world: World
) -> None:
    loan_id = enter_loan(lite, **MEXICO, name="Justo Cárcel")
    phone, email = person_of(lite, loan_id)

    async with desk_for(lite, settings_for(world, lender=Lender(name="Credialba", phone="55 5010 2030"))) as desk:
        put_off = await desk.refused(remind(loan_id), NOON_IN_MEXICO)
        again = await desk.refused(remind(loan_id), NOON_IN_MEXICO + timedelta(hours=1), attempt=2)

        assert put_off.next_retry_delay == timedelta(hours=1)
        assert "MX.content.first_contact" in str(put_off)
        for setting in ("ADDRESS", "RESPONSIBLE", "COMPLAINTS"):
            assert f"RECOBRO_LENDER__{setting}" in str(put_off)
        for theirs in ("Justo", "Cárcel", phone, email):
            assert theirs not in str(put_off) + str(again)
        assert texts_to(world, phone) == mails_to(world, email) == []
        [noted] = desk.audit(loan_id, "message_not_written")
        assert "MX.content.first_contact" in noted["why"]
        assert desk.counted(loan_id) == 0

    async with desk_for(lite, settings_for(world, lender=WHOLE)) as desk:
        report = await desk.contact(remind(loan_id), NOON_IN_MEXICO + timedelta(hours=2), attempt=3)

        assert report.outcome is ContactOutcome.SENT
        [text] = texts_to(world, phone)
        for disclosed in ("Av. Tribunal 10", "Luis Prado", "une@credialba.example", "10 mar 2026", loan_id):
            assert disclosed in text["body"]

        later = remind(loan_id, step="r2")
        assert (await desk.contact(later, NOON_IN_MEXICO + timedelta(days=1))).outcome is ContactOutcome.SENT
        assert "Luis Prado" not in texts_to(world, phone)[1]["body"]


async def test_a_receipt_does_not_use_up_what_the_first_demand_in_mexico_discloses(
    lite: Database, world: World
) -> None:
    """Given a borrower whose first message of ours was a receipt, when the first demand follows, then it discloses all
    that Mexico's law asks of a first contact."""
    loan_id = enter_loan(lite, **MEXICO)
    phone, _ = person_of(lite, loan_id)
    with lite.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        sent = contacts.reserve(
            session, loan, person, step="receipt", occurrence=1, purpose=Purpose.TRANSACTIONAL, channel=Channel.EMAIL,
            template="payment_received", at=NOON_IN_MEXICO,
        ).contact  # fmt: skip
        contacts.advance(session, sent, ContactState.SENT, at=NOON_IN_MEXICO)

    async with desk_for(lite, settings_for(world, lender=WHOLE)) as desk:
        report = await desk.contact(remind(loan_id), NOON_IN_MEXICO + timedelta(days=1))

    assert report.outcome is ContactOutcome.SENT
    [text] = texts_to(world, phone)
    assert "Luis Prado" in text["body"]


async def test_a_sender_named_like_a_court_sends_nothing(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite, **MEXICO)
    phone, _ = person_of(lite, loan_id)
    named = WHOLE.model_copy(update={"name": "Juzgado de Cobro"})

    async with desk_for(lite, settings_for(world, lender=named)) as desk:
        put_off = await desk.refused(remind(loan_id), NOON_IN_MEXICO)

    assert "MX.content.institution_name: sender says 'juzgado'" in str(put_off)
    assert texts_to(world, phone) == []


async def test_an_agency_in_the_united_states_says_what_it_is_at_first_and_later(lite: Database, world: World) -> None:
    loan_id = enter_loan(
        lite,
        country="US",
        region="NY",
        timezone="America/New_York",
        currency="USD",
        language="en",
        phone="+12025550123",
    )
    phone, _ = person_of(lite, loan_id)
    agency = Lender(name="Credialba", phone="+1 202-555-0110", collects_as=Actor.AGENCY, agency="North Recovery")

    async with desk_for(lite, settings_for(world, lender=agency)) as desk:
        for days, step in ((0, "r1"), (2, "r2")):
            report = await desk.contact(remind(loan_id, step=step), NOON_IN_MEXICO + timedelta(days=days))
            assert report.outcome is ContactOutcome.SENT

    first, later = (text["body"] for text in texts_to(world, phone))
    assert "This is an attempt to collect a debt" in first
    assert "North Recovery" in first
    assert "This is from a debt collector." in later
    assert "attempt to collect" not in later


def spanish_name(world: World, **more: Any) -> dict[str, Any]:
    here = str(world.http.base_url).rstrip("/")
    twilio = Twilio(base_url=here, account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), sender="Credialba", **more)
    return {"twilio": twilio}


async def test_a_text_from_a_name_says_whom_to_call_since_nobody_can_answer_it(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    phone, _ = person_of(lite, loan_id)
    named = spanish_name(world, registered_senders={"ES": ("Credialba",)})

    async with desk_for(lite, settings_for(world, **named, lender=WHOLE)) as desk:
        report = await desk.contact(remind(loan_id, channels=(Channel.SMS,)), NOVEMBER)

    assert report.outcome is ContactOutcome.SENT
    [text] = texts_to(world, phone)
    assert f"Darse de baja: {WHOLE.phone}" in text["body"]
    assert "BAJA" not in text["body"]


async def test_a_name_that_spain_has_not_registered_sends_no_text_and_the_next_channel_works(
    lite: Database, world: World
) -> None:
    loan_id = enter_loan(lite)
    phone, email = person_of(lite, loan_id)

    async with desk_for(lite, settings_for(world, **spanish_name(world))) as desk:
        only_sms = await desk.refused(remind(loan_id, channels=(Channel.SMS,)), NOVEMBER)
        report = await desk.contact(remind(loan_id, step="r2"), NOVEMBER)
        kept = [(channel, verdict, rules[0][0]) for channel, verdict, rules in desk.decisions(loan_id)]

    assert kept[:2] == [(Channel.SMS, "never", "sms.sender.es")] * 2
    assert "sms.sender.es" in str(only_sms)
    assert "RECOBRO_TWILIO__REGISTERED_SENDERS" in str(only_sms)
    assert (report.outcome, report.channel) == (ContactOutcome.SENT, Channel.EMAIL)
    assert texts_to(world, phone) == []
    assert len(mails_to(world, email)) == 1


class Recorder:
    """A carrier of WhatsApp messages that takes everything."""

    can_look_up = False

    def __init__(self) -> None:
        self.taken: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> Sent:
        self.taken.append(message)
        return Sent(provider="recorder", provider_message_id=f"W{len(self.taken)}")

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        raise NotImplementedError

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        raise NotImplementedError


async def test_whatsapp_needs_the_policy_read_and_the_persons_own_message_of_the_last_day(
    lite: Database, world: World
) -> None:
    recorder = Recorder()
    own: dict[str, Any] = {"lender": Lender(name="Credialba", phone="900 555 010"), "whatsapp_enabled": True}
    order = {"channels": (Channel.WHATSAPP, Channel.EMAIL)}

    def carriers(given: dict[Channel, Messenger]) -> dict[Channel, Messenger]:
        return {**given, Channel.WHATSAPP: recorder}

    async def by(moment: datetime, loan_id: str, lender: Lender = own["lender"]) -> Channel | None:
        async with desk_for(lite, settings_for(world, **{**own, "lender": lender}), messengers=carriers) as desk:
            return (await desk.contact(remind(loan_id, **order), moment)).channel

    unread, silent, agencys = (enter_loan(lite) for _ in range(3))
    for loan_id in (unread, agencys):
        with lite.writing() as session:
            _, person = contacts.lock_person(session, LENDER, loan_id)
            contact_ledger.add_inbound(session, person, Channel.WHATSAPP, NOVEMBER - timedelta(hours=23))

    assert await by(NOVEMBER, unread) is Channel.EMAIL
    with lite.writing() as session:
        acknowledge_whatsapp(session, LENDER, actor="operator", rule="whatsapp.policy", source="s", at=NOVEMBER)
    assert await by(NOVEMBER, silent) is Channel.EMAIL
    agency = Lender(name="Credialba", phone="900 555 010", collects_as=Actor.AGENCY, agency="Recupera Sur")
    assert await by(NOVEMBER, agencys, agency) is Channel.EMAIL
    assert recorder.taken == []


async def test_the_window_of_whatsapp_is_the_persons_own_ledger(lite: Database, world: World) -> None:
    from activities.platform_gate import PlatformGate

    loan_id = enter_loan(lite)
    gate = PlatformGate(lite, settings_for(world, whatsapp_enabled=True))
    order = remind(loan_id, channels=(Channel.WHATSAPP,))
    with lite.writing() as session:
        acknowledge_whatsapp(session, LENDER, actor="operator", rule="whatsapp.policy", source="s", at=NOVEMBER)
        _, person = contacts.lock_person(session, LENDER, loan_id)
        contact_ledger.add_inbound(session, person, Channel.WHATSAPP, NOVEMBER)

    assert gate.refused(order, NOVEMBER + timedelta(hours=24) - timedelta(seconds=1)) == {}
    over = gate.refused(order, NOVEMBER + timedelta(hours=24))
    assert over == {Channel.WHATSAPP: "whatsapp.window, whatsapp.opt_in"}
