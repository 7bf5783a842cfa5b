"""What each channel reached, cost and brought, as rows to print: every share beside what it is a share of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import typer
from babel.numbers import format_currency
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from commands.console import table, terminal
from config.costs import load_costs
from config.settings import Settings
from domain.contact import Channel
from domain.costs import MICROS, Cost, cost_of_one_recovered
from domain.money import Money
from records import channel_figures
from records.channel_figures import CostFigures

ALL = "all"
BY_ITSELF = "by itself"
NOT_TOLD = "not told"
_SILENT = frozenset({Channel.EMAIL.value, Channel.POST.value})
"""SMTP and the post tell of no arrival: that none is known says nothing of how many there were."""


_WAYS = {"sepa-dd": "direct debit", "bank": "transfer"}


class ChannelCost(BaseModel):
    """One channel, over the loans of one currency; `channel` is "by itself" for money that no contact came before, and
    "all" for everything together, balance reads and gateways included. Costs are micro-units of `currency`, None where
    the table has no rate; `cost_of_one_recovered` is in major units for one major unit."""

    model_config = ConfigDict(frozen=True)

    channel: str
    currency: str
    contacts: int
    arrived: int
    read: int
    people: int
    reached: int
    people_in_all: int
    cost_micros: int | None
    recovered_minor: int
    recovered_in_all_minor: int
    payments: int
    cost_of_one_recovered: str | None

    @property
    def share_of_money(self) -> Decimal | None:
        """Of all that was recovered in this currency."""
        whole = self.recovered_in_all_minor
        return (Decimal(self.recovered_minor) / whole).quantize(Decimal("0.001")) if whole else None

    @property
    def arrival_is_told(self) -> bool:
        """Whether the carrier says which messages arrive; of e-mail only some do, and by SMTP none."""
        return self.arrived > 0 or self.channel not in _SILENT

    @property
    def cost_of_one_shown(self) -> str:
        """As `cost_of_one_recovered`, and never nought where something was paid."""
        if self.cost_of_one_recovered is None:
            return "–"
        return (
            "< 0.0001" if self.cost_micros and not Decimal(self.cost_of_one_recovered) else self.cost_of_one_recovered
        )

    @property
    def cost_of_a_contact(self) -> Cost | None:
        if self.cost_micros is None or not self.contacts:
            return None
        return Cost(micros=round(self.cost_micros / self.contacts), currency=self.currency)


class WayCost(BaseModel):
    """One way to pay, over the loans of one currency: `way` is the provider of its payments, `sepa-dd` direct debit."""

    model_config = ConfigDict(frozen=True)

    way: str
    currency: str
    people: int
    people_in_all: int
    payments: int
    recovered_minor: int
    recovered_in_all_minor: int
    fees_micros: int

    @property
    def share_of_money(self) -> Decimal | None:
        """Of all that was recovered in this currency."""
        whole = self.recovered_in_all_minor
        return (Decimal(self.recovered_minor) / whole).quantize(Decimal("0.001")) if whole else None

    @property
    def name(self) -> str:
        """As whoever reads the table calls it."""
        return _WAYS.get(self.way, self.way)


class OtherCosts(BaseModel):
    """What no channel costs: reading balances, and the gateways' share of payments. Micro-units of `currency`."""

    model_config = ConfigDict(frozen=True)

    currency: str
    reads: int
    reads_micros: int | None
    fees_micros: int


class Costs(BaseModel):
    model_config = ConfigDict(frozen=True)

    prices_of: str
    channels: tuple[ChannelCost, ...]
    others: tuple[OtherCosts, ...]
    ways: tuple[WayCost, ...] = ()


