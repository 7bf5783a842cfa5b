"""What a borrower hears on a call, turn by turn, written from the records in their language.

Nothing about a debt is said before the right person has proved who they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlmodel import Session

from activities.contact_slots import ContactSlots
from activities.message_writing import circumstances_of, message_context, write_message
from config.content_rules import load_content
from config.jurisdictions import JurisdictionError
from config.lawful_messages import NAMES_THE_CALLER, VOICEMAIL, ContentRefused
from config.message_context import MessageContext
from config.settings import Settings
from config.templates import TemplateError, render
from domain.call_flow import GOODBYE, Part, Stage, Turn, answered, pressed
from domain.call_wishes import LINK_CHANNELS
from domain.contact import Channel, ContactEvent, ContactEventKind, Purpose
from domain.content_rules import Circumstances
from providers.messaging import twiml
from providers.webhooks import twilio
from records import contacts, loans, payments, people
from records.database import Database
from records.tables import Contact, Loan, LoanState, Person
from web.voice import Told

_LOG = logging.getLogger("recobro.web")


class CallDesk:
    """Answers the turns of calls from the records; holds nothing of them between them."""

    def __init__(self, database: Database, settings: Settings, contact_rules: Callable[[], ContactSlots]) -> None:
        """`contact_rules` say whether a link may be sent at once: only then is it offered. They are read at the first
        turn that asks, and where they cannot be (JurisdictionError, OSError) no call offers a link."""
        self._database = database
        self._settings = settings
        self._contact_rules = contact_rules

    @cached_property
    def _slots(self) -> ContactSlots | None:
        try:
            return self._contact_rules()
        except (JurisdictionError, OSError) as error:
            _LOG.error("no call offers a link until the web app is started again: %s", error)
            return None

    def turn(self, message_id: str, stage: Stage, attempt: int, fields: dict[str, str], at: datetime) -> Told | None:
        """The next turn; None if no such call was ever made."""
        with self._database.reading() as session:
            contact = contacts.by_own_id(session, message_id)
            if contact is None or contact.channel is not Channel.CALL:
                return None
            loan, person = loans.by_ref(session, contact.loan_ref), people.get(session, contact.person_ref)
            lines = _Lines(session, contact, loan, person, self._settings, at)
            turn = self._next(session, lines, stage, attempt, fields, at)
            verbs = lines.spoken(turn)
        body = (
            twilio.heard_body(fields.get("CallSid", ""), message_id, turn.heard, turn.promised_on)
            if turn.heard
            else b""
        )
        return Told(twiml.response(verbs), turn.heard, body)

    def _next(
        self, session: Session, lines: _Lines, stage: Stage, attempt: int, fields: dict[str, str], at: datetime
    ) -> Turn:
        identity = people.identity(lines.person)
        closed = Channel.CALL in people.opted_out(session, lines.person)
        paid = payments.payable_due(session, lines.loan) <= 0 or lines.loan.state is LoanState.ENDED
        if identity is None or closed or paid:
            return GOODBYE
        if stage is Stage.ANSWERED:
            return answered(identity, fields.get("AnsweredBy", ""), voicemail=lines.voicemail is not None)
        link = stage is not Stage.DAY and self._link_goes_at_once(session, lines, at)
        return pressed(stage, fields.get("Digits", ""), attempt, identity, lines.today, link=link)

    def _link_goes_at_once(self, session: Session, lines: _Lines, at: datetime) -> bool:
        """By the contact rules, for which this call is a conversation by now."""
        if self._slots is None:
            return False
        talk = ContactEvent(at=at, channel=Channel.CALL, kind=ContactEventKind.CONVERSATION, loan_id=lines.loan.loan_id)
        return self._slots.goes_at_once(session, lines.loan, lines.person, Purpose.REPLY, LINK_CHANNELS, at, after=talk)


class _Lines:
    """The words of one call, in the borrower's language and a voice that speaks it."""

    def __init__(
        self, session: Session, contact: Contact, loan: Loan, person: Person, settings: Settings, at: datetime
    ) -> None:
        self.loan, self.person, self._contact, self._at = loan, person, contact, at
        self._session, self._settings = session, settings
        self._lender = settings.lender_named(loan.lender)
        self.today = at.astimezone(ZoneInfo(person.timezone or "UTC")).date()
        self.voicemail = self._voicemail()

    @cached_property
    def _context(self) -> MessageContext:
        """Raises TemplateError where nothing is written in the borrower's language."""
        return message_context(
            self._session, self.loan, self.person, self._lender, Channel.CALL, self._at, link_url=None
        )

    def _voicemail(self) -> str | None:
        """The neutral message, where the market lets one be left and it holds what must be in it."""
        pack = load_content().pack(self.person.country)
        if pack is None or not pack.voicemail.allowed:
            return None
        try:
            return self._lawful(VOICEMAIL)
        except (TemplateError, ContentRefused, ValidationError):
            return None

    def text(self, part: Part) -> str:
        if part is Part.DEBT:
            return self._contact.text or ""
        if part is Part.VOICEMAIL:
            return self.voicemail or ""
        template = f"call-{part.value}"
        if template in NAMES_THE_CALLER:
            return self._lawful(template)
        return render(template, Channel.CALL, self.person.language, self._context).text

    def _lawful(self, template: str) -> str:
        """A line that the content rules let be said. Raises TemplateError, ContentRefused."""
        return write_message(template, self.person.language, self._context, self._lender, self._circumstances).text

    @cached_property
    def _circumstances(self) -> Circumstances:
        return circumstances_of(
            self._session, self.loan, self.person, self._lender, Channel.CALL, Purpose.COLLECTION, self._at
        )

    def spoken(self, turn: Turn) -> list[str]:
        """The turn's verbs. Where a line cannot be written nothing is said: the call ends, or is put through."""
        said = self._said(turn)
        if said is None and turn.ask is not None:
            return [twiml.HANG_UP]
        said = said or []
        if turn.ask is not None:
            query = urlencode({"attempt": turn.ask.attempt})
            return [twiml.gather(f"{turn.ask.stage.value}?{query}", turn.ask.digits, said)]
        agents = self._settings.twilio.agents_number if self._settings.twilio is not None else None
        return [*said, twiml.dial(agents) if turn.connect and agents else twiml.HANG_UP]

    def _said(self, turn: Turn) -> list[str] | None:
        """The lines of a turn in a voice that speaks them; None where one cannot be written or spoken."""
        try:
            voice = twiml.voice_of(self.person.language, self.person.country)
            return [twiml.say(self.text(part), voice) for part in turn.say]
        except ContentRefused as refused:
            _LOG.error("a line of a call may not be said: %s", ", ".join(each.rule for each in refused.findings))
        except (TemplateError, ValidationError) as error:
            _LOG.error("a line of a call could not be written: %s", getattr(error, "file", type(error).__name__))
        except KeyError:
            _LOG.error("no voice speaks the language of a call: %s", self.person.language)
        return None
