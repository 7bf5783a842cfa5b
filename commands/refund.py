"""`refund`: give back what was paid beyond what is due. One person proposes, another with authority approves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, amount, operator_app, print_json, table, terminal
from commands.person_data import check_kept
from commands.refund_lookup import account_of, gives_back, payment_of, refund_shown, refund_told

if TYPE_CHECKING:
    from activities.refunds import Carried
    from config.settings import Settings
    from records.database import Database

app = operator_app("Give back what was paid beyond what is due: one person proposes, another approves.")
_Refund = Annotated[int, typer.Argument(metavar="REFUND", help="The refund's number, as `refund list` shows it.")]
_By = Annotated[str, typer.Option("--by", help="The account of whoever does this, see `account list`.")]


@app.command("list")
def list_command(
    open_only: Annotated[bool, typer.Option("--open", help="Only those that wait for somebody.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List refunds, and the refund cases nobody has proposed anything for.

    Example: starter.py refund list --open
    """
    from records import cases, refunds
    from records.tables import RefundState

    with configuration.records(configuration.settings()).reading() as session:
        told = [refund_told(session, task, loan) for task, loan in refunds.listing(session)]
        waiting = (RefundState.PROPOSED.value, RefundState.APPROVED.value)
        under_way = {each["case_id"] for each in told if each["state"] in (*waiting, RefundState.DONE.value)}
        cases_open: list[dict[str, Any]] = [
            {
                "case_id": case.case_id,
                "loan_id": loan.loan_id,
                "amount_minor": case.amount_minor,
                "currency": loan.currency,
                "reason": case.reason,
            }
            for case, loan in cases.listing(session)
            if case.kind == "refund" and case.case_id not in under_way
        ]
    if open_only:
        told = [each for each in told if each["state"] in waiting]
    if as_json:
        print_json({"refunds": told, "cases": cases_open})
        return
    if not told and not cases_open:
        typer.echo("nothing is to be given back")
        return
    shown = table("refund", "state", "loan", "amount", "by", "proposed by", "decided by", "case")
    for each in told:
        sum_ = amount(each["amount_minor"], each["currency"])
        cells = (each["refund"], each["state"], each["loan_id"], sum_, each["way"], each["proposed_by"])
        shown.add_row(*map(str, (*cells, each["decided_by"] or "", each["case_id"])))
    for each in cases_open:
        minor = each["amount_minor"]
        sum_ = amount(minor, each["currency"]) if minor is not None else ""
        shown.add_row("", "to be proposed", each["loan_id"], sum_, "", "", "", each["case_id"])
    terminal().print(shown)


