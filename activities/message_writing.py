"""What a message says: the loan's figures at the moment of dispatch, in the borrower's language."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from config.message_context import MessageContext, RenderedMessage
from config.settings import Lender
from config.templates import opt_out_hint, render
from domain.contact import Channel
from domain.money import Money
from records import payments
from records.tables import Loan, Person


def message_context(
    session: Session, loan: Loan, person: Person, lender: Lender, channel: Channel, at: datetime, link_url: str | None
) -> MessageContext:
    """The figures as the records hold them now; `at` decides the borrower's local date."""
    today = at.astimezone(ZoneInfo(person.timezone) if person.timezone else at.tzinfo).date()
    paid = [payment for payment in payments.of_loan(session, loan) if payment.reversed_at is None]
    last = paid[-1] if paid else None
    return MessageContext(
        country=person.country,
        lender_name=lender.name,
        lender_phone=lender.phone,
        loan_id=loan.loan_id,
        borrower_name=person.name,
        amount_due=Money(amount_minor=max(payments.balance_due(session, loan), 0), currency=loan.currency),
        due_date=loan.due_date,
        days_past_due=(today - loan.due_date).days,
        today=today,
        link_url=link_url,
        amount_paid=Money(amount_minor=last.amount_minor, currency=loan.currency) if last else None,
        paid_on=last.paid_at.astimezone(ZoneInfo(person.timezone)).date() if last and person.timezone else None,
        opt_out_hint=opt_out_hint(channel, person.language),
    )


def write_message(template: str, channel: Channel, language: str, context: MessageContext) -> RenderedMessage:
    """The rendered message. Raises config.templates.TemplateError, without personal data."""
    return render(template, channel, language, context)
