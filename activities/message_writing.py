"""What a message says: the loan's figures at the moment of dispatch, in the borrower's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.approved_templates import ApprovedText
from config.content_rules import load_content
from config.lawful_messages import lawful_message, with_lawful_lines
from config.lender_settings import Lender
from config.localised import format_date, format_money, locale_of
from config.message_context import MessageContext, RenderedMessage
from config.settings import Settings
from config.templates import opt_out_hint
from domain.contact import Channel, Purpose
from domain.contact_orders import Agreed
from domain.content_rules import Circumstances
from domain.events.borrower import Circumstance
from domain.money import Money
from domain.platform_rules import is_name
from domain.sms_price import spelled_for_less
from providers.ports import ApprovedTemplate, TemplateValue
from records import contacts, payments, people
from records.next_payment import left_to_pay
from records.tables import ContactState, Loan, Payment, Person

_REACHED = frozenset({ContactState.SENT, ContactState.DELIVERED, ContactState.READ})


def message_context(
    session: Session,
    loan: Loan,
    person: Person,
    lender: Lender,
    channel: Channel,
    at: datetime,
    link_url: str | None,
    agreed: Agreed | None = None,
    consent_url: str | None = None,
    answer_by: date | None = None,
    faq: str | None = None,
    payments_agreed: Sequence[Agreed] = (),
    *,
    one_way: bool = False,
) -> MessageContext:
    """The figures as the records hold them now; `at` decides the borrower's local date.

    `one_way`: whether nobody can answer the sender (`is_one_way`).
    """
    clock = ZoneInfo(person.timezone) if person.timezone else at.tzinfo
    today = at.astimezone(clock).date()
    every = payments.of_loan(session, loan)
    paid = [payment for payment in every if payment.reversed_at is None]
    last = paid[-1] if paid else None
    return MessageContext(
        country=person.country,
        lender_name=lender.name,
        lender_phone=lender.phone,
        caller_name=lender.caller_on_calls if channel is Channel.CALL else lender.caller,
        loan_id=loan.loan_id,
        borrower_name=person.name,
        amount_due=Money(amount_minor=_asked_minor(session, loan, every), currency=loan.currency),
        due_date=loan.due_date,
        days_past_due=(today - loan.due_date).days,
        today=today,
        link_url=link_url,
        consent_url=consent_url,
        agreed_amount=Money(amount_minor=agreed.amount_minor, currency=loan.currency) if agreed else None,
        agreed_date=agreed.due if agreed else None,
        agreed_payments=_listed(payments_agreed, loan.currency, person) or None,
        answer_by=answer_by,
        faq_answer=faq,
        amount_paid=Money(amount_minor=last.amount_minor, currency=loan.currency) if last else None,
        paid_on=last.paid_at.astimezone(clock).date() if last else None,
        opt_out_hint=opt_out_hint(channel, person.language, instead=lender.phone if one_way else None),
        one_way=one_way or None,
    )


def _asked_minor(session: Session, loan: Loan, every: Sequence[Payment]) -> int:
    """What is due; once money came for a settlement that is kept, no more than what is left of that."""
    due = max(payments.due_after(loan, every), 0)
    paid = any(payment.entry == loan.entry and payment.reversed_at is None for payment in every)
    kept = left_to_pay(session, loan) if paid and loan.end_kind is None else None
    return due if kept is None or kept.most_minor is None else min(due, kept.most_minor)


def is_one_way(settings: Settings, channel: Channel, country: str) -> bool:
    """Whether what goes there by `channel` comes from a name: people can read it and not answer."""
    sender = settings.twilio.sender_for(country) if settings.twilio is not None else None
    return channel is Channel.SMS and sender is not None and is_name(sender)


def _listed(agreed: Sequence[Agreed], currency: str, person: Person) -> str:
    """Each payment and its day on one line: `41.17 (3/16/26), 41.17 (4/16/26)`."""
    locale = locale_of(person.language, person.country)
    each = [(format_money(Money(amount_minor=a.amount_minor, currency=currency), locale), a.due) for a in agreed]
    return ", ".join(f"{amount} ({format_date(due, locale)})" for amount, due in each)


def with_own_words(context: MessageContext, text: str, subject: str | None) -> MessageContext:
    """The context with what a person wrote. Raises pydantic.ValidationError, which never shows it."""
    return MessageContext.model_validate({**dict(context), "own_words": text, "own_subject": subject})


def circumstances_of(
    session: Session,
    loan: Loan,
    person: Person,
    lender: Lender,
    channel: Channel,
    purpose: Purpose,
    at: datetime,
    reported: Circumstance | None = None,
) -> Circumstances:
    """Where and how a message goes out at `at`. A message whose fate is not known may have told nothing yet.

    `reported`: what was reported of the loan and nobody has decided on.
    """
    return Circumstances(
        market=person.country,
        channel=channel,
        purpose=purpose,
        actor=lender.collects_as,
        told=contacts.purposes_in(session, loan, _REACHED),
        disputed=reported is Circumstance.DISPUTE or "dispute" in people.flags(session, person),
        debt_age_years=(at.date() - loan.due_date).days / 365.25,
    )


@dataclass(frozen=True)
class Written:
    """A message, and the platform's template with its values where it goes out as one."""

    message: RenderedMessage
    approved: ApprovedTemplate | None = None


def write_message(
    template: str, language: str, context: MessageContext, lender: Lender, circumstances: Circumstances
) -> RenderedMessage:
    """As `write`, for a message that goes out as it is written."""
    return write(template, language, context, lender, circumstances).message


def write(
    template: str,
    language: str,
    context: MessageContext,
    lender: Lender,
    circumstances: Circumstances,
    approved: ApprovedText | None = None,
) -> Written:
    """The message as its market's content rules let it be sent; a text message spelled in as few segments as it takes.

    `approved` gives the words instead of the template's file. Raises config.templates.TemplateError and
    config.lawful_messages.ContentRefused, without personal data.
    """
    book = load_content()
    if approved is not None:
        message = lawful_message(template, language, context, lender, circumstances, book, approved.fill)
        whole = with_lawful_lines(context, language, lender, circumstances, book)
        return Written(message, _as_approved(approved, whole))
    message = lawful_message(template, language, context, lender, circumstances, book)
    if circumstances.channel is Channel.SMS:
        message = message.model_copy(update={"text": spelled_for_less(message.text)})
    return Written(message)


def _as_approved(approved: ApprovedText, context: MessageContext) -> ApprovedTemplate:
    return ApprovedTemplate(
        name=approved.ours.name,
        language=approved.ours.language,
        values=tuple(TemplateValue(name=name, text=text) for name, text in approved.values(context)),
        named=approved.ours.named,
    )
