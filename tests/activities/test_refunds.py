"""Refunds at every gateway of the sandbox: given back once, whatever is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import Session, select

from activities.composition import connect_gateways
from activities.gateways import Gateways
from activities.links import LinkIssuer
from activities.refunds import Refunds
from domain.gateway_choice import Offer
from domain.money import Money
from domain.webhook_news import PartRefundNews
from domain.what_next import Effect, Reaction, WhatNext
from providers import ports
from providers.errors import ProviderError
from providers.webhooks import stripe
from records import audit, cases, loans, payments, refunds
from records.database import Database
from records.tables import CaseState, Payment, PaymentSource, RefundState, RefundTask, RefundWay, Webhook
from tests.activities.outside import TUESDAY, enter_loan
from tests.activities.test_ways_to_pay import HEADERS, settings_of
from tests.records.portfolios import LENDER
from tests.sandbox.running import World
from web.news import record_news

GATEWAYS = ["stripe", "mercadopago", "conekta"]
EXCESS = 2_500


def book(database: Database, loan_id: str, provider: str, payment_id: str, minor: int, currency: str) -> Payment:
    with database.writing() as session:
        recorded = payments.record(
            session,
            provider=provider,
            payment_id=payment_id,
            lender=LENDER,
            loan_id=loan_id,
            amount_minor=minor,
            currency=currency,
            paid_at=TUESDAY,
            received_at=TUESDAY,
            source=PaymentSource.RECORD,
        )
        return recorded.payment


class LosesTheFirstAnswer(httpx.AsyncHTTPTransport):
    """The gateway gives money back, and its first answer to that never arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if not self.lost and request.method == "POST" and request.url.path.endswith("/refunds"):
            self.lost = True
            await answer.aclose()
            raise httpx.ReadTimeout("lost", request=request)
        return answer


