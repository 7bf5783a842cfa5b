"""`campaign`: start the collection of a portfolio, and steer all its loans at once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import campaign_send, configuration
from commands.borrowers_days import last_begin, zones_of_campaign
from commands.campaign_lookup import campaign_id_for, find_campaign
from commands.console import (
    JsonOption,
    Refused,
    YesOption,
    agree,
    moment_of,
    operator_app,
    print_json,
    table,
    terminal,
)
from commands.names import campaign_ids, strategy_names

if TYPE_CHECKING:
    from temporalio.client import Client


app = operator_app("Campaigns: start the collection of a portfolio, steer all its loans at once.")
app.command("send")(campaign_send.send)
app.command("sends")(campaign_send.sends)
app.command("send-status")(campaign_send.send_status)
app.command("send-stop")(campaign_send.send_stop)
_Id = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's id.", autocompletion=campaign_ids)]


@app.command()
def start(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX or Parquet file of overdue loans.")],
    mapping: Annotated[str | None, typer.Option(help="As in `portfolio check`. Without it, the one that fits.")] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="A name, name@version or file. Without it, the only one for the currency.",
            autocompletion=strategy_names,
        ),
    ] = None,
    campaign_id: Annotated[str | None, typer.Option("--id", help="Default: made from --name or the file's.")] = None,
    name: Annotated[str | None, typer.Option(help="A title to read. Default: the id.")] = None,
    lender: Annotated[str | None, typer.Option(help="The lender's key. Default: the only one set, else demo.")] = None,
    rate: Annotated[float, typer.Option(min=0.01, max=10_000, help="Loans to start in a second, at most.")] = 50.0,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Day that days past due count from. Default: today, by this machine's clock."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Start nothing if any row is bad.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many bad cells to print.")] = 20,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check FILE and start collecting its good rows, highest priority first.

    The same id started again goes on where it stood: no loan starts twice. A loan that another campaign holds is
    named and left to it.

    Exit code: 0 it runs, 1 no loan could be taken (each is named), or it was known and holds other loans than the file
    or none that has not ended, 2 wrong input.

    Examples:

      starter.py campaign start portfolios/lendingclub_delinquent.csv --strategy us-consumer

      starter.py campaign start export.xlsx --mapping microlender_es --id november --rate 20 --yes --json
    """
    from intake.apart import checked_apart

    settings = configuration.settings()
    order_id = campaign_id_for(campaign_id, name, file.stem)
    whose = configuration.lender_of(settings, lender)
    day = as_of.date() if as_of else datetime.now().astimezone().date()
    with checked_apart(file, mapping, day, limit, settings.jurisdictions) as checked:
        # Loaded only now: what it needs and what reads tables are never in memory at once.
        from commands.campaign_entry import Order
        from commands.campaign_start import start_checked

        order = Order(order_id, (name or order_id)[:120], whose, file.name)
        code = start_checked(
            settings, order, checked, strategy_name=strategy, rate=rate, strict=strict, yes=yes, as_json=as_json
        )
    raise typer.Exit(code)


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List all campaigns, oldest first.

    Example: starter.py campaign list --json
    """
    from commands.campaign_status import summary
    from records import campaigns

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        told = [summary(session, campaign) for campaign in campaigns.listing(session)]
    configuration.say_if_empty(database)
    if as_json:
        print_json({"campaigns": told})
        return
    if not told:
        typer.echo("no campaign yet: `starter.py campaign start FILE` starts one")
        return
    shown = table("campaign", "state", "strategy", "loans", "waiting", "started", "ended", "refused", "created")
    for each in told:
        cells = [each[key] for key in ("campaign_id", "state", "strategy", "total", "waiting", "started")]
        cells += [sum(each["ends"].values()), each["refused"], each["created_at"]]
        shown.add_row(*(str(cell) for cell in cells))
    terminal().print(shown)


@app.command()
def status(campaign_id: _Id, as_json: JsonOption = False) -> None:
    """Show how far a campaign came: loans, ends, money, contacts, cases. From the records; asks Temporal if it can.

    Examples:

      starter.py campaign status november

      starter.py campaign status november --json
    """
    from commands import campaign_figures
    from commands.campaign_status import print_status, summary
    from commands.temporal_session import with_temporal
    from workflows.connection import NoTemporal

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        campaign = find_campaign(session, campaign_id)
        told = summary(session, campaign)
        told["in_collection"] = campaign_figures.in_collection(session, campaign.id)
        told["money"] = [
            {
                "currency": row.currency,
                "loans": row.loans,
                "due_minor": row.due_minor,
                "recovered_minor": row.recovered_minor,
            }
            for row in campaign_figures.money(session, campaign.id)
        ]
        told["contacts"] = campaign_figures.contacts_by_state(session, campaign.id)
        told["open_cases"] = campaign_figures.open_cases(session, campaign.id)

    async def live(client: Client) -> dict[str, Any]:
        from commands.campaign_control import progress

        found = await progress(client, campaign_id)
        if found is None:
            return {"workflow": "not_running", "instructions_pending": 0, "last_instruction": None}
        last = found.last_instruction.model_dump() if found.last_instruction else None
        return {
            "workflow": "running",
            "instructions_pending": found.instructions_pending,
            "last_instruction": last,
        }

    try:
        told |= with_temporal(live)
    except (NoTemporal, Refused):
        told |= {"workflow": "unknown", "instructions_pending": None, "last_instruction": None}
    if as_json:
        print_json(told)
    else:
        print_status(told)


@app.command()
def costs(campaign_id: _Id, as_json: JsonOption = False) -> None:
    """Show for each channel whom it reached, what it cost and the share of the money that came after it.

    Prices are those of config/costs.yaml or RECOBRO_COSTS. Money is put down to the last contact in the seven days
    before it.

    Example: starter.py campaign costs november --json
    """
    from commands.campaign_status import not_counted
    from commands.channel_costs import costs_of, print_costs
    from config.costs import CostsError
    from records import campaigns

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        again = campaigns.progress(session, find_campaign(session, campaign_id).id).handed_over_again
        try:
            told = costs_of(session, settings, campaign_id)
        except CostsError as wrong:
            raise Refused(str(wrong)) from None
    if as_json:
        print_json(told.model_dump(mode="json") | {"handed_over_again": again})
        return
    print_costs(told)
    if again:
        typer.echo(not_counted(again))


@app.command()
def pause(
    campaign_id: _Id,
    until: Annotated[
        str | None,
        typer.Option(
            help="A day (once it has begun for all of its borrowers, where they live) or a moment; without it until "
            "`campaign resume`."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start no more loans and hold all that run.

    With --until the loans go on by themselves then; starting more waits for `campaign resume`. Given again, it lasts
    until its new end.

    Examples:

      starter.py campaign pause november

      starter.py campaign pause november --until 2026-12-27
    """
    arguments = []
    if until is not None:
        moment_of(until, "--until")
        with configuration.records(configuration.settings()).reading() as session:
            zones = zones_of_campaign(session, find_campaign(session, campaign_id).id)
        arguments = [{"until": last_begin(until, "--until", zones).isoformat()}]
    _instruct(campaign_id, "pause", arguments, as_json)


