"""`loan`: one loan: where it stands, why, and what an operator can tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands import configuration
from commands.agreement_offers import register_offers
from commands.agreements import register_agreements
from commands.console import JsonOption, Refused, YesOption, moment_of, operator_app, print_json
from commands.loan_files import files
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.loan_orders import LostOption, tell_loan
from commands.loan_talked import talked
from commands.loan_thread import thread
from commands.loan_write import withdraw_words, write

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

    from records.database import Database
    from records.tables import Loan

app = operator_app("One loan: where it stands, why, and what you can tell it.")
register_agreements(app)
register_offers(app)
app.command()(files)
app.command("thread")(thread)
app.command("write")(write)
app.command("talked")(talked)
app.command("withdraw-words")(withdraw_words)


@app.command()
def show(
    loan_id: LoanArgument,
    lender: LenderOption = None,
    contact_data: Annotated[
        bool, typer.Option("--contact-data", help="Also the person's name, phone and e-mail.")
    ] = False,
    history: Annotated[bool, typer.Option("--history", help="Also everything that was noted about it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a loan: amounts, payments, contacts, cases and where it stands. From the records; Temporal is not asked.

    Examples:

      starter.py loan show P-20417

      starter.py loan show P-20417 --history --json
    """
    from commands.loan_text import print_loan
    from web.loan_record import loan_record

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
        told = loan_record(session, loan, contact_data=contact_data, history=history).model_dump(exclude_unset=True)
    if as_json:
        print_json(told)
    else:
        print_loan(told)


@app.command()
def why(loan_id: LoanArgument, lender: LenderOption = None, as_json: JsonOption = False) -> None:
    """Tell why a loan does what it does: what comes next and by which rule, what was refused, what would change it.

    The loan itself is asked for its state; what it will do is worked out by the functions it decides with.

    Examples:

      starter.py loan why P-20417

      starter.py loan why P-20417 --json
    """
    from activities.composition import contact_slots
    from commands.loan_lookup import Known, what_it_knows
    from commands.temporal_session import with_temporal
    from commands.why import explain
    from commands.why_text import lines
    from records.tables import LoanState

    settings = configuration.settings()
    database = configuration.records(settings)
    slots = contact_slots(settings)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)

    async def look(client: Client | None) -> Known:
        return await what_it_knows(client, database, loan)

    if loan.state is LoanState.IN_COLLECTION:
        known = with_temporal(look)
    else:
        import asyncio

        known = asyncio.run(look(None))
    with database.reading() as session:
        told = explain(session, loan, known, slots)
    if as_json:
        print_json(told.model_dump())
        return
    for line in lines(told):
        typer.echo(line)


@app.command()
def pause(
    loan_id: LoanArgument,
    until: Annotated[str, typer.Option(help="A day (its first minute where the borrower lives) or a moment.")],
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a loan's planned contacts and its balance watch until a day; it goes on by itself then.

    Examples:

      starter.py loan pause P-20417 --until 2026-12-24

      starter.py loan pause P-20417 --until 2026-12-24T18:00+01:00
    """
    _check_moment(until)

    async def order(loan: Loan, database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        return await tell(handle, "pause", {"until": moment_of(until, "--until", _zone(database, loan)).isoformat()})

    tell_loan(loan_id, lender, order, as_json)


@app.command()
def resume(loan_id: LoanArgument, lender: LenderOption = None, as_json: JsonOption = False) -> None:
    """Let a paused loan go on now; what it had left to wait for it still waits for.

    Example: starter.py loan resume P-20417
    """

    async def order(_loan: Loan, _database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        return await tell(handle, "resume")

    tell_loan(loan_id, lender, order, as_json)


@app.command()
def close(
    loan_id: LoanArgument,
    reason: Annotated[str, typer.Option(help="recalled, sold or written_off.")],
    lost: LostOption = False,
    yes: YesOption = False,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the collection of a loan for good. Nothing more is sent, its cases and payment links are closed.

    With --lost in the records alone, of a loan that Temporal has lost, after asking: what was agreed on is void then
    unless all of it was paid; a loan that was paid ends as cured or settled. Refused where Temporal knows its workflow.

    Examples:

      starter.py loan close P-20417 --reason recalled

      starter.py loan close P-20417 --reason recalled --lost
    """
    wanted = close_reason(reason)

    async def order(_loan: Loan, _database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        return await tell(handle, "close", {"reason": wanted})

    async def in_records(client: Client, loan: Loan, database: Database) -> str:
        from commands.lost_loans import end_in_records
        from domain.events.control import CloseReason

        return await end_in_records(client, configuration.settings(), database, loan, CloseReason(wanted))

    tell_loan(loan_id, lender, order, as_json, in_records=in_records if lost else None, yes=yes)


def close_reason(text: str) -> str:
    """One of the reasons a lender may close a loan for. Raises Refused."""
    from domain.events.control import CloseReason

    known = [reason.value for reason in CloseReason]
    if text not in known:
        raise Refused(f"--reason: {text[:40]!r}: expected one of {', '.join(known)}")
    return text


def _check_moment(until: str) -> None:
    moment_of(until, "--until")


def _zone(database: Database, loan: Loan) -> object:
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from records import people

    with database.reading() as session:
        name = people.of_loan(session, loan).timezone
    return ZoneInfo(name) if name else UTC
