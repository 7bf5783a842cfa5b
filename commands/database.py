"""`database`: the tables of the records."""

from __future__ import annotations

import typer

from commands import configuration
from commands.console import JsonOption, operator_app, print_json

app = operator_app("The records' database: bring its tables to this version.")


@app.callback()
def database() -> None:
    """The records' database: bring its tables to this version."""


@app.command()
def migrate(as_json: JsonOption = False) -> None:
    """Bring the tables of RECOBRO_DATABASE_URL to this version; several may do it at once.

    SQLite does this by itself; PostgreSQL waits for this command.

    Example: RECOBRO_DATABASE_URL=postgresql://recobro@db/recobro starter.py database migrate
    """
    records = configuration.records(configuration.settings())
    records.migrate()
    records.check()
    if as_json:
        print_json({"up_to_date": True, "embedded": records.embedded})
    else:
        typer.echo("the database is up to date")


@app.command("catch-up")
def catch_up(as_json: JsonOption = False) -> None:
    """After a restore: write again what Temporal knows of loans and campaigns and the backup does not.

    Run it before the workers are started again, and once more after each file of loans it names as handed over since
    the backup. Payments, cases, ends and contacts come back, each once, and where campaigns stand; nothing is sent. It
    names refunds and direct debits that may have been made since, too. See docs/operations.md.

    Example: starter.py database catch-up
    """
    import httpx

    from activities.case_notices import CaseNotices
    from activities.ledger import LedgerWriter
    from activities.links import LinkIssuer
    from commands import catch_up as work
    from commands.temporal_session import with_temporal

    records = configuration.records(configuration.settings())
    quiet = LedgerWriter(records, LinkIssuer(records, None), CaseNotices(None, httpx.AsyncClient()))
    done = with_temporal(lambda client: work.catch_up(client, records, quiet))
    if as_json:
        print_json(
            {
                "loans": done.loans,
                "entries": done.entries,
                "contacts": done.contacts,
                "started": done.started,
                "campaigns": list(done.campaigns),
                "sends": list(done.sends),
                "given_back": done.given_back,
                "unknown": list(done.unknown),
                "refunds": list(done.refunds),
                "debits": list(done.debits),
                "not_in_temporal": [one.value for one in work.Unknown],
            }
        )
        return
    typer.echo(f"{done.loans} loans read: {done.entries} entries and {done.contacts} contacts written again")
    if done.started:
        typer.echo(f"{done.started} loans that waited by the records run, or did")
    for campaign in done.campaigns:
        typer.echo(f"campaign {campaign} stands again where it was stopped, paused, resumed or finished")
    for send in done.sends:
        typer.echo(f"message {send} has ended again")
    for workflow in done.unknown:
        typer.echo(f"{workflow}: handed over, or handed over again, after the backup", err=True)
    if done.unknown:
        typer.echo(
            "with the workers still stopped: start the files of these loans again (`campaign start`), then run "
            "`database catch-up` once more, until it names nobody; else people who have paid are asked again",
            err=True,
        )
    for number in done.refunds:
        typer.echo(
            f"refund {number} may have been made after the backup: its gateway is asked before it makes it; where it "
            "is a transfer, look at the bank, then `refund paid`",
            err=True,
        )
    for reference in done.debits:
        typer.echo(
            f"debit {reference} may be with the bank: look there before `debit submit` or the daily work runs; what "
            f"came is booked by `payment record LOAN AMOUNT --provider sepa-dd --id {reference}`",
            err=True,
        )
    typer.echo("look at these by hand, Temporal does not know them (docs/operations.md):")
    for one in work.Unknown:
        typer.echo(f"  {work.BY_HAND[one]}")
