"""What reaching people costs: prices by channel, country and kind, and the cost of one contact.

Costs are whole micro-units (millionths of a currency's major unit), because a message can cost less than the smallest
coin. A price is what a lender is charged, before tax.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from domain.contact import Channel, Purpose
from domain.money import Money, minor_digits
from domain.sms_segments import sms_size

MICROS = 1_000_000
ELSEWHERE = "other"
"""The price in every country that has none of its own."""


class ChargeKind(StrEnum):
    """What is charged, each with its unit: a segment, a message, a minute begun, a sheet, a read."""

    SMS_SEGMENT = "sms_segment"
    WHATSAPP_UTILITY = "whatsapp_utility"
    WHATSAPP_MARKETING = "whatsapp_marketing"
    WHATSAPP_AUTHENTICATION = "whatsapp_authentication"
    WHATSAPP_REPLY = "whatsapp_reply"
    CALL_MINUTE = "call_minute"
    EMAIL = "email"
    LETTER = "letter"
    LETTER_SHEET = "letter_sheet"
    BANK_READ = "bank_read"


class Basis(StrEnum):
    """How far a price can be trusted: `published` by the provider, `retail` as a reseller asks, or `assumed` by us."""

    PUBLISHED = "published"
    RETAIL = "retail"
    ASSUMED = "assumed"


class Cost(BaseModel):
    """`micros` millionths of one major unit of `currency`."""

    model_config = ConfigDict(frozen=True)

    micros: int = Field(ge=0)
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    def times(self, number: int) -> Cost:
        return Cost(micros=self.micros * number, currency=self.currency)


def _micros(value: object) -> object:
    """A price as it is written, "0.0085", exactly; a float is never one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * MICROS
    if not isinstance(value, str | Decimal):
        raise ValueError('expected an amount such as "0.0085"')
    try:
        exact = Decimal(value) * MICROS
    except ArithmeticError:
        raise ValueError('expected an amount such as "0.0085"') from None
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise ValueError("expected an amount with at most six decimals")
    return int(exact)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Data):
    """One price of a kind of charge in a country, in the table's currency."""

    micros: Annotated[int, BeforeValidator(_micros), Field(ge=0, alias="price")]
    basis: Basis


class Charge(_Data):
    """A kind of charge: its unit in words, where the prices come from, and the price by country."""

    unit: str
    source: str
    prices: dict[str, Price]

    @model_validator(mode="after")
    def _covers_every_country(self) -> Charge:
        if ELSEWHERE not in self.prices:
            raise ValueError(f"needs a price for {ELSEWHERE}")
        return self


class GatewayFee(_Data):
    """What a gateway keeps of one payment: `share` of it and `fixed`, in the payment's own currency."""

    share: Decimal = Field(ge=0, lt=1)
    fixed_micros: Annotated[int, BeforeValidator(_micros), Field(ge=0, alias="fixed")]
    basis: Basis
    source: str


class CostTable(_Data):
    """`rates`: how many units of the table's currency one unit of another is worth, for comparing alone."""

    as_of: date
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    charges: dict[ChargeKind, Charge]
    gateways: dict[str, dict[str, GatewayFee]]
    rates: dict[str, Decimal]
    rates_source: str

    @model_validator(mode="after")
    def _whole(self) -> CostTable:
        if missing := [kind for kind in ChargeKind if kind not in self.charges]:
            raise ValueError(f"charges lacks {', '.join(missing)}")
        if any(not rate > 0 for rate in self.rates.values()):
            raise ValueError("a rate must be more than 0")
        return self

    def price(self, kind: ChargeKind, country: str) -> Cost:
        """One unit of `kind` in an ISO 3166-1 country, or what it costs elsewhere."""
        prices = self.charges[kind].prices
        return Cost(micros=prices.get(country, prices[ELSEWHERE]).micros, currency=self.currency)

    def basis(self, kind: ChargeKind, country: str) -> Basis:
        """How far that price can be trusted."""
        prices = self.charges[kind].prices
        return prices.get(country, prices[ELSEWHERE]).basis

    def sms(self, country: str, text: str) -> Cost:
        """A text message: every segment is charged."""
        return self.price(ChargeKind.SMS_SEGMENT, country).times(sms_size(text).segments)

    def call(self, country: str, seconds: int) -> Cost:
        """A call that was answered for so long: every minute begun is charged; an unanswered one costs nothing."""
        return self.price(ChargeKind.CALL_MINUTE, country).times(-(-seconds // 60))

    def letter(self, country: str, sheets: int) -> Cost:
        """Postage and envelope once, printing for each sheet."""
        postage, sheet = self.price(ChargeKind.LETTER, country), self.price(ChargeKind.LETTER_SHEET, country)
        return Cost(micros=postage.micros + sheet.micros * sheets, currency=self.currency)

    def gateway_fee(self, provider: str, amount: Money) -> Cost | None:
        """What the gateway keeps of a payment, in the payment's currency; None where no fee is known."""
        fee = self.gateways.get(provider, {}).get(amount.currency)
        if fee is None:
            return None
        shared = (amount.major * fee.share * MICROS).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return Cost(micros=int(shared) + fee.fixed_micros, currency=amount.currency)

    def in_currency(self, cost: Cost, currency: str) -> Cost | None:
        """The same cost in another currency by the table's rates, half up; None without a rate."""
        if cost.currency == currency:
            return cost
        rates = {self.currency: Decimal(1), **self.rates}
        if cost.currency not in rates or currency not in rates:
            return None
        exact = Decimal(cost.micros) * rates[cost.currency] / rates[currency]
        return Cost(micros=int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency=currency)


def message_cost(
    table: CostTable,
    channel: Channel,
    country: str,
    text: str,
    purpose: Purpose = Purpose.COLLECTION,
    *,
    sheets: int = 1,
    free_text: bool = False,
) -> Cost:
    """What sending one message costs. A call costs nothing yet: it is charged by its length when it is over.

    WhatsApp charges a template by its category, and since 1 October 2026 `free_text` inside the 24 hours as well.
    """
    match channel:
        case Channel.SMS:
            return table.sms(country, text)
        case Channel.WHATSAPP:
            reply = free_text or purpose is Purpose.REPLY
            return table.price(ChargeKind.WHATSAPP_REPLY if reply else ChargeKind.WHATSAPP_UTILITY, country)
        case Channel.EMAIL:
            return table.price(ChargeKind.EMAIL, country)
        case Channel.POST:
            return table.letter(country, sheets)
        case Channel.CALL | Channel.VISIT:
            return Cost(micros=0, currency=table.currency)


def cost_of_one_recovered(cost: Cost, recovered_minor: int) -> Decimal | None:
    """Cost for each major unit of `cost.currency` recovered, to four decimals; None when nothing was recovered."""
    if recovered_minor <= 0:
        return None
    recovered = Decimal(recovered_minor).scaleb(-minor_digits(cost.currency))
    return (Decimal(cost.micros) / MICROS / recovered).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
