"""What fails is told in Temporal, in logs and metrics: nothing there may say who the borrower is."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, DefaultPayloadConverter

from activities.orders import WatchOrder
from config.bank_data_settings import Bank
from config.messaging_settings import Smtp, SmtpSecurity, Twilio
from config.payment_settings import Stripe
from domain.contact import Channel
from domain.strategy import WholeThreshold
from records import loans
from records.database import Database
from tests.activities.outside import (
    TUESDAY,
    Desk,
    Dies,
    desk_for,
    enter_loan,
    fresh,
    mails_to,
    nowhere,
    offer,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.records.portfolios import LENDER
from tests.sandbox.running import ACCOUNT, SENDER, World

NAME = "Ximena Zubizarreta"
ACCOUNT_NUMBER = "acc-ES9121000418450200051332"
CONSENT = "con-of-ximena-0001"


class Ears:
    """Everything that was raised or logged, as Temporal and a log file would keep it."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self._raised: list[str] = []
        self.failures = 0
        caplog.set_level(logging.DEBUG)

    async def hear(self, work: Awaitable[Any]) -> None:
        try:
            await work
        except Exception as error:
            self.failures += 1
            failure = Failure()
            DefaultFailureConverter().to_failure(error, DefaultPayloadConverter(), failure)
            self._raised += [str(failure), repr(error), "".join(traceback.format_exception(error))]

    def heard(self) -> str:
        formatter = logging.Formatter("%(message)s")
        return "\n".join([*self._raised, *(formatter.format(record) for record in self._caplog.records)])


def secrets(phone: str, email: str, *said: str) -> list[str]:
    plain = [NAME, "Ximena", "Zubizarreta", phone, phone.lstrip("+"), email, email.split("@")[0], ACCOUNT_NUMBER]
    return [*plain, *(quote(one, safe="") for one in (phone, email)), CONSENT, *said]


@pytest.fixture
def ears(caplog: pytest.LogCaptureFixture) -> Ears:
    return Ears(caplog)


def someone(database: Database, **changes: Any) -> str:
    given = fresh(name=NAME, email=f"ximena.z{fresh()['loan_id']}@mail.example", **changes)
    return enter_loan(database, **given)


@pytest.mark.parametrize("kind", ["lost_answer", "500", "429", "drop"])
@pytest.mark.parametrize("service", ["twilio", "smtp", "stripe"])
async def test_a_provider_in_trouble(desk: Desk, world: World, ears: Ears, service: str, kind: str) -> None:
    loan_id = someone(desk.database)
    phone, email = person_of(desk.database, loan_id)
    channels = (Channel.EMAIL,) if service == "smtp" else (Channel.SMS,)
    order = (offer if service == "stripe" else remind)(loan_id, channels=channels)
    world.fault(service, kind, count=1)

    await ears.hear(desk.contact(order))
    await ears.hear(desk.contact(order, TUESDAY + timedelta(minutes=1), attempt=2))
    await ears.hear(desk.contact(order, TUESDAY + timedelta(minutes=5), attempt=3))

    sent = texts_to(world, phone) + mails_to(world, email)
    said = ears.heard()
    assert len(sent) == 1 or (service, kind) == ("smtp", "500")
    bodies = [(one.get("body") or one["text"])[:40] for one in sent]
    assert [secret for secret in secrets(phone, email, *bodies) if secret in said] == []
    assert said


async def test_dead_addresses(desk: Desk, world: World, ears: Ears) -> None:
    loan_id = someone(desk.database, phone="+34633")
    _, email = person_of(desk.database, loan_id)

    await ears.hear(desk.contact(remind(loan_id)))
    await ears.hear(desk.contact(remind(loan_id, occurrence=2), TUESDAY + timedelta(hours=1)))

    assert [secret for secret in secrets("+34633", email) if secret in ears.heard()] == []


