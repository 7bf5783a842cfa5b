"""`case`: what waits for a person, and their decision."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.acting import named
from commands.console import (
    JsonOption,
    Refused,
    YesOption,
    did_you_mean,
    iso,
    operator_app,
    print_json,
    table,
    terminal,
)
from commands.loan_orders import LostOption

if TYPE_CHECKING:
    from sqlmodel import Session
    from temporalio.client import Client

    from domain.events.control import Decide
    from records.database import Database
    from records.tables import CollectionCase, Loan

app = operator_app("Cases that wait for a person: list, read and decide them.")
_Case = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, as `case list` shows it.")]


@app.command("list")
def list_command(
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    lender: Annotated[str | None, typer.Option(help="Only this lender's.")] = None,
    all_states: Annotated[bool, typer.Option("--all", help="Decided and closed ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List open cases, the most urgent first.

    Examples:

      starter.py case list

      starter.py case list --queue agents --json
    """
    from records import cases
    from records.tables import CaseState
    from web.loan_record import case_record

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        rows = cases.listing(session, state=None if all_states else CaseState.OPEN, queue=queue, lender=lender)
        told = [case_record(case, loan, contact_data=False).model_dump() for case, loan in rows]
    configuration.say_if_empty(database)
    if as_json:
        print_json({"cases": told})
        return
    if not told:
        typer.echo("no case waits")
        return
    shown = table("case", "kind", "queue", "state", "decide by", "loan", "reason")
    for each in told:
        cells = (each[name] for name in ("case_id", "kind", "queue", "state", "sla_at", "loan_id", "reason"))
        shown.add_row(*(_plain(cell) for cell in cells))
    terminal().print(shown)


