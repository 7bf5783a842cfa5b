"""What a message can show of its sender and of the debt, spelled as the message spells it."""

from __future__ import annotations

from config.lender_settings import Lender
from config.localised import format_date, format_date_long, format_money, locale_of
from config.message_context import MessageContext
from domain.contact import Actor, Channel
from domain.content_rules import Circumstances, ContentBook, Facts, notice

_STAND_INS = {"borrower_name": "Ana", "loan_id": "L-1", "link_url": "https://pay.example/l"}
_STAND_IN_FACTS = {"address": "X 1", "agent": "Ana", "responsible": "Ana", "complaints": "x@example.com"}


def facts_of(lender: Lender, context: MessageContext, language: str, channel: Channel) -> Facts:
    """The facts of one message. Raises ValueError for a language that CLDR does not know.

    The name under which calls open names the sender to whoever answers, on no other channel and not to the person.
    """
    locale = locale_of(language, context.country)
    calls_as = _known(lender.calls_as) if channel is Channel.CALL else ()
    an_agency = lender.collects_as is Actor.AGENCY
    return Facts(
        creditor=(context.lender_name, *(() if an_agency else calls_as)),
        agency=(*_known(lender.agency), *(calls_as if an_agency else ())),
        agent=_known(lender.agent),
        address=_known(lender.address),
        phone=(context.lender_phone,),
        responsible=_known(lender.responsible),
        complaints=_known(lender.complaints),
        reference=(context.loan_id,),
        amount=(format_money(context.amount_due, locale),),
        calculated_on=(format_date(context.today, locale), format_date_long(context.today, locale)),
    )


def with_notice(
    context: MessageContext, facts: Facts, circumstances: Circumstances, language: str, book: ContentBook
) -> MessageContext:
    """The context with the lines that law asks this sender to add. Raises pydantic.ValidationError if too long."""
    added = notice(circumstances, facts, language, book)
    return MessageContext.model_validate({**dict(context), "legal_notice": added})


def stand_in(context: MessageContext) -> MessageContext:
    """The same message to nobody: without the borrower's own values, whatever words these are made of."""
    given = {name: value for name, value in _STAND_INS.items() if getattr(context, name) is not None}
    return context.model_copy(update=given)


def stand_in_facts(facts: Facts) -> Facts:
    """The facts without names and addresses of people: a street may be named after a court."""
    given = {name: (value,) for name, value in _STAND_IN_FACTS.items() if getattr(facts, name)}
    return facts.model_copy(update={**given, "reference": (_STAND_INS["loan_id"],)})


def _known(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()
