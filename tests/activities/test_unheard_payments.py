"""What was paid through a link and no webhook told us of is asked for before anybody is written to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from activities.found_payments import keep_payment
from domain.events.contacts import ContactOutcome
from domain.money import Money
from providers.ports import PaymentReport, PaymentState
from records import links, loans, payments, webhooks
from records.tables import LinkState, PaymentSource, Webhook
from tests.activities.outside import TUESDAY, Desk, enter_loan, offer, person_of, remind, texts_to
from tests.records.portfolios import LENDER
from tests.sandbox.running import World


def pay_unheard(desk: Desk, world: World, loan_id: str) -> dict[str, Any]:
    """The borrower presses the button of the link's page, and no webhook comes."""
    with desk.database.reading() as session:
        [link] = links.open_links(session, loans.get(session, LENDER, loan_id))
    assert world.http.post(f"/pay/{link.provider_link_id}").status_code == 200
    [paid] = [entry for entry in world.entries("payment") if entry["link_id"] == link.provider_link_id]
    return paid


LATER = TUESDAY + timedelta(days=2)


async def linked(desk: Desk) -> tuple[str, str]:
    """A loan that was sent a link over the whole balance of 100.00 EUR, and its phone."""
    loan_id = enter_loan(desk.database)
    await desk.contact(offer(loan_id))
    return loan_id, person_of(desk.database, loan_id)[0]


async def test_who_has_paid_through_the_link_is_not_reminded_although_no_webhook_came(both: Desk, world: World) -> None:
    loan_id, phone = await linked(both)
    paid = pay_unheard(both, world, loan_id)

    report = await both.contact(remind(loan_id), LATER)

    assert report.outcome is ContactOutcome.NOT_WANTED
    assert len(texts_to(world, phone)) == 1
    with both.database.reading() as session:
        loan = loans.get(session, LENDER, loan_id)
        assert payments.balance_due(session, loan) == 0
        assert links.open_links(session, loan) == []
        kept = payments.find(session, "stripe", paid["payment_id"])
        assert kept is not None
        assert kept.amount_minor == paid["amount_minor"]


async def test_the_loan_is_owed_the_news_like_a_webhooks(both: Desk, world: World) -> None:
    loan_id, _ = await linked(both)
    paid = pay_unheard(both, world, loan_id)

    await both.contact(remind(loan_id), LATER)
    await both.contact(remind(loan_id, occurrence=2), LATER + timedelta(hours=1))

    with both.database.reading() as session:
        owed = [row for row in session.exec(select(Webhook)).all() if row.event_key == f"asked:{paid['payment_id']}"]
        assert [row.id for row in owed] == [each for each, _ in webhooks.unsignalled(session, TUESDAY)]
    [signal] = owed[0].signals
    assert (signal["name"], signal["loan_id"], signal["restart"]) == ("payment_received", loan_id, True)
    assert signal["payload"]["payment_id"] == paid["payment_id"]


async def test_nobody_is_written_to_while_the_gateway_cannot_be_asked(desk: Desk, world: World) -> None:
    loan_id, phone = await linked(desk)
    world.fault("stripe", "500", count=10)

    put_off = await desk.refused(remind(loan_id), LATER)

    assert put_off.next_retry_delay is not None
    assert len(texts_to(world, phone)) == 1


async def test_without_an_open_link_the_gateway_is_not_asked(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    world.fault("stripe", "500", count=10)

    assert (await desk.contact(remind(loan_id))).outcome is ContactOutcome.SENT


async def test_a_link_the_gateway_does_not_know_holds_nobody_up(desk: Desk, world: World) -> None:
    loan_id, _ = await linked(desk)
    with desk.database.writing() as session:
        [link] = links.open_links(session, loans.get(session, LENDER, loan_id))
        link.provider_link_id = "plink_of_another_account"
        session.add(link)
        assert link.state is LinkState.ACTIVE

    assert (await desk.contact(remind(loan_id), LATER)).outcome is ContactOutcome.SENT


def came_in(desk: Desk, key: str) -> int:
    """A webhook that was proven and stored, and that nobody has read yet."""
    with desk.database.writing() as session:
        return webhooks.store(
            session,
            provider="stripe",
            event_key=key,
            url="http://web/webhooks/stripe",
            body=b"{}",
            headers={},
            received_at=TUESDAY,
            due_at=TUESDAY,
            verified=True,
        ).id


def read(desk: Desk, webhook: int) -> None:
    with desk.database.writing() as session:
        webhooks.mark_recorded(session, webhook, TUESDAY, outcome="payment", signals=[])


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Awaitable[None]]:
    """Wait until contacts have looked so often for news that nobody has read."""
    looked = 0
    unheard = webhooks.unheard

    def counted(session: Session) -> Any:
        nonlocal looked
        found = unheard(session)
        looked += 1
        return found

    async def so_often(times: int) -> None:
        while looked < times:
            await asyncio.sleep(0.01)

    monkeypatch.setattr(webhooks, "unheard", counted)
    return so_often


