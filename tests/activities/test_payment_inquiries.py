"""Payments asked about: what comes while the answer travels, and money that is there again after it was taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.gateways import Gateways
from activities.payment_inquiries import MOST_TRIES, PaymentInquiries
from domain.gateway_choice import Offer
from domain.money import Money
from domain.what_next import WhatNext
from providers.errors import refusal
from providers.ports import PaymentReport, PaymentState
from records import audit, inquiries, links, loans, payments
from records.database import Database
from tests.records.portfolios import LENDER, entered

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
REFERENCE = "rcb" + "b" * 32


class Lookup:
    """Answers with the states it is given, one after the other; None: it knows no such payment."""

    name = "mercadopago"

    def __init__(self, *states: PaymentState | None, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._states = list(states)
        self._meanwhile = meanwhile
        self.asked = 0
        self.refunded_minor = 0
        self.amount_minor = 10_000

    async def payment(self, payment_id: str, at: datetime) -> PaymentReport | None:
        state = self._states[min(self.asked, len(self._states) - 1)]
        self.asked += 1
        if self.asked == 1:
            self._meanwhile()
        if state is None:
            return None
        amount = Money(amount_minor=self.amount_minor, currency="EUR")
        return PaymentReport(
            payment_id=payment_id,
            state=state,
            amount=amount,
            paid_at=NOW,
            reference=REFERENCE,
            refunded_minor=self.refunded_minor,
        )

    async def create_link(self, *_: object) -> None: ...
    async def deactivate_link(self, *_: object) -> None: ...
    async def link_payments(self, *_: object) -> tuple[()]:
        return ()


class Broken(Lookup):
    """An account that refuses every question."""

    def __init__(self, what_next: WhatNext) -> None:
        super().__init__(None)
        self._error = refusal("mercadopago", "401", what_next, "the access token was refused")

    async def payment(self, payment_id: str, at: datetime) -> PaymentReport | None:
        raise self._error


class Failing(Lookup):
    """An account whose answer about one payment is one that nobody thought of; of others it has news."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(PaymentState.PAID)
        self._error = error

    async def payment(self, payment_id: str, at: datetime) -> PaymentReport | None:
        if payment_id == "odd":
            raise self._error
        return await super().payment(payment_id, at)


def asking(database: Database, *lookups: Lookup) -> PaymentInquiries:
    known: Any = [(Offer(name="mercadopago"), lookup) for lookup in lookups]
    return PaymentInquiries(database, Gateways(known=known))


def notice(database: Database, reference: str = "123") -> None:
    with database.writing() as session:
        inquiries.note(session, "mercadopago", reference, NOW)


def ask_for_l1(database: Database) -> None:
    """The payment that is asked about is by a link of L1."""
    with database.writing() as session:
        [loan] = entered(session, "L1")
        links.keep(
            session, loan, purpose="balance", amount_minor=10_000, generation=1, provider="mercadopago",
            provider_link_id="p1", url="https://pay.example/1", at=NOW, reference=REFERENCE,
        )  # fmt: skip


def told_people(database: Database) -> list[Any]:
    with database.reading() as session:
        return [row.details for row in audit.of_action(session, "webhook_needs_person")]


def standing(database: Database) -> bool | None:
    with database.reading() as session:
        payment = payments.find(session, "mercadopago", "123")
        return None if payment is None else payment.reversed_at is None


@pytest.mark.parametrize(
    ("first", "then", "stands"),
    [(PaymentState.PENDING, PaymentState.PAID, True), (PaymentState.PAID, PaymentState.TAKEN_BACK, False)],
)
async def test_a_notice_that_comes_while_the_answer_before_it_travels_is_asked_about_too(
    database: Database, first: PaymentState, then: PaymentState, stands: bool
) -> None:
    notice(database)
    lookup = Lookup(first, then, meanwhile=lambda: notice(database))
    work = asking(database, lookup)

    asked = [await work.ask_due(NOW + timedelta(minutes=minute)) for minute in range(3)]

    assert asked == [1, 1, 0]
    assert standing(database) is stands


async def test_a_notice_that_comes_at_the_last_try_begins_anew_and_nobody_is_told_in_vain(database: Database) -> None:
    notice(database)
    with database.writing() as session:
        known = inquiries.find(session, "mercadopago", "123")
        assert known is not None
        known.tries = MOST_TRIES
        session.add(known)
    work = asking(database, Lookup(None, PaymentState.PAID, meanwhile=lambda: notice(database)))

    await work.ask_due(NOW)
    before = told_people(database)
    await work.ask_due(NOW)

    assert before == []
    assert standing(database) is True


async def test_what_others_gave_back_of_a_payment_is_shown_to_a_person_once_for_each_sum(lite: Database) -> None:
    ask_for_l1(lite)
    lookup = Lookup(PaymentState.PAID)
    work = asking(lite, lookup)
    told = []
    for refunded_minor in (0, 2_500, 2_500, 4_000):
        lookup.refunded_minor = refunded_minor
        notice(lite)
        await work.ask_due(NOW)
        told.append([one["amount_minor"] for one in told_people(lite)])

    assert told == [[], [2_500], [2_500], [2_500, 4_000]]
    assert {one["kind"] for one in told_people(lite)} == {"refund:partial"}
    assert standing(lite) is True
    with lite.reading() as session:
        shown = audit.of_action(session, "webhook_needs_person")
    assert {(row.lender, row.loan_id) for row in shown} == {(LENDER, "L1")}