@asynccontextmanager
async def paid_too_much(
    database: Database, world: World, name: str, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[tuple[Refunds, str, int]]:
    """A loan of 100.00 paid through a link after 25.00 had come another way; an approved refund of those."""
    where = {} if name == "stripe" else {"country": "MX", "currency": "MXN", "timezone": "America/Mexico_City"}
    loan_id = enter_loan(database, **where)
    currency = where.get("currency", "EUR")
    async with httpx.AsyncClient(trust_env=False, transport=transport) as client:
        gateways = connect_gateways(settings_of(world, first=name), client)
        link = await LinkIssuer(database, gateways).link_for_balance(LENDER, loan_id, TUESDAY)
        world.http.post("/" + link.url.split("/", 3)[3], headers=HEADERS)
        payment_id = world.entries("payment")[-1]["payment_id"]
        book(database, loan_id, "bank", f"b-{loan_id}", EXCESS, currency)
        payment = book(database, loan_id, name, payment_id, 10_000, currency)
        yield Refunds(database, gateways), payment_id, approved(database, loan_id, payment)


def book_again(session: Session, number: int) -> None:
    """More money for the same loan, so that so much is still paid beyond what is due."""
    task = session.get_one(RefundTask, number)
    loan = loans.by_ref(session, task.loan_ref)
    payments.record(
        session,
        provider="bank",
        payment_id=f"b2-{loan.loan_id}",
        lender=LENDER,
        loan_id=loan.loan_id,
        amount_minor=EXCESS,
        currency=loan.currency,
        paid_at=TUESDAY,
        received_at=TUESDAY,
        source=PaymentSource.RECORD,
    )


def approved(
    database: Database, loan_id: str, payment: Payment, way: RefundWay = RefundWay.GATEWAY, *, case_id: str = ""
) -> int:
    with database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        case = cases.open(
            session,
            loan,
            case_id=case_id or f"c-{loan_id}",
            queue="q",
            kind="refund",
            at=TUESDAY,
            sla_at=None,
            amount_minor=EXCESS,
        )
        task = refunds.propose(session, case, payment, amount_minor=EXCESS, way=way, by="marta", at=TUESDAY)
        refunds.decide(session, task, approved=True, by="luis", at=TUESDAY)
        assert task.id is not None
        return task.id


def given_back(world: World, payment_id: str) -> list[int]:
    return [entry["amount_minor"] for entry in world.entries("refund") if entry["payment_id"] == payment_id]


def state_of(database: Database, number: int) -> RefundState:
    with database.reading() as session:
        return session.get_one(RefundTask, number).state


@pytest.mark.parametrize("name", GATEWAYS)
async def test_an_approved_refund_is_given_back_at_its_gateway_and_the_books_are_even(
    lite: Database, world: World, name: str
) -> None:
    async with paid_too_much(lite, world, name) as (work, payment_id, number):
        first, again = await work.carry_out(number, TUESDAY), await work.carry_out(number, TUESDAY)

    assert (first.done, again.done) == (True, True)
    assert given_back(world, payment_id) == [EXCESS]
    with lite.reading() as session:
        task = session.get_one(RefundTask, number)
        loan = loans.by_ref(session, task.loan_ref)
        assert payments.balance_due(session, loan) == 0
        lines = [row.action for row in audit.of_loan(session, LENDER, loan.loan_id) if row.action.startswith("refund")]
        assert lines == ["refund_proposed", "refund_approved", "refund_done"]
        owed = [one for row in session.exec(select(Webhook)).all() for one in row.signals]
        [signal] = [one for one in owed if one["name"] == "payment_refunded"]
        assert signal["payload"] == {"payment_id": payment_id, "provider": name, "refunded_minor": EXCESS, "entry": 1}


@pytest.mark.parametrize("name", GATEWAYS)
async def test_an_answer_lost_after_the_money_went_back_gives_nothing_back_twice(
    lite: Database, world: World, name: str
) -> None:
    async with paid_too_much(lite, world, name, LosesTheFirstAnswer()) as (work, payment_id, number):
        lost = await work.carry_out(number, TUESDAY)
        first_state = state_of(lite, number)
        done = await work.carry_out(number, TUESDAY)

    assert (lost.done, lost.again, first_state) == (False, True, RefundState.APPROVED)
    assert done.done
    assert given_back(world, payment_id) == [EXCESS]


def in_conektas_panel(world: World, payment_id: str) -> None:
    """The order is given back in part, by whoever has the account."""
    body = {"amount": EXCESS, "reason": "requested_by_client"}
    done = world.http.post(f"/orders/{payment_id}/refunds", json=body, headers={"Authorization": "Bearer x"})
    assert done.status_code == 200


@pytest.mark.parametrize("name", GATEWAYS)
async def test_what_somebody_gave_back_on_the_gateways_own_page_is_not_given_back_again(
    lite: Database, world: World, name: str
) -> None:
    """Given that it is booked then as the lender's own, the payment's next refund is made."""
    async with paid_too_much(lite, world, name) as (work, payment_id, number):
        await by_another_hand(work, name, payment_id)

        told, again = await work.carry_out(number, TUESDAY), await work.carry_out(number, TUESDAY)

        assert (told.done, told.again, again.done) == (False, False, False)
        assert "25.00" in told.why
        assert "0.00 is known here: look there" in told.why
        assert given_back(world, payment_id) == [EXCESS]
        with lite.reading() as session:
            task = session.get_one(RefundTask, number)
            loan_id, payment = loans.by_ref(session, task.loan_ref).loan_id, session.get_one(Payment, task.payment_ref)
        booked = approved(lite, loan_id, payment, RefundWay.TRANSFER)
        work.told_paid(booked, "by hand", TUESDAY)
        with lite.writing() as session:
            book_again(session, number)
            cases.close(session, f"c-{loan_id}", CaseState.RETRACTED, at=TUESDAY)
        next_one = approved(lite, loan_id, payment, case_id=f"c2-{loan_id}")

        assert (await work.carry_out(next_one, TUESDAY)).done
    assert given_back(world, payment_id) == [EXCESS, EXCESS]


async def by_another_hand(work: Refunds, name: str, payment_id: str) -> None:
    gateway = work._gateways.of(name, "EUR" if name == "stripe" else "MXN")
    assert gateway is not None
    amount = Money(amount_minor=EXCESS, currency="EUR" if name == "stripe" else "MXN")
    await gateway.refund(
        ports.RefundRequest(idempotency_key="another", payment_id=payment_id, amount=amount, at=TUESDAY)
    )


@pytest.mark.parametrize("name", ["stripe", "mercadopago"])
async def test_a_gateway_is_asked_again_the_day_after_when_it_has_forgotten_the_key_and_gives_back_once(
    lite: Database, world: World, name: str
) -> None:
    """Given an answer lost on Tuesday, when it is tried again on Thursday, then the refund is found, not made anew."""
    async with paid_too_much(lite, world, name, LosesTheFirstAnswer()) as (work, payment_id, number):
        await work.carry_out(number, TUESDAY)

        done = await work.carry_out(number, TUESDAY + timedelta(days=2))

    assert done.done
    assert given_back(world, payment_id) == [EXCESS]


@pytest.mark.parametrize("given_back_elsewhere", [0, EXCESS])
async def test_conekta_gives_back_once_whatever_was_given_back_in_another_way_before(
    lite: Database, world: World, given_back_elsewhere: int
) -> None:
    """Given money of the order that went back by the lender's transfer, or in Conekta's panel and is booked, when an
    answer is lost, then the refund is neither made twice nor taken for the other."""
    async with paid_too_much(lite, world, "conekta", LosesTheFirstAnswer()) as (work, payment_id, number):
        if given_back_elsewhere:
            in_conektas_panel(world, payment_id)
        with lite.writing() as session:
            payment = session.get_one(Payment, session.get_one(RefundTask, number).payment_ref)
            payment.refunded_minor = EXCESS
            session.add(payment)
            book_again(session, number)
        elsewhere = given_back(world, payment_id)
        lost = await work.carry_out(number, TUESDAY)

        done = await work.carry_out(number, TUESDAY + timedelta(days=1))

    assert (lost.done, done.done) == (False, True)
    assert given_back(world, payment_id) == [*elsewhere, EXCESS]


async def test_a_refund_asked_for_before_conektas_sums_were_kept_is_left_to_a_person_where_it_cannot_be_told(
    lite: Database, world: World
) -> None:
    async with paid_too_much(lite, world, "conekta") as (work, payment_id, number):
        in_conektas_panel(world, payment_id)
        with lite.writing() as session:
            refunds.note_asked(session, refunds.get(session, number), None)

        told = await work.carry_out(number, TUESDAY)

    assert (told.done, told.again, state_of(lite, number)) == (False, True, RefundState.APPROVED)
    assert "may be this refund, or another" in told.why
    assert given_back(world, payment_id) == [EXCESS]


async def test_conekta_gives_nothing_back_twice_although_it_would(lite: Database, world: World) -> None:
    async with paid_too_much(lite, world, "conekta") as (work, payment_id, number):
        with lite.writing() as session:
            refunds.note_asked(session, refunds.get(session, number), 0)
        in_conektas_panel(world, payment_id)  # what an attempt did whose answer was lost

        assert (await work.carry_out(number, TUESDAY)).done

    assert given_back(world, payment_id) == [EXCESS]


async def test_what_the_gateway_refuses_may_be_proposed_anew_by_transfer(lite: Database, world: World) -> None:
    async with paid_too_much(lite, world, "stripe") as (work, payment_id, number):
        with lite.writing() as session:
            task = session.get_one(RefundTask, number)
            payment = session.get_one(Payment, task.payment_ref)
            payment.payment_id = "pi_of_another_account"
            session.add(payment)

        refused = await work.carry_out(number, TUESDAY)

        assert (refused.done, refused.again, state_of(lite, number)) == (False, False, RefundState.FAILED)
        with lite.reading() as session:
            task = session.get_one(RefundTask, number)
            loan_id, payment = loans.by_ref(session, task.loan_ref).loan_id, session.get_one(Payment, task.payment_ref)
        second = approved(lite, loan_id, payment, RefundWay.TRANSFER)
        waiting = await work.carry_out(second, TUESDAY)
        work.told_paid(second, "TR-1", TUESDAY)

    assert "refund paid" in waiting.why
    assert state_of(lite, second) is RefundState.DONE
    assert given_back(world, payment_id) == []


async def test_stripes_word_of_our_own_part_refund_alarms_nobody_and_that_of_anothers_does(
    lite: Database, world: World
) -> None:
    async with paid_too_much(lite, world, "stripe") as (work, payment_id, number):
        await work.carry_out(number, TUESDAY)
    world.advance("-", (TUESDAY + timedelta(hours=1)).isoformat())
    [posted] = [p for p in world.listener.at("/stripe") if '"charge.refunded"' in p.body.decode()][-1:]
    news = stripe.parse(posted.body)
    assert news == (PartRefundNews(payment_id=payment_id, provider="stripe", refunded_minor=EXCESS),)

    with lite.writing() as session:
        ours = record_news(session, news, TUESDAY)
        more = news[0].model_copy(update={"refunded_minor": EXCESS + 1})
        others = record_news(session, [more], TUESDAY)
        early = record_news(session, [more.model_copy(update={"payment_id": "pi_told_later"})], TUESDAY)
        shop = payments.find(session, "stripe", payment_id)
        assert shop is not None
        shop.loan_ref = None
        elsewhere = record_news(session, [more], TUESDAY)

    assert (ours.outcome, others.outcome) == ("refund_known", "refund_of_others")
    assert early.outcome == "refund_of_others", "its payment may be told of after it"
    assert elsewhere.outcome == "refund_of_no_loan", "the account is shared with another business"
    with lite.reading() as session:
        told, unknown = audit.of_action(session, "webhook_needs_person")
        assert (unknown.loan_id, unknown.details["reference"]) == (None, "pi_told_later")
        assert told.details == {"kind": "refund:partial", "reference": payment_id}
        loan = loans.by_ref(session, refunds.get(session, number).loan_ref)
        assert (told.lender, told.loan_id) == (loan.lender, loan.loan_id)


def test_a_case_has_one_refund_at_a_time(lite: Database) -> None:
    loan_id = enter_loan(lite)
    payment = book(lite, loan_id, "stripe", f"pi-{loan_id}", 12_500, "EUR")
    number = approved(lite, loan_id, payment)

    with lite.writing() as session:
        case: Any = cases.get(session, f"c-{loan_id}")
        with pytest.raises(refunds.RefundMoved, match=f"refund {number} of this case is approved"):
            refunds.propose(session, case, payment, amount_minor=1, way=RefundWay.TRANSFER, by="marta", at=TUESDAY)


class Till:
    """A gateway that answers as it is told, fails with that effect, or refuses for good."""

    name = "stripe"

    def __init__(self, *answers: ports.RefundState | Effect | WhatNext) -> None:
        self._answers = list(answers)
        self.asked: list[int] = []

    async def refund(self, request: ports.RefundRequest) -> ports.Refund:
        self.asked.append(request.amount.amount_minor)
        answer = self._answers.pop(0)
        if isinstance(answer, Effect):
            raise ProviderError("stripe", "away", Reaction(what_next=WhatNext.RETRY, meaning="away", effect=answer))
        if isinstance(answer, WhatNext):
            raise ProviderError("stripe", "charge_already_refunded", Reaction(what_next=answer, meaning="refused"))
        return ports.Refund(id="re_1", state=answer)


def at_the_till(database: Database, *answers: ports.RefundState | Effect | WhatNext) -> tuple[Refunds, Till]:
    till = Till(*answers)
    gateways: Any = ((Offer(name="stripe"), till),)
    return Refunds(database, Gateways(known=gateways)), till


def overpaid(database: Database, way: RefundWay = RefundWay.GATEWAY) -> tuple[str, int]:
    """100.00 due; 100.00 and then 25.00 paid; the 25.00 are to be given back."""
    loan_id = enter_loan(database)
    book(database, loan_id, "stripe", f"pi-1-{loan_id}", 10_000, "EUR")
    too_much = book(database, loan_id, "stripe", f"pi-2-{loan_id}", EXCESS, "EUR")
    return loan_id, approved(database, loan_id, too_much, way)


def happens(database: Database, loan_id: str, what: str) -> None:
    with database.writing() as session:
        if what == "its case is retracted":
            cases.close(session, f"c-{loan_id}", CaseState.RETRACTED, at=TUESDAY)
        else:
            payment_id = {"the debt's payment is charged back": "pi-1", "the payment itself is charged back": "pi-2"}
            payments.reverse(session, provider="stripe", payment_id=f"{payment_id[what]}-{loan_id}", at=TUESDAY)


def told_of(database: Database, number: int) -> tuple[RefundState, str | None]:
    with database.reading() as session:
        task = session.get_one(RefundTask, number)
        return task.state, task.why


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("the debt's payment is charged back", "so much is no longer paid beyond what is due"),
        ("the payment itself is charged back", "the payment was taken back meanwhile"),
        ("its case is retracted", "its case was closed meanwhile"),
    ],
)
async def test_what_an_approved_refund_rested_on_is_looked_at_again_before_the_money_goes(
    database: Database, what: str, why: str
) -> None:
    loan_id, number = overpaid(database)
    work, till = at_the_till(database, Effect.NONE, ports.RefundState.DONE)
    away = await work.carry_out(number, TUESDAY)
    happens(database, loan_id, what)

    next_morning = await work.carry_out(number, TUESDAY + timedelta(days=1))

    assert (away.done, away.again) == (False, True)
    assert (next_morning.done, next_morning.again, next_morning.why) == (False, False, why)
    assert till.asked == [EXCESS]
    assert told_of(database, number) == (RefundState.FAILED, why)


