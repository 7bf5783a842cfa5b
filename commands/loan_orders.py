"""Telling a loan something as an operator: find it, send the order, say what it answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from commands import configuration
from commands.console import Refused, print_json
from commands.loan_lookup import find_loan

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

    from records.database import Database
    from records.tables import Loan

_Order = Callable[["Loan", "Database", "WorkflowHandle[object, object]"], Awaitable[str]]
_InRecords = Callable[["Client", "Loan", "Database"], Awaitable[str]]


LostOption = Annotated[
    bool, typer.Option("--lost", help="Temporal has lost the loan's workflow: do it in the records.")
]


def tell_loan(
    loan_id: str,
    lender: str | None,
    order: _Order,
    as_json: bool,
    *,
    in_records: _InRecords | None = None,
    yes: bool = False,
) -> None:
    """Send `order` to the running loan. Raises Refused: unknown, not running, or what the loan itself refused.

    `in_records`: what is done instead, of a loan in collection that Temporal has lost; asked before, unless `yes`.
    """
    from commands.loan_lookup import loan_handle
    from commands.lost_loans import check_lost
    from commands.temporal_session import NotRunning, with_temporal

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)

    async def work(client: Client) -> str:
        if in_records is not None:
            await check_lost(client, loan, yes)
            return await in_records(client, loan, database)
        try:
            return await order(loan, database, loan_handle(client, loan))
        except NotRunning:
            raise Refused(why_it_cannot_hear(loan)) from None

    detail = with_temporal(work)
    if as_json:
        print_json({"lender": loan.lender, "loan_id": loan.loan_id, "accepted": True, "detail": detail})
    else:
        typer.echo(f"loan {loan.loan_id} of {loan.lender}: {detail}")


def why_it_cannot_hear(loan: Loan) -> str:
    """The line for a loan that has no running workflow."""
    from records.tables import LoanState

    if loan.state is LoanState.ENDED:
        return f"refused: loan {loan.loan_id!r} has ended as {loan.end_kind}"
    if loan.state is LoanState.WAITING:
        return f"refused: loan {loan.loan_id!r} waits for its campaign to start it"
    return f"refused: Temporal has no running workflow of loan {loan.loan_id!r}: `starter.py doctor` says what helps"