@app.command()
def propose(
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="The refund case, as `case list` shows it.")],
    by: _By,
    amount_major: Annotated[
        str | None, typer.Option("--amount", help="In major units; all that is paid too much where left out.")
    ] = None,
    payment_id: Annotated[
        str | None, typer.Option("--payment", help="Of which payment; the last one that suffices where left out.")
    ] = None,
    transfer: Annotated[
        bool, typer.Option("--transfer", help="By a transfer of the lender instead of the gateway.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Propose to give back what a refund case is about. Agents, operators and supervisors may.

    Example: starter.py refund propose demo-P-20417-1-1 --by marta
    """
    from domain.money import Money, parse_major
    from domain.payable import payable
    from domain.refunds import why_not_proposed
    from records import cases, loans, payments, refunds
    from records.tables import CaseState, RefundWay

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.writing() as session:
        who, role = account_of(session, by)
        try:
            case = cases.get(session, case_id)
        except cases.UnknownCase as error:
            raise Refused(str(error)) from None
        if case.kind != "refund" or case.state is not CaseState.OPEN:
            raise Refused(f"refused: case {case_id[:120]!r} is no open refund case")
        loan = loans.by_ref(session, case.loan_ref)
        excess = -payments.balance_due(session, loan)
        if case.amount_minor is not None:
            excess = min(excess, case.amount_minor)
        excess = payable(excess, loan.currency)
        try:
            minor = excess if amount_major is None else parse_major(amount_major, loan.currency)
        except ValueError as error:
            raise Refused(f"--amount: {error}") from None
        if minor != (whole := payable(minor, loan.currency)):
            next_lower = Money(amount_minor=whole, currency=loan.currency).major
            raise Refused(f"--amount: no decimals of {loan.currency} can be paid: {next_lower:.0f} is the next lower")
        payment = payment_of(session, loan, payment_id, minor)
        if (why := why_not_proposed(role, minor, excess, payment.amount_minor - payment.refunded_minor)) is not None:
            raise Refused(f"refused: {why}")
        way = RefundWay.TRANSFER if transfer else RefundWay.GATEWAY
        if way is RefundWay.GATEWAY and not gives_back(settings, payment):
            raise Refused(f"refused: {payment.provider} gives nothing back by itself: --transfer for the lender's own")
        at = datetime.now(UTC)
        try:
            task = refunds.propose(session, case, payment, amount_minor=minor, way=way, by=who, at=at)
        except refunds.RefundMoved as error:
            raise Refused(f"refused: {error}") from None
        told = refund_told(session, task, loan)
        doubtful = refunds.left_in_doubt(session, case_id)
        told["look_first"] = None if doubtful is None else f"refund {doubtful.id}: {refunds.LOOK_THERE}"
    words = f"refund {told['refund']} of {amount(minor, loan.currency)} waits for somebody else to approve it"
    _say(as_json, told, words if doubtful is None else f"{words}\nbefore that, {told['look_first']}")


@app.command()
def approve(number: _Refund, by: _By, as_json: JsonOption = False) -> None:
    """Approve a refund and give the money back. Supervisors may, never whoever proposed it.

    Said again it tries again what did not come to its end; the money goes back once.

    Example: starter.py refund approve 7 --by luis
    """
    settings, database = _decided(number, by, approved=True, why=None)
    _carried(settings, database, number, as_json)


@app.command()
def reject(
    number: _Refund,
    by: _By,
    why: Annotated[str, typer.Option(help="Why; kept with the refund. No personal data.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Reject a refund; another may be proposed for its case. Supervisors may, never whoever proposed it.

    Example: starter.py refund reject 7 --by luis --why "paid for another contract"
    """
    _, database = _decided(number, by, approved=False, why=why[:200] or None)
    _say(as_json, refund_shown(database, number), f"refund {number} rejected")


@app.command()
def paid(
    number: _Refund,
    reference: Annotated[
        str, typer.Option(help="The transfer's reference at the bank, or the gateway's of the refund.")
    ],
    by: _By,
    as_json: JsonOption = False,
) -> None:
    """Say that an approved refund was transferred by the lender, or that its gateway, whose answer was lost, shows it.

    Example: starter.py refund paid 7 --reference TR-5512 --by marta
    """
    from activities.gateways import Gateways
    from activities.refunds import Refunds
    from commands.payment_entry import checked
    from records import refunds

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        account_of(session, by)
    try:
        Refunds(database, Gateways()).told_paid(number, checked(reference, "--reference"), datetime.now(UTC))
    except (refunds.UnknownRefund, refunds.RefundMoved) as error:
        raise Refused(f"refused: {error}") from None
    _close_case(database, number)
    _say(as_json, refund_shown(database, number), f"refund {number} is done")


@app.command("not-made")
def not_made(number: _Refund, by: _By, as_json: JsonOption = False) -> None:
    """Say that a gateway whose answer was lost did not give a refund back: it may be proposed anew.

    Look in the gateway's own pages first: what it gave back all the same would be given back twice.

    Example: starter.py refund not-made 7 --by marta
    """
    from records import refunds

    database = configuration.records(configuration.settings())
    with database.writing(durable=True) as session:
        who, _ = account_of(session, by)
        try:
            refunds.not_made(session, refunds.get(session, number), by=who, at=datetime.now(UTC))
        except (refunds.UnknownRefund, refunds.RefundMoved) as error:
            raise Refused(f"refused: {error}") from None
    _say(as_json, refund_shown(database, number), f"refund {number} was not made; it may be proposed anew")


@app.command()
def run(as_json: JsonOption = False) -> None:
    """Try again all approved refunds whose gateway could not be reached. Exit code 1: one of them is not done.

    Example: starter.py refund run
    """
    from activities.refunds import Carried
    from records import refunds
    from records.tables import RefundState, RefundWay

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        found = refunds.listing(session, state=RefundState.APPROVED)
        numbers = [task.id for task, _ in found if task.id is not None and task.way is RefundWay.GATEWAY]
    tried, all_done = [], True
    for number in numbers:
        try:
            carried = _carry_out(settings, database, number)
        except (refunds.UnknownRefund, refunds.RefundMoved) as moved:
            # Somebody else settled it between our look and the gateway's answer.
            carried = Carried(False, str(moved))
        all_done &= carried.done
        tried.append(refund_shown(database, number) | {"detail": None if carried.done else carried.why})
        if not as_json:
            typer.echo(_outcome(number, carried))
    if as_json:
        print_json({"refunds": tried})
    elif not numbers:
        typer.echo("no approved refund waits for a gateway")
    if not all_done:
        raise typer.Exit(1)


def _decided(number: int, by: str, *, approved: bool, why: str | None) -> tuple[Settings, Database]:
    from domain.refunds import why_not_decided
    from records import loans, people, refunds

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.writing(durable=True) as session:
        who, role = account_of(session, by)
        try:
            task = refunds.get(session, number)
            if (refused := why_not_decided(role, who, task.proposed_by)) is not None:
                raise Refused(f"refused: {refused}")
            person = people.of_loan(session, loans.by_ref(session, task.loan_ref))
            check_kept("--why: say why", why or "", person.name, person.phone)
            refunds.decide(session, task, approved=approved, by=who, at=datetime.now(UTC), why=why)
        except (refunds.UnknownRefund, refunds.RefundMoved) as error:
            raise Refused(f"refused: {error}") from None
    return settings, database


def _carried(settings: Settings, database: Database, number: int, as_json: bool) -> None:
    carried = _carry_out(settings, database, number)
    told = refund_shown(database, number)
    _say(as_json, told if carried.done else told | {"detail": carried.why}, _outcome(number, carried))
    if not carried.done:
        raise typer.Exit(1)


def _carry_out(settings: Settings, database: Database, number: int) -> Carried:
    """Give it back at its gateway, and settle its case once it is done."""
    import httpx

    from activities.composition import connect_gateways
    from activities.refunds import Refunds

    async def work() -> Carried:
        async with httpx.AsyncClient() as client:
            return await Refunds(database, connect_gateways(settings, client, database)).carry_out(
                number, datetime.now(UTC)
            )

    carried = asyncio.run(work())
    if carried.done:
        _close_case(database, number)
    return carried


def _outcome(number: int, carried: Carried) -> str:
    return f"refund {number} is done" if carried.done else f"refund {number} is not done: {carried.why}"


def _close_case(database: Database, number: int) -> None:
    """The case is settled by whoever approved; where Temporal is away it stays open for a person to settle."""
    from commands.case import _decide, settle_in_records
    from commands.temporal_session import with_temporal
    from domain.events.control import CaseDecision, Decide
    from records import cases, loans, refunds
    from records.tables import CaseState, LoanState
    from workflows.connection import NoTemporal

    with database.reading() as session:
        task = refunds.get(session, number)
        case = cases.get(session, task.case_id)
        loan = loans.by_ref(session, task.loan_ref)
        who = task.decided_by or "refund"
    if case.state is not CaseState.OPEN:
        return
    order = Decide(case_id=case.case_id, decision=CaseDecision.CONTINUE, by=who, note=f"refund {number} was given back")
    try:
        if loan.state is LoanState.ENDED:
            settle_in_records(database, loan, order)
        else:
            with_temporal(lambda client: _decide(client, database, loan, order))
    except (NoTemporal, Refused, cases.CaseClosed) as why:
        with database.reading() as session:
            settled = cases.get(session, case.case_id).state is not CaseState.OPEN
        if not settled:
            typer.echo(f"case {case.case_id} stays open ({why}): settle it with `case decide`", err=True)


def _say(as_json: bool, told: dict[str, Any], words: str) -> None:
    if as_json:
        print_json(told)
    else:
        typer.echo(words)
