"""The contacts that a loan owes beside its steps: receipts, links, answers, requests, a step by another channel."""

from __future__ import annotations

from datetime import datetime

from domain.agreements.judging import left_of, messages_of, next_unpaid
from domain.call_wishes import LINK_CHANNELS, link_of_use_until, link_template
from domain.consent_renewal import to_ask
from domain.contact import Channel, Purpose
from domain.contact_orders import ASKED, CONSENT, FUNDS, PART_RECEIPT, RECEIPT, Agreed, SendContact
from domain.conversation.another_day import may_be_asked
from domain.conversation.answering import channels_of
from domain.conversation.model import REPLY, AnswerKind
from domain.conversation.offering import may_be_said
from domain.loan_state import LoanState
from domain.notices import step_of
from domain.strategy import StepKind


def receipt_contact(state: LoanState) -> SendContact:
    receipt = state.strategy.receipt
    assert receipt is not None
    return SendContact(
        step=RECEIPT,
        occurrence=state.ends_count,
        channels=open_channels(state, receipt.channels),
        template=receipt.template,
        purpose=Purpose.TRANSACTIONAL,
        what="receipt",
    )


def part_receipt_contact(state: LoanState) -> SendContact | None:
    """One receipt for what was paid since the last. It answers the borrower, so it goes out while the loan is held."""
    receipt = state.strategy.receipt
    if receipt is None or receipt.part_template is None or state.ceased:
        return None
    if all(payment.reversed for payment in state.payments[state.payments_receipted :]):
        return None
    return SendContact(
        step=PART_RECEIPT,
        occurrence=len(state.payments),
        channels=open_channels(state, receipt.channels),
        template=receipt.part_template,
        purpose=Purpose.TRANSACTIONAL,
        what="receipt of a part payment",
    )


def funds_contact(state: LoanState) -> SendContact | None:
    watch = state.strategy.watch
    if watch is None or state.funds_seen_at is None:
        return None
    return SendContact(
        step=FUNDS,
        occurrence=state.offers_made + 1,
        channels=open_channels(state, watch.channels),
        template=watch.template,
        with_link=True,
        balance_read_at=state.funds_seen_at,
        what="payment link: the money is there",
    )


def asked_link_contact(state: LoanState) -> SendContact | None:
    """An answer to the borrower: it goes out while the loan is held too, unless what holds it is their distress."""
    template = link_template(state)
    until = link_of_use_until(state)
    if until is None or template is None or state.ceased or not state.owes or state.circumstance is not None:
        return None
    return SendContact(
        step=ASKED,
        occurrence=state.links_asked,
        channels=open_channels(state, LINK_CHANNELS),
        template=template,
        purpose=Purpose.REPLY,
        with_link=True,
        give_up_at=until,
        what="payment link that was asked for",
    )


def answer_contact(state: LoanState, now: datetime) -> SendContact | None:
    """The answer to a message of the borrower goes out while the loan is held too."""
    answer = state.conversation.answer if state.conversation is not None else None
    if answer is None or state.ceased or not (may_be_said(state, answer, now) and may_be_asked(state, answer)):
        return None
    about = next((a for a in state.agreements if a.number == answer.agreement), None)
    agreed = Agreed(amount_minor=about.total_minor, due=about.last_due) if about is not None else None
    if answer.amount_minor is not None and answer.on is not None:
        agreed = Agreed(amount_minor=answer.amount_minor, due=answer.on)
    template: str = answer.kind
    if answer.kind is AnswerKind.HOW_TO_PAY and (kept := _kept_payment(state, answer.channel)) is not None:
        template, agreed = kept
    return SendContact(
        step=REPLY,
        occurrence=answer.number,
        channels=channels_of(state, answer),
        template=template,
        purpose=Purpose.REPLY,
        with_link=answer.kind == AnswerKind.HOW_TO_PAY,
        agreed=agreed,
        payments=tuple(Agreed(amount_minor=i.amount_minor, due=i.due) for i in about.instalments) if about else (),
        faq=answer.faq,
        answer_by=answer.on if agreed is None else None,
        what=f"answer {answer.kind.removeprefix('reply_').replace('_', ' ')}",
    )


def _kept_payment(state: LoanState, channel: Channel) -> tuple[str, Agreed] | None:
    """Who asks how to pay while an agreement is kept is asked for its next payment, not for the debt."""
    agreement = state.agreement
    covered = next_unpaid(state, agreement) if agreement is not None else None
    link = messages_of(state.strategy, agreement.kind).link if agreement is not None else None
    if covered is None or link is None or channel not in link.channels:
        return None
    return link.template, Agreed(amount_minor=left_of(state, covered), due=covered.instalment.due)


def notice_contact(state: LoanState) -> SendContact | None:
    if not state.notices:
        return None
    first = state.notices[0]
    return SendContact(
        step=step_of(first.notice_id),
        occurrence=1,
        channels=open_channels(state, first.channels),
        template=first.template,
        with_link=first.with_link,
        give_up_at=first.until,
        what=f"one-off message {first.notice_id}",
    )


def fallback_contact(state: LoanState) -> SendContact | None:
    again = state.fallback
    step = state.strategy.find_step(again.step) if again is not None else None
    if again is None or step is None or step.template is None:
        return None
    return SendContact(
        step=step.id,
        occurrence=again.occurrence,
        channels=open_channels(state, again.channels),
        template=step.template,
        with_link=step.kind is StepKind.OFFER_LINK,
        unless_read=again.unless_read,
        what=f"{step.kind} {step.id} by another channel",
    )


def consent_contact(state: LoanState, now: datetime) -> SendContact | None:
    if (due := to_ask(state, now)) is None:
        return None
    watch, occurrence = due
    return SendContact(
        step=CONSENT,
        occurrence=occurrence,
        channels=open_channels(state, watch.channels),
        template=watch.renew_template,
        what="consent: a new one is asked for",
    )


def open_channels(state: LoanState, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    return tuple(channel for channel in channels if channel not in state.closed_channels)
