"""What a webhook's news means for the records, and which loans have to hear of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from domain.contact import Channel
from domain.webhook_news import (
    CallEnded,
    CallHeard,
    Complained,
    ConsentNews,
    DeliveryNews,
    Ignored,
    InboundNews,
    NumberChanged,
    PartRefundNews,
    PaymentNews,
    PaymentPointer,
    ReversalNews,
    SenderNews,
    TemplateNews,
    WebhookNews,
)
from records import contacts, inquiries, payments, people, platforms
from records.tables import LoanState
from web.consent_reports import record_consent
from web.consequence import Consequence, about, note
from web.delivery_news import record_call_ended, record_call_heard, record_delivery
from web.hearing import MessageReader
from web.inbound_news import record_complaint, record_inbound
from web.money_news import record_part_refund, record_payment, record_reversal
from web.ports import OwedSignal


def record_news(
    session: Session, news: Iterable[WebhookNews], at: datetime, reader: MessageReader = MessageReader()
) -> Consequence:
    """Write what belongs in the records; `at` is when the webhook came in. One transaction with its mark."""
    outcomes: list[str] = []
    signals: list[OwedSignal] = []
    persons: frozenset[int] = frozenset()
    for one in news:
        match one:
            case PaymentNews():
                consequence = record_payment(session, one, at)
            case PaymentPointer():
                inquiries.note(session, one.provider, one.payment_id, at)
                consequence = Consequence(outcome="payment_pointed_at")
            case ReversalNews():
                consequence = record_reversal(session, one, at)
            case PartRefundNews():
                consequence = record_part_refund(session, one, at)
            case DeliveryNews():
                consequence = record_delivery(session, one, at)
            case TemplateNews():
                consequence = _template(session, one, at)
            case SenderNews():
                consequence = _sender(session, one, at)
            case InboundNews():
                consequence = record_inbound(session, one, at, reader)
            case NumberChanged():
                consequence = _number_changed(session, one, at)
            case CallHeard():
                consequence = record_call_heard(session, one, at)
            case CallEnded():
                consequence = record_call_ended(session, one, at)
            case Complained():
                consequence = record_complaint(session, one, at)
            case ConsentNews():
                consequence = record_consent(session, one, at)
            case Ignored():
                consequence = _ignored(session, one, at)
        outcomes.append(consequence.outcome)
        signals += consequence.signals
        persons |= consequence.person_refs
    return Consequence(
        outcome=", ".join(outcomes)[:80] or "nothing",
        outcomes=tuple(outcomes),
        signals=tuple(signals),
        person_refs=persons,
    )


def lock_ahead(session: Session, many: Iterable[Iterable[WebhookNews]]) -> None:
    """Lock what recording all this news will touch, in everybody's order: payments, people by their ids.

    One transaction of many webhooks locks several people; whoever locked them in another order would wait for it
    while it waits for them. On SQLite a writing transaction is alone anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    news = [one for each in many for one in each]
    payments.lock(
        session, [(one.provider, one.payment_id) for one in news if isinstance(one, PaymentNews | ReversalNews)]
    )
    reports = [one for one in news if isinstance(one, DeliveryNews)]
    wrote = [one for one in news if isinstance(one, InboundNews)]
    written_from = [address for one in wrote for address in (one.sender_address, *one.other_spellings)]
    persons = set(people.refs_by_phone(session, written_from))
    for one in wrote:
        if one.channel is Channel.EMAIL:
            persons |= {person.id for person in people.by_email(session, one.sender_address) if person.id is not None}
    heard = [one for one in news if isinstance(one, CallHeard | CallEnded)]
    ended = [one for one in heard if isinstance(one, CallEnded)]
    own_ids = [one.message_id for one in (*reports, *heard) if one.message_id]
    own_ids += [each for one in wrote for each in one.answers]
    named = [(one.provider, one.provider_message_id) for one in reports]
    named += [(one.provider, one.provider_message_id) for one in ended]
    named += [(one.provider, one.quotes) for one in wrote if one.quotes is not None]
    if named or own_ids:
        persons |= contacts.people_of_messages(session, named, own_ids)
    people.lock_many(session, persons)


def _number_changed(session: Session, news: NumberChanged, at: datetime) -> Consequence:
    """A person is shown whose number is another now: the old one may soon be somebody else's. It stays as it is."""
    found = (people.by_phone(session, each) for each in (news.address, *news.other_spellings))
    known = next((persons for persons in found if persons), ())
    for person in known:
        owed = [loan for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED]
        for loan in owed:
            details: dict[str, JsonValue] = {"kind": "number_changed", "reference": news.provider_message_id}
            note(session, at, news.provider, "webhook_needs_person", loan.lender, loan.loan_id, details)
    return Consequence(
        outcome="number_changed" if known else "unknown_sender", person_refs=about(*(person.id for person in known))
    )


def _template(session: Session, news: TemplateNews, at: datetime) -> Consequence:
    platforms.template_changed(
        session,
        news.provider,
        news.name,
        news.language,
        status=news.status,
        category=news.category,
        quality=news.quality,
        reason=news.reason,
        at=at,
    )
    told = {"status": news.status, "category": news.category, "quality": news.quality, "reason": news.reason or None}
    details: dict[str, JsonValue] = {"name": news.name, "language": news.language}
    details |= {name: str(value) for name, value in told.items() if value is not None}
    note(session, at, news.provider, "template_status", None, None, details)
    return Consequence(outcome=f"template_{news.status or 'changed'}")


def _sender(session: Session, news: SenderNews, at: datetime) -> Consequence:
    platforms.sender_changed(session, news.provider, news.sender, quality=news.quality, tier=news.tier, at=at)
    details: dict[str, JsonValue] = {"sender": news.sender, "event": news.event}
    note(session, at, news.provider, "sender_quality", None, None, details)
    return Consequence(outcome=f"sender_{news.event}"[:80])


def _ignored(session: Session, news: Ignored, at: datetime) -> Consequence:
    if news.needs_person:
        details: dict[str, JsonValue] = {"kind": news.kind}
        if news.reference is not None:
            details["reference"] = news.reference
        note(session, at, "webhook", "webhook_needs_person", None, None, details)
    return Consequence(outcome=f"ignored {news.kind}"[:80])