async def test_a_refund_that_may_have_gone_back_before_the_chargeback_says_where_to_look(database: Database) -> None:
    loan_id, number = overpaid(database)
    work, till = at_the_till(database, Effect.UNKNOWN, Effect.NONE)
    for _ in range(2):
        await work.carry_out(number, TUESDAY)
    happens(database, loan_id, "the debt's payment is charged back")

    given_up = await work.carry_out(number, TUESDAY)

    assert "its answer was lost: look there whether the money went back" in given_up.why
    assert till.asked == [EXCESS, EXCESS]


async def test_a_refund_whose_answer_was_lost_is_done_when_it_is_heard_after_all(database: Database) -> None:
    loan_id, number = overpaid(database)
    work, _ = at_the_till(database, Effect.UNKNOWN, ports.RefundState.DONE)
    await work.carry_out(number, TUESDAY)

    done = await work.carry_out(number, TUESDAY)

    assert done.done
    assert told_of(database, number) == (RefundState.DONE, None)
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, loan_id)) == 0


@pytest.mark.parametrize(("lost_before", "doubtful"), [(True, True), (False, False)])
async def test_what_is_refused_after_a_lost_answer_says_to_look_before_it_is_proposed_anew(
    database: Database, lost_before: bool, doubtful: bool
) -> None:
    loan_id, number = overpaid(database)
    answers = (Effect.UNKNOWN, WhatNext.TERMINAL) if lost_before else (WhatNext.TERMINAL,)
    work, _ = at_the_till(database, *answers)
    for _ in answers:
        told = await work.carry_out(number, TUESDAY)

    state, why = told_of(database, number)
    with database.reading() as session:
        in_doubt = refunds.left_in_doubt(session, f"c-{loan_id}")
    assert (told.again, state) == (False, RefundState.FAILED)
    assert ("look there whether the money went back" in (why or "")) is doubtful
    assert (in_doubt is not None) is doubtful