async def test_what_another_business_on_the_same_account_gives_back_is_shown_to_nobody(lite: Database) -> None:
    lookup = Lookup(PaymentState.PAID)
    lookup.refunded_minor = 2_500
    notice(lite)

    await asking(lite, lookup).ask_due(NOW)

    assert standing(lite) is True
    assert told_people(lite) == []


async def test_what_we_gave_back_of_a_payment_is_no_news(lite: Database) -> None:
    ask_for_l1(lite)
    lookup = Lookup(PaymentState.PAID)
    work = asking(lite, lookup)
    notice(lite)
    await work.ask_due(NOW)
    with lite.writing() as session:
        payment = payments.find(session, "mercadopago", "123")
        assert payment is not None
        payment.refunded_minor = 2_500
        session.add(payment)

    lookup.refunded_minor = 2_500
    notice(lite)
    await work.ask_due(NOW)

    assert told_people(lite) == []


async def test_money_that_is_there_again_after_it_was_taken_back_is_shown_to_a_person_once(database: Database) -> None:
    ask_for_l1(database)
    work = asking(database, Lookup(PaymentState.PAID, PaymentState.TAKEN_BACK, PaymentState.PAID))
    told = []
    for _ in range(3):
        notice(database)
        await work.ask_due(NOW)
        told.append(told_people(database))

    assert told == [[], [], [{"kind": "payment:paid_again", "reference": "123"}]]
    assert standing(database) is False
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 10_000


@pytest.mark.parametrize("what_next", [WhatNext.STOP_SENDER, WhatNext.RETRY, WhatNext.TERMINAL])
@pytest.mark.parametrize("first", ["broken", "good"])
async def test_a_payment_at_one_account_is_booked_although_another_account_cannot_be_asked(
    database: Database, first: str, what_next: WhatNext
) -> None:
    notice(database)
    accounts = [Broken(what_next), Lookup(PaymentState.PAID)]

    await asking(database, *(accounts if first == "broken" else reversed(accounts))).ask_due(NOW)

    assert standing(database) is True
    assert told_people(database) == []


@pytest.mark.parametrize("what_next", [WhatNext.STOP_SENDER, WhatNext.TERMINAL])
async def test_while_an_account_cannot_be_asked_a_payment_no_other_knows_is_asked_about_again(
    database: Database, what_next: WhatNext
) -> None:
    notice(database)
    work = asking(database, Broken(what_next), Lookup(None, PaymentState.PAID))

    await work.ask_due(NOW)
    before = standing(database)
    await work.ask_due(NOW + timedelta(hours=1))

    assert (before, standing(database)) == (None, True)
    assert told_people(database) == []


async def test_what_every_account_refuses_for_good_is_left_to_a_person_at_once(database: Database) -> None:
    notice(database)

    await asking(database, Broken(WhatNext.TERMINAL), Broken(WhatNext.TERMINAL)).ask_due(NOW)

    assert told_people(database) == [{"kind": "notice", "reference": "123"}]


async def test_one_that_fails_as_nobody_thought_of_is_put_off_and_the_next_is_booked(database: Database) -> None:
    """Given an answer that ends in an error of any kind, when what is due is asked about, then that one is asked again
    later, only the kind of the error is kept, and the payment behind it is booked."""
    notice(database, "odd")
    notice(database)
    work = asking(database, Failing(KeyError("ana@example.com")))

    asked = [await work.ask_due(NOW), await work.ask_due(NOW), await work.ask_due(NOW + timedelta(days=1))]

    assert standing(database) is True
    assert asked == [2, 0, 1]
    with database.reading() as session:
        odd = inquiries.find(session, "mercadopago", "odd")
        assert odd is not None
        assert (odd.status, odd.tries) == ("KeyError", 2)
        assert odd.next_at is not None


async def test_one_that_fails_for_days_is_left_to_a_person(database: Database) -> None:
    notice(database, "odd")
    work = asking(database, Failing(KeyError()))

    for day in range(60):
        await work.ask_due(NOW + timedelta(days=day))

    assert told_people(database) == [{"kind": "notice", "reference": "odd"}]


async def test_what_is_cancelled_while_it_asks_is_cancelled(lite: Database) -> None:
    notice(lite, "odd")

    with pytest.raises(asyncio.CancelledError):
        await asking(lite, Failing(asyncio.CancelledError())).ask_due(NOW)


async def test_a_payment_of_nothing_is_settled_without_being_booked(database: Database) -> None:
    """Given a card that was only checked, which a gateway calls paid with nothing, then it is asked about no more and
    no payment is kept."""
    notice(database)
    lookup = Lookup(PaymentState.PAID)
    lookup.amount_minor = 0
    work = asking(database, lookup)

    asked = [await work.ask_due(NOW), await work.ask_due(NOW + timedelta(days=1))]

    assert asked == [1, 0]
    assert standing(database) is None
    assert told_people(database) == []


async def test_a_payment_of_ours_that_was_given_back_to_nothing_is_taken_back(database: Database) -> None:
    ask_for_l1(database)
    lookup = Lookup(PaymentState.PAID, PaymentState.TAKEN_BACK)
    work = asking(database, lookup)
    notice(database)
    await work.ask_due(NOW)

    lookup.amount_minor = 0
    notice(database)
    await work.ask_due(NOW)

    assert standing(database) is False
