"""What a worker counts while it works, as Prometheus reads it from the worker's port."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from temporalio.common import MetricMeter

from activities.counting import count_beside_activities_on
from activities.errands import Errands
from activities.orders import WatchOrder
from config import metric_catalogue as catalogue
from config.messaging_settings import Twilio
from domain.contact import Channel
from domain.ledger_entries import EndEntry, LoanEnd
from domain.strategy import WholeThreshold
from records.database import Database
from tests.activities.outside import TUESDAY, Desk, desk_for, enter_loan, nowhere, offer, pay, remind, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import ACCOUNT, SENDER, World
from worker import measured_runtime

SUNDAY = datetime(2026, 3, 15, 9, 0, tzinfo=UTC)
NAMES_ARE_REGISTERED = datetime(2026, 9, 22, 9, 0, tzinfo=UTC)
"""A Tuesday on which Spain blocks names that are not registered as senders."""


class Port:
    def __init__(self, address: str) -> None:
        self._address = address
        self._before = self._read()

    def _read(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        with urllib.request.urlopen(self._address, timeout=10) as answer:
            text = answer.read().decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def counted(self) -> dict[tuple[str, ...], float]:
        """What was added since the test began: name and label values, those in the catalogue's order."""
        labels = {metric.name: metric.labels for metric in catalogue.ALL}
        grown = {key: value - self._before.get(key, 0) for key, value in self._read().items()}
        return {
            (name, *(dict(of)[label] for label in labels[name])): more
            for (name, of), more in grown.items()
            if name in labels and more
        }


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The port of a worker's runtime, which everything here counts on."""
    bound = nowhere().removeprefix("http://")
    host, port = bound.split(":")
    runtime = measured_runtime(host, int(port))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MetricMeter, "noop", runtime.metric_meter)
        yield f"http://{bound}/metrics"


@pytest.fixture
def port(address: str) -> Port:
    return Port(address)


async def test_messages_by_channel_and_outcome(desk: Desk, world: World, port: Port) -> None:
    await desk.contact(remind(enter_loan(desk.database)))
    await desk.contact(remind(enter_loan(desk.database), channels=(Channel.EMAIL,)))
    await desk.contact(remind(enter_loan(desk.database, phone="+34633"), channels=(Channel.SMS, Channel.EMAIL)))

    assert port.counted() == {
        ("recobro_contacts_total", "sms", "sent"): 1,
        ("recobro_contacts_total", "email", "sent"): 2,
        ("recobro_contacts_total", "sms", "address_closed"): 1,
    }


async def test_refusals_by_rule(desk: Desk, port: Port) -> None:
    loan_id = enter_loan(desk.database)

    await desk.refused(remind(loan_id), SUNDAY)
    await desk.refused(remind(loan_id), SUNDAY + timedelta(minutes=1), attempt=2)

    counted = port.counted()
    assert sum(counted.values()) >= 2
    rules = {key[1] for key in counted}
    assert rules == {rule for _, _, reasons in desk.decisions(loan_id) for rule, _ in reasons}
    assert {(key[0], key[2]) for key in counted} == {("recobro_contact_refusals_total", "not_before")}


async def test_a_contact_no_channel_is_left_for_counts_once_however_many_are_closed(desk: Desk, port: Port) -> None:
    loan_id = enter_loan(desk.database, phone=None, email=None)

    await desk.contact(remind(loan_id, channels=(Channel.SMS, Channel.EMAIL)))

    assert port.counted()["recobro_contacts_unreachable_total", "collection"] == 1


async def test_links_made_used_again_and_closed(desk: Desk, port: Port) -> None:
    loan_id = enter_loan(desk.database)

    await desk.contact(offer(loan_id))
    await desk.contact(offer(loan_id, step="again"), TUESDAY + timedelta(days=1))
    pay(desk.database, loan_id, 10_000)
    await desk.links.close_all(LENDER, loan_id, TUESDAY)
    await desk.at(TUESDAY, desk.links.close_all, LENDER, loan_id, TUESDAY)

    links = {key[1]: value for key, value in port.counted().items() if key[0] == "recobro_payment_links_total"}
    assert links["made"] == 1
    assert links["reused"] == 1


