"""Platforms' own terms at the moment of dispatch: what a carrier would refuse is not handed to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.clock import try_again_in
from activities.counting import count
from activities.orders import ContactOrder
from activities.provider_waits import OPERATOR_NEEDED
from config.metric_catalogue import REFUSALS
from config.platform_rules import load_sms, load_whatsapp
from config.settings import Settings
from domain.contact import Channel, ContactEventKind, Decision, Reason, Verdict
from domain.platform_rules import Form, WhatsAppSend, refusals, sender_refusal
from records import contacts, loans, people
from records.database import Database
from records.platform_notices import whatsapp_acknowledged
from records.tables import Person

_GATED = frozenset({Channel.SMS, Channel.WHATSAPP})


class PlatformGate:
    """Messages we write ourselves are free text: there is no approved template of a platform among them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def refused(self, order: ContactOrder, now: datetime) -> dict[Channel, str]:
        """The order's channels that a platform's terms close for this message, each with the rules.

        A sender that is not registered is the operator's to mend: where no other channel is left, this raises
        an ApplicationError that asks to be tried again and says so in the Web UI.
        """
        if not _GATED.intersection(order.channels):
            return {}
        with self._database.reading() as session:
            person = people.of_loan(session, loans.get(session, order.lender, order.loan_id))
            found = {channel: self._reasons(session, order, person, channel, now) for channel in order.channels}
        closed = {channel: reasons for channel, reasons in found.items() if reasons}
        if closed:
            self._keep(order, closed, now)
        if Channel.SMS in closed and len(closed) == len(order.channels):
            raise try_again_in(OPERATOR_NEEDED, " ".join(f"{r.rule}: {r.text}" for r in closed[Channel.SMS]), "Sender")
        return {channel: ", ".join(reason.rule for reason in reasons) for channel, reasons in closed.items()}

    def _keep(self, order: ContactOrder, closed: Mapping[Channel, tuple[Reason, ...]], now: datetime) -> None:
        """A refusal of a platform's terms is a decision about the contact like the law's."""
        with self._database.writing() as session:
            loan, person = contacts.lock_person(session, order.lender, order.loan_id)
            for channel, reasons in closed.items():
                for reason in reasons:
                    count(REFUSALS, rule=reason.rule, verdict=Verdict.NEVER)
                contacts.record_decision(
                    session,
                    loan,
                    person,
                    step=order.step,
                    occurrence=order.occurrence,
                    channel=channel,
                    at=now,
                    decision=Decision(verdict=Verdict.NEVER, reasons=reasons),
                    rules_version="platform",
                )

    def _reasons(
        self, session: Session, order: ContactOrder, person: Person, channel: Channel, now: datetime
    ) -> tuple[Reason, ...]:
        if channel is Channel.SMS:
            return self._sender(person, now)
        if channel is Channel.WHATSAPP:
            return self._whatsapp(session, order, person, now)
        return ()

    def _sender(self, person: Person, now: datetime) -> tuple[Reason, ...]:
        twilio = self._settings.twilio
        if twilio is None:
            return ()
        day = now.astimezone(ZoneInfo(person.timezone) if person.timezone else now.tzinfo).date()
        sender = twilio.sender if twilio.messaging_service_sid is None else None
        registered = twilio.registered_senders.get(person.country, ())
        reason = sender_refusal(sender, registered, person.country, day, load_sms())
        return (reason,) if reason is not None else ()

    def _whatsapp(self, session: Session, order: ContactOrder, person: Person, now: datetime) -> tuple[Reason, ...]:
        rules = load_whatsapp()
        lately = contacts.person_events(session, person, now - timedelta(hours=rules.window.hours))
        inbound = [
            event.at
            for event in lately
            if event.channel is Channel.WHATSAPP and event.kind is ContactEventKind.INBOUND and event.at <= now
        ]
        authorised = people.authorised_channels(person)
        send = WhatsAppSend(
            at=now,
            form=Form.FREE_TEXT,
            country=person.country,
            actor=self._settings.lender_named(order.lender).collects_as,
            acknowledged=whatsapp_acknowledged(session, order.lender),
            opted_in=None if authorised is None else Channel.WHATSAPP in authorised,
            last_inbound=max(inbound, default=None),
        )
        return refusals(send, rules)
