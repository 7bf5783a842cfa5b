"""What a contact costs: exact millionths, by country and kind, and whose price it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from config.costs import SHIPPED, CostsError, load_costs
from domain.attribution import channel_before
from domain.contact import Channel, Purpose
from domain.costs import Basis, ChargeKind, Cost, cost_of_one_recovered, message_cost
from domain.money import Money

PRICES = load_costs()
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("channel", "country", "text", "purpose", "micros"),
    [
        (Channel.SMS, "ES", "a" * 160, Purpose.COLLECTION, 60_000),
        (Channel.SMS, "ES", "a" * 161, Purpose.COLLECTION, 120_000),
        (Channel.SMS, "US", "a" * 20, Purpose.COLLECTION, 11_300),
        (Channel.SMS, "PY", "hola", Purpose.COLLECTION, 60_000),
        (Channel.WHATSAPP, "MX", "hola", Purpose.COLLECTION, 8_500),
        (Channel.WHATSAPP, "CO", "hola", Purpose.REPLY, 800),
        (Channel.EMAIL, "MX", "hola", Purpose.COLLECTION, 900),
        (Channel.POST, "ES", "hola", Purpose.COLLECTION, 1_200_000),
        (Channel.CALL, "ES", "hola", Purpose.COLLECTION, 0),
    ],
)
def test_a_message_costs_what_its_channel_charges_there(
    channel: Channel, country: str, text: str, purpose: Purpose, micros: int
) -> None:
    assert message_cost(PRICES, channel, country, text, purpose) == Cost(micros=micros, currency="USD")


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (1, 1), (60, 1), (61, 2), (180, 3)])
def test_a_call_costs_every_minute_begun(seconds: int, minutes: int) -> None:
    assert PRICES.call("ES", seconds).micros == 30_000 * minutes


def test_a_letter_costs_its_postage_once_and_every_sheet() -> None:
    assert PRICES.letter("ES", 3).micros == 1_100_000 + 3 * 100_000


def test_a_gateway_keeps_its_share_and_its_fixed_part_in_the_payments_currency() -> None:
    fee = PRICES.gateway_fee("stripe", Money(amount_minor=10_000, currency="EUR"))
    assert fee == Cost(micros=1_750_000, currency="EUR")
    assert PRICES.gateway_fee("cash", Money(amount_minor=10_000, currency="EUR")) is None


def test_a_cost_stands_beside_money_of_another_currency_only_by_a_known_rate() -> None:
    spent = Cost(micros=1_150_000, currency="USD")
    assert PRICES.in_currency(spent, "EUR") == Cost(micros=1_000_000, currency="EUR")
    assert PRICES.in_currency(spent, "JPY") is None


def test_the_cost_of_one_recovered_has_no_value_where_nothing_was_recovered() -> None:
    assert cost_of_one_recovered(Cost(micros=2_500_000, currency="EUR"), 10_000) == Decimal("0.0250")
    assert cost_of_one_recovered(Cost(micros=2_500_000, currency="CLP"), 100) == Decimal("0.0250")
    assert cost_of_one_recovered(Cost(micros=2_500_000, currency="EUR"), 0) is None


def test_every_price_says_what_it_rests_on() -> None:
    assert PRICES.basis(ChargeKind.SMS_SEGMENT, "ES") is Basis.RETAIL
    assert PRICES.basis(ChargeKind.CALL_MINUTE, "ES") is Basis.ASSUMED
    assert PRICES.basis(ChargeKind.WHATSAPP_UTILITY, "MX") is Basis.PUBLISHED


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (('price: "0.0113"', 'price: "0.01130001"'), "at most six decimals"),
        (('price: "0.0113"', 'price: "cheap"'), 'expected an amount such as "0.0085"'),
        (('      other: {price: "0.0009", basis: assumed}', '      ES: {price: "0.0009", basis: assumed}'), "other"),
        (("currency: USD", "currency: dollars"), "currency"),
        (("  bank_read:", "  bank_reed:"), "bank_reed"),
    ],
)
def test_a_table_that_cannot_be_used_is_named_by_file_and_line(
    tmp_path: Path, spoilt: tuple[str, str], says: str
) -> None:
    mine = tmp_path / "costs.yaml"
    mine.write_text(SHIPPED.read_text(encoding="utf-8").replace(*spoilt, 1), encoding="utf-8")
    with pytest.raises(CostsError, match=r"costs.yaml:\d+: ") as refused:
        load_costs(mine)
    assert says in str(refused.value)


def test_money_is_put_down_to_the_last_contact_of_the_week_before() -> None:
    touches = [(NOON, Channel.SMS), (NOON + timedelta(days=1), Channel.EMAIL)]
    assert channel_before(NOON + timedelta(hours=1), touches) is Channel.SMS
    assert channel_before(NOON + timedelta(days=2), touches) is Channel.EMAIL
    assert channel_before(NOON + timedelta(days=8), touches) is Channel.EMAIL
    assert channel_before(NOON + timedelta(days=8, seconds=1), touches) is None
    assert channel_before(NOON - timedelta(hours=1), touches) is None
