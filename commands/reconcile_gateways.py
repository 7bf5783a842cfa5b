"""`reconcile gateways`: the daily run that holds each gateway's own list of payments against the records."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from commands import configuration
from commands.console import JsonOption, Refused, amount, print_json

_WORDS = {
    "missing_here": "was paid there and is not in the records",
    "missing_there": "is in the records and the gateway does not list it",
    "amount": "has another amount or currency there",
    "taken_back_there": "was refunded there and counts here",
    "taken_back_here": "is reversed here and not refunded there",
    "no_loan": "is in the records and counts for no loan",
}


def gateways(
    day: Annotated[
        str | None, typer.Option(help="The day to compare: 2026-12-24, no later than today. Default: yesterday.")
    ] = None,
    zone: Annotated[str, typer.Option(help="Where the day begins and ends.")] = "UTC",
    provider: Annotated[str | None, typer.Option(help="Only this one: stripe, mercadopago, conekta.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare what gateways say was paid on a day with the records, and tell every difference. Run it daily.

    Exit code 1: there are differences, or a gateway could not be asked.

    Example: starter.py reconcile gateways --day 2026-12-24 --zone Europe/Madrid
    """
    import httpx

    from activities.composition import connect_gateways
    from activities.gateway_check import GatewayChecks
    from domain.gateway_lists import Difference
    from providers.errors import ProviderError

    settings = configuration.settings()
    now = datetime.now(UTC)
    where = _zone(zone)
    today = now.astimezone(where).date()
    wanted = _day(day, today) if day is not None else today - timedelta(days=1)
    database = configuration.records(settings)
    found: list[Difference] = []
    failed: dict[str, str] = {}

    async def work() -> list[str]:
        async with httpx.AsyncClient() as client:
            checks = GatewayChecks(database, connect_gateways(settings, client))
            names = [name for name in checks.providers if provider in (None, name)]
            for name in names:
                try:
                    found.extend(await checks.check(name, wanted, where, now))
                except ProviderError as error:
                    failed[name] = str(error)
            return names

    asked = asyncio.run(work())
    if not asked:
        raise Refused(f"no gateway {provider!r} is configured" if provider else "no gateway is configured")
    if as_json:
        differences = [one.model_dump(mode="json") for one in found]
        print_json({"day": wanted.isoformat(), "providers": asked, "differences": differences, "failed": failed})
    else:
        for one in found:
            sums = {"theirs": one.theirs_minor, "ours": one.ours_minor}
            told = ", ".join(f"{who} {amount(minor, one.currency)}" for who, minor in sums.items() if minor is not None)
            loan = f", loan {one.loan_id}" if one.loan_id else ""
            typer.echo(f"{one.provider} {one.payment_id} {_WORDS[one.kind]} ({told}{loan})")
        for name, why in failed.items():
            typer.echo(f"{name} could not be asked: {why}", err=True)
        if not found and not failed:
            typer.echo(f"{wanted}: {', '.join(asked)} and the records agree")
    if found or failed:
        raise typer.Exit(1)


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused("--day: expected a day such as 2026-12-24") from None
    if day > today:
        raise Refused(f"--day: {day} has not come yet, and nothing was paid on it")
    return day


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise Refused("--zone: expected an IANA name such as Europe/Madrid") from None