@app.command()
def resume(campaign_id: _Id, as_json: JsonOption = False) -> None:
    """Let a paused campaign and all its loans go on.

    Example: starter.py campaign resume november
    """
    _instruct(campaign_id, "resume", [], as_json)


@app.command()
def stop(
    campaign_id: _Id,
    reason: Annotated[str, typer.Option(help="recalled, sold or written_off.")] = "recalled",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """End the collection of every loan of a campaign for good; those not started are let go.

    Example: starter.py campaign stop november --reason recalled --yes
    """
    from commands.loan import close_reason

    wanted = close_reason(reason)
    agree(f"Close every loan of campaign {campaign_id} as {wanted}, for good?", yes)
    _instruct(campaign_id, "stop", [{"reason": wanted}], as_json)


def _instruct(campaign_id: str, update: str, arguments: list[dict[str, str]], as_json: bool) -> None:
    from commands.temporal_session import with_temporal

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        find_campaign(session, campaign_id)

    async def work(client: Client) -> str:
        from commands.campaign_control import instruct

        return await instruct(client, database, campaign_id, update, *arguments)

    detail = with_temporal(work)
    if as_json:
        print_json({"campaign_id": campaign_id, "accepted": True, "detail": detail})
    else:
        typer.echo(f"campaign {campaign_id}: {detail} (`campaign status {campaign_id}` tells how far that is)")
