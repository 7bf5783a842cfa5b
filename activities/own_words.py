"""A person's own words before they are stored to be sent: whether law, platforms and content rules take them, and how
they would read, when they may go and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlmodel import Session, col, select

from activities.contact_slots import ContactSlots, stops_of
from activities.message_writing import circumstances_of, is_one_way, message_context, with_own_words, write_message
from activities.orders import ContactOrder
from activities.platform_gate import PlatformGate
from activities.whatsapp_ways import WhatsAppWays
from config.costs import load_costs
from config.lawful_messages import ContentRefused
from config.message_context import RenderedMessage
from config.platform_rules import load_whatsapp
from config.settings import Settings
from config.templates import TemplateError
from domain.contact import Channel, Purpose, Reason, Verdict
from domain.costs import message_cost
from domain.events.borrower import Circumstance
from domain.own_words import LONGEST, TEMPLATE, WRITABLE, step_of
from domain.platform_rules import Form
from domain.sms_segments import sms_size
from records import people
from records.database import Database
from records.tables import InboundMessage, Loan, Person


class WordsRefused(ValueError):
    """Words that may not be sent; the text says by which rule, and what can be done instead where anything can."""


@dataclass(frozen=True)
class Draft:
    """What a person wants to write. `channel` None: the one the borrower wrote by last, else the first that is open."""

    text: str
    channel: Channel | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Judged:
    """`message` is all that would go out. `answers`: the borrower's message waits for it, so it counts as a reply;
    else as a contact we begin. `not_before`: when it may go, by `rules`; None: now. `segments` of a text message."""

    channel: Channel
    text: str
    subject: str | None
    message: RenderedMessage
    answers: bool
    not_before: datetime | None
    rules: tuple[str, ...]
    segments: int | None
    cost_micros: int
    cost_currency: str


class WordsJudge:
    """Asks what the contact activity will ask again when the words go out, and keeps nothing."""

    def __init__(self, database: Database, settings: Settings, slots: ContactSlots) -> None:
        self._settings = settings
        self._slots = slots
        self._gate = PlatformGate(database, settings, slots.whatsapp)
        self._ways = WhatsAppWays(settings)
        self._costs = load_costs(settings.costs)

    def judge(
        self, session: Session, loan: Loan, draft: Draft, at: datetime, reported: Circumstance | None = None
    ) -> Judged:
        """How `draft` would go out at `at`. `reported`: what was reported of the loan and waits for a decision.

        Raises WordsRefused.
        """
        person = people.of_loan(session, loan)
        channel = draft.channel or channel_by_default(session, person)
        if channel not in WRITABLE:
            raise WordsRefused(f"nobody writes by {channel}: expected {_named(WRITABLE)}")
        text = draft.text.strip()
        if not text:
            raise WordsRefused("there are no words: nothing is sent")
        if len(text) > LONGEST[channel]:
            raise WordsRefused(f"{len(text):,} characters are too long for {channel}: at most {LONGEST[channel]:,}")
        subject = (draft.subject or "").strip() or None
        if subject is not None and channel is not Channel.EMAIL:
            raise WordsRefused(f"only an e-mail has a subject, and this goes out by {channel}")
        if people.address(session, person, channel) is None:
            raise WordsRefused(
                f"the borrower has no open address for {channel}{self._instead(session, person, channel)}"
            )
        if not carried(self._settings, channel):
            raise WordsRefused(f"no carrier is configured for {channel}{self._instead(session, person, channel)}")
        self._take_platform(session, loan, person, channel, at)
        not_before, rules = self._when(session, loan, person, channel, at, reported)
        answers = self._slots.answers(session, person, channel, at)
        purpose = Purpose.REPLY if answers else Purpose.COLLECTION
        message = self._written(session, loan, person, channel, purpose, text, subject, at, reported)
        cost = message_cost(
            self._costs,
            channel,
            person.country,
            message.text,
            purpose,
            free_text=channel is Channel.WHATSAPP and self._ways.has_templates,
        )
        segments = sms_size(message.text).segments if channel is Channel.SMS else None
        most = self._settings.twilio.most_segments if self._settings.twilio is not None else None
        if segments is not None and most is not None and segments > most:
            raise WordsRefused(f"{segments} SMS where RECOBRO_TWILIO__MOST_SEGMENTS allows {most}: write less")
        return Judged(
            channel=channel,
            text=text,
            subject=subject,
            message=message,
            answers=answers,
            not_before=not_before,
            rules=rules,
            segments=segments,
            cost_micros=cost.micros,
            cost_currency=cost.currency,
        )

    def _when(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        channel: Channel,
        at: datetime,
        reported: Circumstance | None,
    ) -> tuple[datetime | None, tuple[str, ...]]:
        """Not before when, and by which rules; None: now. Raises WordsRefused for never."""
        flags = stops_of(session, person, reported)
        decision = self._slots.decision(session, loan, person, Purpose.REPLY, channel, at, flags, own_words=True)
        if decision.verdict is Verdict.NEVER:
            raise WordsRefused(_told(decision.reasons) + self._instead(session, person, channel))
        rules = tuple(dict.fromkeys(reason.rule for reason in decision.reasons))
        return (decision.not_before, rules) if decision.verdict is Verdict.NOT_BEFORE else (None, ())

    def _take_platform(self, session: Session, loan: Loan, person: Person, channel: Channel, at: datetime) -> None:
        """Raises WordsRefused."""
        if channel is Channel.WHATSAPP:
            window = load_whatsapp().window
            if self._ways.form(session, person, at) is Form.TEMPLATE:
                raise WordsRefused(
                    f"{window.id}: WhatsApp takes own words only within {window.hours} hours of the borrower's last "
                    f"message there{self._instead(session, person, channel)}, or send an approved template "
                    "(`campaign send --template`)"
                )
        order = ContactOrder(
            lender=loan.lender,
            loan_id=loan.loan_id,
            step=step_of("draft"),
            channels=(channel,),
            template=TEMPLATE,
            purpose=Purpose.REPLY,
            words="draft",
        )
        if self._gate.concerned(order) and (against := self._gate.reasons(session, order, person, channel, at)):
            raise WordsRefused(_told(against) + self._instead(session, person, channel))

    def _written(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        channel: Channel,
        purpose: Purpose,
        text: str,
        subject: str | None,
        at: datetime,
        reported: Circumstance | None,
    ) -> RenderedMessage:
        """Raises WordsRefused."""
        lender = self._settings.lender_named(loan.lender)
        circumstances = circumstances_of(session, loan, person, lender, channel, purpose, at, reported)
        try:
            one_way = is_one_way(self._settings, channel, person.country)
            context = message_context(session, loan, person, lender, channel, at, None, one_way=one_way)
            context = with_own_words(context, text, subject)
            return write_message(TEMPLATE, person.language, context, lender, circumstances)
        except ContentRefused as refused:
            raise WordsRefused("; ".join(str(finding) for finding in refused.findings)) from None
        except TemplateError as error:
            raise WordsRefused(f"they cannot be written out: {error.reason}") from None
        except ValidationError:
            raise WordsRefused("they hold nothing that can be printed, or are too long for a message") from None

    def _instead(self, session: Session, person: Person, channel: Channel) -> str:
        """`; write by email instead`, where another channel is open, else nothing."""
        closed = people.opted_out(session, person)
        others = [
            other
            for other in WRITABLE
            if other not in (channel, Channel.WHATSAPP)
            and other not in closed
            and carried(self._settings, other)
            and people.address(session, person, other) is not None
        ]
        return f"; write by {_named(others)} instead" if others else ""


def carried(settings: Settings, channel: Channel) -> bool:
    """Whether anything is configured by which messages of this channel could leave."""
    twilio, meta = settings.twilio, settings.meta
    match channel:
        case Channel.SMS:
            return twilio is not None and twilio.sends_texts
        case Channel.EMAIL:
            return settings.smtp is not None or settings.sendgrid is not None
        case Channel.WHATSAPP:
            by_twilio = twilio is not None and twilio.whatsapp_sender is not None
            return settings.whatsapp_enabled and (by_twilio or (meta is not None and meta.sends))
    return False


def open_channels(session: Session, person: Person) -> list[Channel]:
    """Those by which the person can be written to at all, the one that is taken by default first."""
    first = channel_by_default(session, person)
    closed = people.opted_out(session, person)
    there = [one for one in WRITABLE if one not in closed and people.address(session, person, one) is not None]
    return sorted(there, key=lambda channel: channel is not first)


def channel_by_default(session: Session, person: Person) -> Channel:
    """The one the person wrote by last, else the first that has an address."""
    wrote = session.exec(
        select(InboundMessage.channel)
        .where(InboundMessage.person_ref == person.id, col(InboundMessage.channel).in_(WRITABLE))
        .order_by(col(InboundMessage.at).desc(), col(InboundMessage.id).desc())
        .limit(1)
    ).first()
    if wrote is not None and people.address(session, person, Channel(wrote)) is not None:
        return Channel(wrote)
    known = (Channel.SMS, Channel.EMAIL)
    return next((one for one in known if people.address(session, person, one) is not None), Channel.SMS)


def until_for(judged: Judged, at: datetime, stands_for: timedelta) -> datetime:
    """Until when the words may go where nobody says otherwise: a day more than they have to wait at least."""
    latest = at + stands_for
    return latest if judged.not_before is None else max(latest, judged.not_before + timedelta(days=1))


def _told(reasons: tuple[Reason, ...]) -> str:
    return " ".join(f"{reason.rule}: {reason.text}" for reason in reasons)


def _named(channels: Sequence[Channel]) -> str:
    return " or ".join(channel.value for channel in channels)