async def test_balance_reads_by_outcome(desk: Desk, world: World, port: Port) -> None:
    consent = {"bank_consent": "con-1", "bank_account": "acc-1", "consent_valid_until": date(2026, 12, 31)}
    loan_id = enter_loan(desk.database, **consent)
    order = WatchOrder(lender=LENDER, loan_id=loan_id, threshold=WholeThreshold(), reads_per_day=4, not_before=None)
    world.fault("bank", "500", count=1)

    with pytest.raises(Exception, match="bank"):
        await desk.watch(order)

    assert port.counted()["recobro_balance_reads_total", "retry"] == 1


async def test_a_provider_that_is_away_shows(lite: Database, world: World, port: Port) -> None:
    away = Twilio(base_url=nowhere(), account_sid=ACCOUNT, auth_token=SecretStr("t"), sender=SENDER)
    async with desk_for(lite, settings_for(world, twilio=away)) as desk:
        await desk.refused(remind(enter_loan(lite), channels=(Channel.SMS,)))

    assert port.counted() == {
        ("recobro_contacts_total", "sms", "given_back"): 1,
        ("recobro_provider_failures_total", "twilio", "retry"): 1,
    }


async def test_contacts_that_wait_for_an_operator_show_by_what_is_lacking(
    lite: Database, world: World, port: Port
) -> None:
    """Given a template that is not there, a carrier whose settings were lost, no gateway, and a name that is not
    registered as a sender, when contacts come to them, then each try is seen, and what it lacks."""
    settings = settings_for(world)
    assert settings.twilio is not None
    unregistered = settings.twilio.model_copy(update={"sender": "Credialba"})
    async with desk_for(lite, settings) as desk:
        for attempt in (1, 2):
            await desk.refused(remind(enter_loan(lite), template="of-the-next-version"), attempt=attempt)
    async with desk_for(lite, settings_for(world, twilio=None, smtp=None)) as desk:
        await desk.refused(remind(enter_loan(lite)))
    async with desk_for(lite, settings_for(world, stripe=None)) as desk:
        await desk.refused(offer(enter_loan(lite)))
    async with desk_for(lite, settings_for(world, twilio=unregistered)) as desk:
        await desk.refused(remind(enter_loan(lite), channels=(Channel.SMS,)), NAMES_ARE_REGISTERED)

    waits = {key[1]: value for key, value in port.counted().items() if key[0] == "recobro_operator_waits_total"}
    assert waits == {"template": 2, "carrier": 1, "gateway": 1, "sender": 1}


async def test_a_contact_that_waits_for_its_lawful_hour_waits_for_no_operator(desk: Desk, port: Port) -> None:
    await desk.refused(remind(enter_loan(desk.database)), SUNDAY)

    assert "recobro_operator_waits_total" not in {key[0] for key in port.counted()}


async def test_a_gateway_that_still_closes_no_link_shows(desk: Desk, world: World, address: str) -> None:
    """Given a link that its gateway did not close, when the worker tries it again beside its loans, then a gateway that
    fails still is seen, and so is the link that is closed at last."""
    loan_id = enter_loan(desk.database)
    await desk.links.link_for_balance(LENDER, loan_id, TUESDAY)
    world.fault("stripe", "500", count=2)
    await desk.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request"))
    errands = Errands(desk.database, None, None, lambda: TUESDAY + timedelta(minutes=2), desk.links)
    port = Port(address)
    count_beside_activities_on(MetricMeter.noop)

    for _ in range(2):
        await errands.close_links()

    assert port.counted() == {
        ("recobro_provider_failures_total", "stripe", "retry"): 1,
        ("recobro_payment_links_total", "closed"): 1,
    }
