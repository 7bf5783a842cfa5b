"""The activities that carry out what a loan's plan asks for, and what the loan is told of each."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

with workflow.unsafe.imports_passed_through():
    from activities.capabilities import Contacts, Debits, Offering
    from activities.orders import ContactOrder, DebitOrder, OfferOrder
    from domain.actions import AskOffers, OrderDebit
    from domain.agreements.requests import request_as_known
    from domain.agreements.terms import Authority
    from domain.consent_renewal import is_renewal, worth_renewing
    from domain.contact_orders import SendContact
    from domain.events.agreements import OffersMade
    from domain.events.contacts import ContactOutcome, ContactReported
    from domain.events.debits import DebitOutcome, DebitReported
    from domain.loan_state import LoanState
    from domain.waiting import gives_up_at
    from domain.watching import watch_threshold

CONTACT_RETRY = RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=10))
RECORDS_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))
TRIED_FOR = timedelta(days=30)
"""A contact of a loan that has no end by the clock, such as a receipt, is given up after so long."""
OVER_THE_END = timedelta(days=1)
"""A contact that nothing else ends is given up this long after the strategy's end."""

T = TypeVar("T")


def start_contact(state: LoanState, order: SendContact) -> workflow.ActivityHandle[ContactReported]:
    ends_at = gives_up_at(state, order)
    renews = is_renewal(state, order)
    return workflow.start_activity_method(
        Contacts.contact,
        ContactOrder(
            lender=state.facts.lender,
            loan_id=state.facts.loan_id,
            step=order.step,
            occurrence=order.occurrence,
            channels=order.channels,
            template=order.template,
            purpose=order.purpose,
            with_link=order.with_link,
            balance_read_at=order.balance_read_at,
            threshold=watch_threshold(state) if order.balance_read_at and state.strategy.watch else None,
            give_up_at=ends_at,
            agreed=order.agreed,
            payments=order.payments,
            answer_by=order.answer_by,
            faq=order.faq,
            unless_read=order.unless_read,
            words=order.words,
            entry=state.facts.entry if state.facts.entry > 1 else None,
            circumstance=order.circumstance,
            renews=renews,
            of_no_use=renews and not worth_renewing(state),
        ),
        start_to_close_timeout=timedelta(minutes=2),
        schedule_to_close_timeout=ends_at - workflow.now() + OVER_THE_END if ends_at else TRIED_FOR,
        retry_policy=CONTACT_RETRY,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=f"{order.what} by {', then '.join(order.channels)}",
    )


async def contact_report(
    order: SendContact, sending: workflow.ActivityHandle[ContactReported], *, stopped: bool
) -> ContactReported | None:
    """What became of it; None when it was `stopped` before it was sent, even if it failed at that moment."""
    try:
        return await sending
    except ActivityError as failure:
        if isinstance(failure.cause, CancelledError):
            if workflow.cancellation_reason() is not None:
                raise
            return None
        if stopped:
            return None
    except ValidationError:
        workflow.logger.error("the contact activity answered something unreadable")
    return ContactReported(step=order.step, occurrence=order.occurrence, outcome=ContactOutcome.FAILED)


async def order_debit(state: LoanState, order: OrderDebit) -> DebitReported:
    """Have the records hold the debit as the loan wants it now; what the bank has is the bank's."""
    ordering = workflow.execute_activity_method(
        Debits.order,
        DebitOrder(
            lender=state.facts.lender,
            loan_id=state.facts.loan_id,
            entry=state.facts.entry,
            step=order.step,
            occurrence=order.occurrence,
            released=order.released,
            noticed=order.noticed,
            notice_days=order.notice_days,
        ),
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=RECORDS_RETRY,
        summary=order.what,
    )
    impossible = DebitReported(step=order.step, occurrence=order.occurrence, outcome=DebitOutcome.NOT_POSSIBLE)
    return await _or_else(ordering, impossible, "the debit activity")


async def ask_offers(state: LoanState, order: AskOffers) -> OffersMade:
    """The engine looks at what the records alone know; whatever it answers is checked again when it is agreed."""
    asking, facts = order.asking, state.facts
    making = workflow.execute_activity_method(
        Offering.make,
        OfferOrder(
            lender=facts.lender,
            loan_id=facts.loan_id,
            number=asking.number,
            request=request_as_known(state, workflow.now(), Authority.MACHINE, asking.bearable_minor),
            kinds=asking.kinds,
            country=facts.country,
            region=facts.region,
        ),
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=RECORDS_RETRY,
        summary=order.what,
    )
    return await _or_else(making, OffersMade(number=asking.number), "the offer engine")


async def _or_else(answer: Awaitable[T], otherwise: T, what: str) -> T:
    """The activity's answer, or what stands for it where it failed for good; a cancellation goes on."""
    try:
        return await answer
    except ActivityError as failure:
        if isinstance(failure.cause, CancelledError):
            raise
    except ValidationError:
        pass  # a worker of a newer build may say what this one does not know
    workflow.logger.error("%s failed for good", what)
    return otherwise