def costs_of(session: Session, settings: Settings, campaign_id: str | None = None) -> Costs:
    """Counted in the records by the table in force. Raises config.costs.CostsError."""
    prices = load_costs(settings.costs)
    figures = channel_figures.read(session, prices, campaign_id)
    return Costs(
        prices_of=f"{prices.as_of:%Y-%m-%d}",
        channels=tuple(row for each in figures for row in _rows(each)),
        others=tuple(
            OtherCosts(
                currency=each.currency,
                reads=each.reads,
                reads_micros=each.reads_cost.micros if each.reads_cost else None,
                fees_micros=each.fees.micros,
            )
            for each in figures
        ),
        ways=tuple(
            WayCost(
                way=way.provider,
                currency=each.currency,
                people=way.people,
                people_in_all=each.people,
                payments=way.payments,
                recovered_minor=way.recovered_minor,
                recovered_in_all_minor=each.recovered_minor,
                fees_micros=way.fees.micros,
            )
            for each in figures
            for way in each.ways
        ),
    )


def _rows(figures: CostFigures) -> list[ChannelCost]:
    rows = [
        _row(
            figures,
            channel=row.channel.value if row.channel else BY_ITSELF,
            contacts=row.contacts,
            arrived=row.arrived,
            read=row.read,
            people=row.people,
            reached=row.reached,
            cost=row.cost,
            recovered_minor=row.recovered_minor,
            payments=row.payments,
        )
        for row in figures.channels
    ]
    whole = _row(
        figures,
        channel=ALL,
        contacts=sum(row.contacts for row in figures.channels),
        arrived=sum(row.arrived for row in figures.channels),
        read=sum(row.read for row in figures.channels),
        people=figures.contacted,
        reached=figures.reached,
        cost=figures.cost,
        recovered_minor=figures.recovered_minor,
        payments=sum(row.payments for row in figures.channels),
    )
    return [*rows, whole]


def _row(figures: CostFigures, *, cost: Cost | None, recovered_minor: int, **counts: Any) -> ChannelCost:
    each = cost_of_one_recovered(cost, recovered_minor) if cost is not None else None
    return ChannelCost(
        currency=figures.currency,
        people_in_all=figures.people,
        cost_micros=cost.micros if cost is not None else None,
        recovered_minor=recovered_minor,
        recovered_in_all_minor=figures.recovered_minor,
        cost_of_one_recovered=str(each) if each is not None else None,
        **counts,
    )


def print_costs(costs: Costs) -> None:
    """A table for a terminal; every figure beside its denominator."""
    shown_table = table(
        "channel", "messages", "arrived", "people reached", "cost", "money", "share", "cost of 1 recovered"
    )
    for row in costs.channels:
        share = row.share_of_money
        shown_table.add_row(
            row.channel,
            str(row.contacts),
            f"{row.arrived} of {row.contacts}" if row.arrival_is_told else NOT_TOLD,
            f"{row.reached} of {row.people}" if row.arrival_is_told else NOT_TOLD,
            shown(row.cost_micros, row.currency),
            f"{Money(amount_minor=row.recovered_minor, currency=row.currency).major} {row.currency}",
            f"{share:.1%}" if share is not None else "–",
            row.cost_of_one_shown,
        )
    terminal().print(shown_table)
    if costs.ways:
        _print_ways(costs.ways)
    for other in costs.others:
        typer.echo(
            f"all includes {shown(other.reads_micros, other.currency)} for {other.reads:,} balance reads and "
            f"{shown(other.fees_micros, other.currency)} that gateways keep; prices of {costs.prices_of}"
        )


def _print_ways(ways: tuple[WayCost, ...]) -> None:
    """How it was paid: who used each way, what it brought and what it kept."""
    shown_table = table("paid by", "people", "payments", "money", "share", "kept by it")
    for row in ways:
        share = row.share_of_money
        shown_table.add_row(
            row.name,
            f"{row.people} of {row.people_in_all}",
            str(row.payments),
            f"{Money(amount_minor=row.recovered_minor, currency=row.currency).major} {row.currency}",
            f"{share:.1%}" if share is not None else "–",
            shown(row.fees_micros, row.currency),
        )
    terminal().print(shown_table)


def shown(micros: int | None, currency: str) -> str:
    """A cost for readers of English, to four decimals, such as €0.0174; a dash where it is not known."""
    if micros is None:
        return "–"
    pattern = "¤#,##0.0000" if micros < MICROS else "¤#,##0.00"
    return str(format_currency(Decimal(micros) / MICROS, currency, pattern, locale="en_US", currency_digits=False))