async def test_nobody_is_written_to_before_the_news_that_came_in_is_read(
    both: Desk, world: World, looks: Callable[[int], Awaitable[None]]
) -> None:
    """Given a webhook that tells of a payment in full, stored but not read; the contact waits, and is not wanted."""
    loan_id = enter_loan(both.database)
    phone, _ = person_of(both.database, loan_id)
    webhook = came_in(both, f"unread-{loan_id}")

    contact = asyncio.create_task(both.contact(remind(loan_id)))
    await looks(2)
    waiting = not contact.done()
    with both.database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        payments.record(
            session,
            provider="stripe",
            payment_id=f"p-{loan_id}",
            lender=LENDER,
            loan_id=loan_id,
            amount_minor=payments.balance_due(session, loan),
            currency=loan.currency,
            paid_at=TUESDAY,
            received_at=TUESDAY,
            source=PaymentSource.WEBHOOK,
        )
    read(both, webhook)
    report = await contact

    assert waiting
    assert report.outcome is ContactOutcome.NOT_WANTED
    assert texts_to(world, phone) == []


async def test_news_that_never_ends_holds_nobody_up(
    both: Desk, world: World, looks: Callable[[int], Awaitable[None]]
) -> None:
    """Given that by the time what was there is read, something else has come in: the contact goes."""
    loan_id = enter_loan(both.database)
    first = came_in(both, f"first-{loan_id}")

    contact = asyncio.create_task(both.contact(remind(loan_id)))
    await looks(1)
    second = came_in(both, f"second-{loan_id}")
    read(both, first)
    report = await contact
    read(both, second)

    assert report.outcome is ContactOutcome.SENT


async def test_news_that_cannot_be_read_is_told_and_the_contact_asks_again(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.contacts.HEAR_WITHIN", 0.2)
    loan_id = enter_loan(desk.database)
    webhook = came_in(desk, f"stuck-{loan_id}")

    put_off = await desk.refused(remind(loan_id))
    failed(desk, webhook, 1)
    after_one_failure = await desk.refused(remind(loan_id))
    failed(desk, webhook, webhooks.GIVEN_UP_AT - 1)
    report = await desk.contact(remind(loan_id))
    read(desk, webhook)

    assert put_off.type == after_one_failure.type == "UnheardNews"
    assert report.outcome is ContactOutcome.SENT


def failed(desk: Desk, webhook: int, times: int) -> None:
    with desk.database.writing() as session:
        for _ in range(times):
            webhooks.mark_failed(session, webhook, error="KeyError", next_try_at=TUESDAY + timedelta(hours=1))


def test_a_payment_found_after_word_of_its_reversal_is_told_with_it(desk: Desk) -> None:
    """Given a reversal that came before its payment, when the payment is found by asking, then the loan is owed both:
    in the records it is still due."""
    loan_id = enter_loan(desk.database)
    money = Money(amount_minor=2_500, currency="EUR")
    found = PaymentReport(payment_id=f"pi-{loan_id}", state=PaymentState.PAID, amount=money, paid_at=TUESDAY)
    with desk.database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        due = payments.balance_due(session, loan)
        payments.reverse(session, provider="stripe", payment_id=found.payment_id, at=TUESDAY)
        keep_payment(session, "stripe", found, loan, None, TUESDAY, actor="stripe")
        still_due = payments.balance_due(session, loan)
        rows = session.exec(select(Webhook).where(col(Webhook.event_key).startswith(f"asked:{found.payment_id}"))).all()
        owed = [signal["name"] for row in rows for signal in row.signals]

    assert owed == ["payment_received", "payment_reversed"]
    assert still_due == due