async def test_a_transfer_that_rests_on_nothing_is_not_awaited_and_counts_if_it_was_made_all_the_same(
    database: Database,
) -> None:
    loan_id, number = overpaid(database, RefundWay.TRANSFER)
    work, _ = at_the_till(database)
    happens(database, loan_id, "the debt's payment is charged back")

    given_up = await work.carry_out(number, TUESDAY)
    state, _ = told_of(database, number)
    work.told_paid(number, "TR-1", TUESDAY)

    assert (given_up.again, given_up.why) == (False, "so much is no longer paid beyond what is due")
    assert state is RefundState.FAILED
    assert told_of(database, number) == (RefundState.DONE, None)
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, loan_id)) == 10_000


class SumTill:
    """As Conekta: it knows no keys, and says of a payment how much of it was given back.

    Two look before either gives back, and the second is answered after the first has.
    """

    name = "stripe"

    def __init__(self) -> None:
        self.given, self._looks = 0, 0
        self._both_look, self._gave = asyncio.Event(), asyncio.Event()

    async def given_back(self, payment_id: str, at: datetime) -> int:
        self._looks += 1
        if self._looks == 2:
            self._both_look.set()
            await asyncio.wait_for(self._gave.wait(), 20)
        await asyncio.wait_for(self._both_look.wait(), 20)
        return self.given

    async def refund(self, request: ports.RefundRequest) -> ports.Refund:
        before = request.given_back_before_minor or 0
        if not (request.asked_before and self.given >= before + request.amount.amount_minor):
            self.given += request.amount.amount_minor
        self._gave.set()
        return ports.Refund(id="r", state=ports.RefundState.DONE)


