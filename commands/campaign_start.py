"""`campaign start` from the checked file on: what is said, asked, entered and started."""

from __future__ import annotations

import typer
from temporalio.client import Client

from commands import configuration
from commands.campaign_control import note_rate, runs
from commands.campaign_control import start as start_workflow
from commands.campaign_entry import Held, NothingHeld, Order, choose_strategy, enter
from commands.campaign_start_text import print_start, start_as_json
from commands.console import Refused, agree, print_json
from commands.portfolio_report import print_report
from commands.start_warnings import acknowledge, start_warnings
from commands.temporal_session import with_temporal
from config.jurisdictions import SHIPPED
from config.settings import Settings
from intake.apart import CheckedPortfolio
from records.portfolio_loans import RefusedLoan


def start_checked(
    settings: Settings,
    order: Order,
    checked: CheckedPortfolio,
    *,
    strategy_name: str | None,
    rate: float,
    strict: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Start `order` with the good loans, `rate` a second at most. Returns the exit code.

    Raises Refused, StrategyError.
    """
    found = checked.findings
    if not as_json:
        print_report(found, strict, None)
    if strict and found.totals.bad:
        raise Refused(f"{found.totals.bad:,} of {found.totals.rows:,} rows are bad: --strict starts none")
    if not found.totals.good:
        raise Refused(f"{found.path}: no row is good: nothing was started")
    strategy = choose_strategy(strategy_name, {total.currency for total in found.totals.amounts})
    database = configuration.records(settings)
    warnings = start_warnings(settings, order.lender, found.countries, strategy)
    if not as_json:
        for warning in warnings:
            typer.echo(f"warning: {warning}", err=True)
    acknowledge(settings, order.lender, strategy, database, yes=yes)

    async def begin(client: Client) -> tuple[Held, bool]:
        running = await runs(client, order.campaign_id)
        loans = checked.loans_by_priority()
        banks, rules = settings.bank_data_by_country, settings.jurisdictions or SHIPPED
        counted = found.due_dates_counted
        held = enter(database, order, strategy, loans, bank="xs2a", banks=banks, rules=rules, due_dates_counted=counted)
        if held.waiting or held.open:
            await start_workflow(client, settings.task_queue, held, rate, strategy=strategy.key)
            if not running:
                note_rate(database, order.campaign_id, order.lender, rate)
            running = True
        return held, running

    agree(
        f"Start campaign {order.campaign_id}: {found.totals.good:,} loans of {order.lender} under {strategy.key}?", yes
    )
    held: Held | None
    refused: tuple[RefusedLoan, ...]
    try:
        held, running = with_temporal(begin)
    except NothingHeld as nothing:
        held, running, refused = None, False, nothing.refused
    else:
        refused = held.refused
    told = start_as_json(order, strategy.key, found, held, running, refused) | {"warnings": warnings}
    if as_json:
        print_json(told)
    else:
        print_start(told, refused)
    return 1 if held is None or held.passed_over else 0