@app.command()
def show(
    case_id: _Case,
    contact_data: Annotated[
        bool, typer.Option("--contact-data", help="Also the note, in the words of who decided.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one case.

    Example: starter.py case show demo-P-20417-1-1 --contact-data
    """
    from records import loans
    from web.loan_record import case_record

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        case = _find(session, case_id)
        loan = loans.by_ref(session, case.loan_ref)
        told = case_record(case, loan, contact_data=contact_data).model_dump()
        told["queues"] = [
            {"queue": step["queue"], "at": _utc(step["at"]), "sla_at": _utc(step["sla_at"])}
            for step in case.assignments
        ]
    if as_json:
        print_json(told)
        return
    shown = table("", "")
    shown.show_header = False
    for name, value in told.items():
        if name == "queues":
            value = ", then ".join(step["queue"] for step in value)
        if value is not None:
            shown.add_row(_plain(name.replace("_", " ")), _plain(value))
    terminal().print(shown)


@app.command()
def decide(
    case_id: _Case,
    decision: Annotated[str, typer.Option(help="continue, recall, sell or write_off.")],
    by: Annotated[str, typer.Option(help="Who decides: a name or number of the house, without spaces.")],
    note: Annotated[
        str, typer.Option(help="Why; kept sealed with the case. No telephone, account or identity numbers.")
    ] = "",
    lost: LostOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Decide a case: the loan goes on (continue) or leaves collection (recall, sell, write_off).

    A case of a loan that has ended, such as a refund, or of an earlier hand-over of a loan can only be settled with
    `continue`; so can, with --lost and after asking, one of a loan that Temporal has lost, which `doctor --mend` starts
    again then.

    Examples:

      starter.py case decide demo-P-20417-1-1 --decision continue --by agent-7 --note "will pay on Friday"

      starter.py case decide demo-P-20417-1-1 --decision continue --by agent-7 --lost
    """
    from commands.temporal_session import with_temporal
    from domain.case_decisions import not_theirs
    from records import loans
    from records.tables import CaseState

    order = _order(case_id, decision, by, note)
    database = configuration.records(configuration.settings())
    order = order.model_copy(update={"by": named(database, by)})
    with database.reading() as session:
        case = _find(session, case_id)
        loan = loans.by_ref(session, case.loan_ref)
    if case.state is not CaseState.OPEN:
        raise Refused(f"refused: case {case_id!r} is {case.state} already")
    # Whoever may run this may close loans too.
    if (why := not_theirs(case.kind, order.decision, may_end=True)) is not None:
        raise Refused(f"refused: {why}; `loan close` ends the loan")

    async def deciding(client: Client) -> str:
        return await (
            _decide_lost(client, database, loan, order, yes) if lost else _decide(client, database, loan, order)
        )

    detail = with_temporal(deciding)
    if as_json:
        print_json({"case_id": case_id, "decision": order.decision.value, "accepted": True, "detail": detail})
    else:
        typer.echo(detail)


async def _decide(client: Client, database: Database, loan: Loan, order: Decide) -> str:
    """Tell the loan; where no workflow carries it the records are all there is to tell."""
    from commands.loan_lookup import loan_handle
    from commands.temporal_session import NotRunning, RefusedByLoan, tell
    from records import cases
    from web.agreement_desk import noted

    if cases.is_settled_here(loan, order.case_id):
        return settle_in_records(database, loan, order)
    told = order.model_dump(mode="json", exclude={"note"})

    async def telling() -> str:
        return await tell(loan_handle(client, loan), "decide", told)

    try:
        return await noted(
            database,
            order.case_id,
            order.note,
            order.by,
            telling,
            refused=RefusedByLoan,
            not_running=NotRunning,
        )
    except NotRunning:
        return settle_in_records(database, loan, order)


async def _decide_lost(client: Client, database: Database, loan: Loan, order: Decide, yes: bool) -> str:
    from commands.lost_loans import check_lost

    await check_lost(client, loan, yes)
    return settle_in_records(database, loan, order, lost=True)


def settle_in_records(database: Database, loan: Loan, order: Decide, *, lost: bool = False) -> str:
    """Keep a decision about a loan that has ended, or that no campaign has started, or a case it does not know of.

    `lost`: Temporal knows no workflow of the loan. A loan that goes on later does not find the case open again.
    """
    from datetime import UTC, datetime

    from domain.events.control import CaseDecision
    from records import audit, cases, loans
    from records.tables import LoanState

    now = datetime.now(UTC)
    with database.writing() as session:
        row = loans.get(session, loan.lender, loan.loan_id)
        without_workflow = row.state is LoanState.IN_COLLECTION and not cases.is_settled_here(row, order.case_id)
        if without_workflow and not lost:
            raise Refused(
                f"refused: Temporal has no running workflow of loan {loan.loan_id!r}, yet it has not ended: see "
                "`doctor`; where Temporal knows no workflow of it, --lost settles the case in the records"
            )
        if order.decision is not CaseDecision.CONTINUE:
            ends = "; `loan close --lost` ends the loan" if without_workflow else ""
            raise Refused(f"refused: the loan {_stands(row)}; this case can only be settled with continue{ends}")
        # One that waits there may be of a decision that was refused.
        cases.keep_note(session, order.case_id, order.note, by=order.by, accepted=True)
        cases.decide(session, order.case_id, decision=order.decision, by=order.by, at=now)
        if row.final_state is not None:
            open_cases = [one for one in row.final_state.get("cases", []) if one.get("case_id") != order.case_id]
            row.final_state = {**row.final_state, "cases": open_cases}
            session.add(row)
        audit.append(
            session,
            at=now,
            actor=order.by,
            action="case_closed",
            lender=row.lender,
            loan_id=row.loan_id,
            details={"case_id": order.case_id, "state": "decided", "decision": order.decision.value},
        )
    then = "; `doctor --mend` starts its loan again once none is open" if without_workflow else ""
    return f"case {order.case_id} decided: {order.decision}{then}"


def _stands(loan: Loan) -> str:
    from records.tables import LoanState

    if loan.state is LoanState.ENDED:
        return f"has ended as {loan.end_kind}"
    return "is not in collection" if loan.state is LoanState.WAITING else "knows nothing of it"


def _order(case_id: str, decision: str, by: str, note: str) -> Decide:
    from pydantic import ValidationError

    from config.personal_text import says_how_to_reach
    from domain.events.control import CaseDecision, Decide
    from web.agreement_desk import PERSONAL_NOTE

    if says_how_to_reach(note):
        raise Refused(f"--note: {PERSONAL_NOTE}")
    known = [one.value for one in CaseDecision]
    if decision not in known:
        raise Refused(f"--decision: {decision[:40]!r}: expected one of {', '.join(known)}")
    try:
        return Decide(case_id=case_id, decision=CaseDecision(decision), by=by, note=note)
    except ValidationError as wrong:
        field = str(wrong.errors(include_input=False)[0]["loc"][0])
        expected = {
            "by": "1 to 128 printable ASCII characters without spaces",
            "note": "2,000 characters at most",
        }.get(field, "1 to 128 printable characters without spaces")
        raise Refused(f"{'CASE' if field == 'case_id' else f'--{field}'}: expected {expected}") from None


def _find(session: Session, case_id: str) -> CollectionCase:
    from sqlmodel import col, select

    from records.tables import CollectionCase

    case = session.get(CollectionCase, case_id)
    if case is None:
        newest = select(CollectionCase.case_id).order_by(col(CollectionCase.opened_at).desc()).limit(2000)
        known = session.exec(newest).all()
        raise Refused(f"no case {case_id[:120]!r}{did_you_mean(case_id, known)}")
    return case


def _utc(kept: str | None) -> str | None:
    return iso(datetime.fromisoformat(kept)) if kept else None


def _plain(value: Any) -> Any:
    from rich.text import Text

    return Text("" if value is None else str(value))