async def test_two_hands_on_one_refund_give_it_back_once_where_the_gateway_knows_no_keys(database: Database) -> None:
    """Given the daily job beside a person, when both ask what was given back before, then one of them gives it back."""
    _, number = overpaid(database)
    till = SumTill()
    gateways: Any = ((Offer(name="stripe"), till),)
    work = Refunds(database, Gateways(known=gateways))

    told = await asyncio.gather(work.carry_out(number, TUESDAY), work.carry_out(number, TUESDAY))

    assert till.given == EXCESS
    assert sorted(one.done for one in told) == [False, True]
    assert [one.again for one in told if not one.done] == [True]
    assert state_of(database, number) is RefundState.DONE


def test_what_the_first_attempt_surely_did_not_do_is_not_forgotten_where_another_asked_meanwhile(
    lite: Database,
) -> None:
    _, number = overpaid(lite)
    with lite.writing() as session:
        task = refunds.get(session, number)
        assert refunds.note_asked(session, task, 0)
        assert not refunds.note_asked(session, task, EXCESS)
        refunds.note_asked_again(session, task)

        refunds.note_not_asked(session, task)

        assert (refunds.was_asked_for(task), task.given_back_before_minor) == (True, 0)


async def test_a_refund_whose_answer_is_lost_for_good_is_settled_by_a_person_who_looked(lite: Database) -> None:
    _, made = overpaid(lite)
    _, not_made = overpaid(lite)
    _, never_asked = overpaid(lite)
    work, _ = at_the_till(lite, Effect.UNKNOWN, Effect.UNKNOWN)
    for number in (made, not_made):
        await work.carry_out(number, TUESDAY)

    work.told_paid(made, "re_9", TUESDAY)
    with lite.writing() as session:
        refunds.not_made(session, refunds.get(session, not_made), by="marta", at=TUESDAY)

    assert told_of(lite, made) == (RefundState.DONE, None)
    assert told_of(lite, not_made) == (RefundState.FAILED, refunds.NOT_MADE)
    with lite.writing() as session:
        assert refunds.left_in_doubt(session, refunds.get(session, not_made).case_id) is None
        with pytest.raises(refunds.RefundMoved, match="no answer about it was lost"):
            refunds.not_made(session, refunds.get(session, never_asked), by="marta", at=TUESDAY)
    with pytest.raises(refunds.RefundMoved, match="is given back by its gateway"):
        work.told_paid(never_asked, "re_10", TUESDAY)


async def test_a_refund_given_up_after_a_lost_answer_counts_where_the_gateway_shows_it(lite: Database) -> None:
    loan_id, number = overpaid(lite)
    work, _ = at_the_till(lite, Effect.UNKNOWN)
    await work.carry_out(number, TUESDAY)
    happens(lite, loan_id, "the debt's payment is charged back")
    await work.carry_out(number, TUESDAY)

    work.told_paid(number, "re_9", TUESDAY)

    assert told_of(lite, number) == (RefundState.DONE, None)