async def test_nobody_at_the_providers_addresses(lite: Database, world: World, ears: Ears) -> None:
    away = nowhere()
    gone = settings_for(
        world,
        twilio=Twilio(base_url=away, account_sid=ACCOUNT, auth_token="t0ken", sender=SENDER),
        stripe=Stripe(base_url=away, api_key="sk_s3cret", webhook_secret="wh"),
        bank=Bank(base_url=away),
        smtp=Smtp(
            host="127.0.0.1",
            port=int(away.rsplit(":", 1)[1]),
            security=SmtpSecurity.NONE,
            from_address="a@credialba.example",
        ),
    )
    loan_id = someone(lite, bank_consent=CONSENT, bank_account=ACCOUNT_NUMBER, consent_valid_until=date(2026, 12, 31))
    phone, email = person_of(lite, loan_id)
    async with desk_for(lite, gone) as desk:
        for channel in (Channel.SMS, Channel.EMAIL):
            await ears.hear(desk.contact(remind(loan_id, step=channel, channels=(channel,))))
        await ears.hear(desk.contact(offer(loan_id)))
        await ears.hear(desk.watch(watching(loan_id)))

    said = ears.heard()
    assert ears.failures == 4
    assert [secret for secret in [*secrets(phone, email), "t0ken", "sk_s3cret"] if secret in said] == []


def watching(loan_id: str) -> WatchOrder:
    return WatchOrder(lender=LENDER, loan_id=loan_id, threshold=WholeThreshold(), reads_per_day=4, not_before=None)


@pytest.mark.parametrize("kind", ["lost_answer", "500", "429", "none"])
async def test_a_bank_in_trouble(desk: Desk, world: World, ears: Ears, kind: str) -> None:
    loan_id = someone(
        desk.database, bank_consent=CONSENT, bank_account=ACCOUNT_NUMBER, consent_valid_until=date(2026, 12, 31)
    )
    phone, email = person_of(desk.database, loan_id)
    if kind != "none":
        world.fault("bank", kind, count=1)

    await ears.hear(desk.watch(watching(loan_id)))
    await ears.hear(desk.watch(watching(loan_id), TUESDAY + timedelta(days=2), attempt=2))

    assert [secret for secret in secrets(phone, email) if secret in ears.heard()] == []


@pytest.mark.parametrize("order", [{"template": "no-such"}, {"template": "payment_link"}])
@pytest.mark.parametrize("loan", [{}, {"language": "fr"}, {"name": NAME * 20}])
async def test_a_message_that_cannot_be_written(
    desk: Desk, world: World, ears: Ears, order: dict[str, str], loan: dict[str, str]
) -> None:
    given = {"name": NAME, **loan}
    loan_id = enter_loan(desk.database, **fresh(**given))
    phone, email = person_of(desk.database, loan_id)

    await ears.hear(desk.contact(remind(loan_id, **order)))

    assert ears.failures == 1
    assert [secret for secret in secrets(phone, email) if secret in ears.heard()] == []
    assert NAME not in str(desk.audit(loan_id, "message_not_written"))


async def test_a_database_that_refuses_the_contact(both: Desk, world: World, ears: Ears) -> None:
    """Its parameters hold the address and the text; PostgreSQL's details would repeat the row."""
    loan_id = someone(both.database)
    phone, email = person_of(both.database, loan_id)
    with both.database.writing() as session:
        if both.database.embedded:
            session.execute(
                text("CREATE TRIGGER no BEFORE INSERT ON contact BEGIN SELECT RAISE(ABORT, 'refused'); END")
            )
        else:
            session.execute(text("ALTER TABLE contact ADD CONSTRAINT no CHECK (template = 'never')"))
        session.commit()

    await ears.hear(both.contact(remind(loan_id)))

    said = ears.heard()
    assert ears.failures == 1
    assert "IntegrityError" in said or "refused" in said
    assert [secret for secret in secrets(phone, email, "Credialba: tu cuenta") if secret in said] == []
    assert texts_to(world, phone) == []


async def test_a_worker_that_breaks_while_it_sends(lite: Database, world: World, ears: Ears) -> None:
    loan_id = someone(lite)
    phone, email = person_of(lite, loan_id)
    breaking = desk_for(
        lite, settings_for(world), messengers=lambda real: {name: Dies(each, "after") for name, each in real.items()}
    )
    async with breaking as desk:
        await ears.hear(desk.contact(remind(loan_id)))
        await ears.hear(desk.contact(remind(loan_id), TUESDAY + timedelta(minutes=2), attempt=2))

    assert ears.failures == 1
    assert [secret for secret in secrets(phone, email, "Credialba: tu cuenta") if secret in ears.heard()] == []


async def test_a_loan_nobody_knows(desk: Desk, ears: Ears) -> None:
    await ears.hear(desk.contact(remind("L-unknown")))

    assert ears.failures == 1
    assert loans.UnknownLoan.__name__ in ears.heard()
