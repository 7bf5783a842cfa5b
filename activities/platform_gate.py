"""Platforms' own terms at the moment of dispatch: what a carrier would refuse is not handed to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.clock import ask_again
from activities.counting import count
from activities.orders import ContactOrder
from activities.provider_waits import Lacking, await_operator
from activities.whatsapp_limits import WhatsAppLimits
from activities.whatsapp_ways import WhatsAppWays
from config.metric_catalogue import REFUSALS
from config.platform_rules import load_sms, load_whatsapp
from config.settings import Settings
from domain.contact import Channel, ContactEventKind, Decision, Reason, Verdict
from domain.contact_rules import NO_WHATSAPP_MARKETING
from domain.platform_rules import Category, Form, Unusable, WhatsAppSend, refusals, sender_refusal
from records import contact_decisions, contact_ledger, contacts, loans, people, whatsapp_sends
from records.database import Database
from records.platform_notices import whatsapp_acknowledged
from records.tables import Person

_HELD_BACK = "131049"
_GATED = frozenset({Channel.SMS, Channel.WHATSAPP})


_OPERATORS = frozenset({"whatsapp.template", "whatsapp.senders", "whatsapp.quality"})
"""Rules whose refusal only an operator can end."""


class PlatformGate:
    """On WhatsApp's Cloud API a message outside the person's window is an approved template; elsewhere free text."""

    def __init__(self, database: Database, settings: Settings, limits: WhatsAppLimits | None = None) -> None:
        self._database = database
        self._settings = settings
        self._limits = limits or WhatsAppLimits(None)
        self._ways = WhatsAppWays(settings)

    def concerned(self, order: ContactOrder) -> bool:
        """Whether any platform has terms for this message."""
        gated = _GATED.intersection(order.channels)
        return bool(gated) and (gated != {Channel.SMS} or self._settings.twilio is not None)

    def before_gated(self, channels: Sequence[Channel]) -> tuple[Channel, ...]:
        """Those that come before the first one that a platform has terms for."""
        return tuple(takewhile(lambda channel: channel not in _GATED, channels))

    def refused(self, order: ContactOrder, now: datetime, *, as_template: bool = False) -> dict[Channel, str]:
        """The order's channels that a platform's terms close for this message, each with the rules.

        A sender that is not registered, or a template that is not approved, is the operator's to mend: where no other
        channel is left, this raises an ApplicationError that asks to be tried again and says so in the Web UI. So does
        a person whom WhatsApp protects for a day, until that has passed. A person's own words wait for none of that:
        whoever wrote them hears that they were not sent. `as_template`: WhatsApp said that it wants
        one, whatever we know of the person's window.
        """
        if not self.concerned(order):
            return {}
        with self._database.reading() as session:
            person = people.of_loan(session, loans.get(session, order.lender, order.loan_id))
            found = {
                channel: self.reasons(session, order, person, channel, now, as_template) for channel in order.channels
            }
            held_until = self._protected_until(session, person, now)
        closed = {channel: reasons for channel, reasons in found.items() if reasons}
        if closed:
            self._keep(order, closed, now)
        if closed and len(closed) == len(order.channels) and order.words is None:
            if Channel.SMS in closed:
                raise await_operator(Lacking.SENDER, _told(closed[Channel.SMS]))
            rules = {reason.rule for reasons in closed.values() for reason in reasons}
            if rules & _OPERATORS:
                raise await_operator(Lacking.WHATSAPP, _told(closed[Channel.WHATSAPP]))
            if held_until is not None and rules == {load_whatsapp().health.id}:
                raise ask_again(held_until, _told(closed[Channel.WHATSAPP]), "WhatsApp")
        return {channel: ", ".join(reason.rule for reason in reasons) for channel, reasons in closed.items()}

    def _keep(self, order: ContactOrder, closed: Mapping[Channel, tuple[Reason, ...]], now: datetime) -> None:
        """A refusal of a platform's terms is a decision about the contact like the law's."""
        with self._database.writing() as session:
            loan, person = contacts.lock_person(session, order.lender, order.loan_id)
            for channel, reasons in closed.items():
                for reason in reasons:
                    count(REFUSALS, rule=reason.rule, verdict=Verdict.NEVER)
                contact_decisions.record(
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

    def reasons(
        self,
        session: Session,
        order: ContactOrder,
        person: Person,
        channel: Channel,
        now: datetime,
        as_template: bool = False,
    ) -> tuple[Reason, ...]:
        """What of a platform's terms speaks against this message by `channel` now; keeps nothing."""
        if channel is Channel.SMS:
            return self._sender(person, now)
        if channel is Channel.WHATSAPP:
            return self._whatsapp(session, order, person, now, as_template)
        return ()

    def _sender(self, person: Person, now: datetime) -> tuple[Reason, ...]:
        twilio = self._settings.twilio
        if twilio is None:
            return ()
        day = now.astimezone(ZoneInfo(person.timezone) if person.timezone else now.tzinfo).date()
        sender = twilio.sender_for(person.country)
        registered = twilio.registered_senders.get(person.country, ())
        reason = sender_refusal(sender, registered, person.country, day, load_sms())
        return (reason,) if reason is not None else ()

    def _protected_until(self, session: Session, person: Person, now: datetime) -> datetime | None:
        """Until when WhatsApp spares this person: it held a message back (131049)."""
        period = timedelta(hours=load_whatsapp().health.hours)
        last = whatsapp_sends.held_back(session, person, _HELD_BACK, now - period, now)
        return None if last is None else last + period

    def _whatsapp(
        self, session: Session, order: ContactOrder, person: Person, now: datetime, as_template: bool
    ) -> tuple[Reason, ...]:
        rules = load_whatsapp()
        lately = contact_ledger.person_events(session, person, now - timedelta(hours=rules.window.hours))
        inbound = [
            event.at
            for event in lately
            if event.channel is Channel.WHATSAPP and event.kind is ContactEventKind.INBOUND and event.at <= now
        ]
        authorised = people.authorised_channels(person)
        form, mine, category = Form.FREE_TEXT, [], Category.UTILITY
        if self._ways.has_templates:
            form = Form.TEMPLATE if as_template else self._ways.form(session, person, now)
            if form is Form.TEMPLATE:
                loan = loans.get(session, order.lender, order.loan_id)
                chosen = self._ways.approved(session, loan, person, order, now)
                if isinstance(chosen, Unusable):
                    mine.append(rules.quality.reason if chosen is Unusable.STOPPED else rules.template.reason)
                else:
                    category = chosen.ours.category
            if self._protected_until(session, person, now) is not None:
                mine.append(rules.health.reason)
            if all(number.rests(now) for number in self._limits.pool(session, now, counting=False)):
                mine.append(rules.senders.reason)
            if category is Category.MARKETING and NO_WHATSAPP_MARKETING in people.flags(session, person):
                mine.append(rules.marketing.reason)
        send = WhatsAppSend(
            at=now,
            form=form,
            country=person.country,
            actor=self._settings.lender_named(order.lender).collects_as,
            acknowledged=whatsapp_acknowledged(session, order.lender),
            opted_in=None if authorised is None else Channel.WHATSAPP in authorised,
            last_inbound=max(inbound, default=None),
            category=category,
        )
        return (*refusals(send, rules), *mine)


def _told(reasons: tuple[Reason, ...]) -> str:
    return " ".join(f"{reason.rule}: {reason.text}" for reason in reasons)
