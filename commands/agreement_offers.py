"""`loan offers|plan|settlement|restructure|approve|accept|move-due-date`: what may be agreed on, and agreeing on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.acting import acting, authority_of, named
from commands.agreements import (
    ByOption,
    MessageOption,
    ViaOption,
    WordsOption,
    checked_via,
    day_of,
    evidence,
    minor_of,
)
from commands.console import JsonOption, Refused, amount, print_json, table, terminal
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.loan_orders import tell_loan

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowHandle

    from domain.agreements.model import AgreementKind
    from domain.agreements.offers import Offer, OfferRequest, Offers
    from domain.agreements.terms import Authority
    from records.database import Database
    from records.tables import Loan

RoleOption = Annotated[str, typer.Option("--role", help="What they may agree on: machine, agent or supervisor.")]
OptionName = Annotated[str, typer.Option("--option", help="The catalogue's option, as `loan offers` names it.")]
Bearable = Annotated[
    str | None,
    typer.Option("--bearable", help="What they can pay each time, in major units. Else read off the balance history."),
]
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="The agreement's number, as `loan show` has it.")]


def register_offers(app: typer.Typer) -> None:
    """Add these commands to the `loan` group."""
    app.command("offers")(offers)
    app.command("plan")(plan)
    app.command("settlement")(settlement)
    app.command("restructure")(restructure)
    app.command("approve")(approve)
    app.command("accept")(accept)
    app.command("move-due-date")(move_due_date)


def offers(
    loan_id: LoanArgument,
    role: RoleOption = "agent",
    bearable: Bearable = None,
    by: Annotated[str, typer.Option("--by", help="Who asks: an operator's or agent's id.")] = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """What may be offered to the borrower now, with the rule that allows each. Kept in the audit trail.

    Examples:

      starter.py loan offers P-20417

      starter.py loan offers P-20417 --role supervisor --bearable 40 --json
    """
    database = configuration.records(configuration.settings())
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
    request, found = asked(database, loan, _role(role), bearable, by)
    if as_json:
        print_json(
            {
                "lender": loan.lender,
                "loan_id": loan.loan_id,
                "request": request.model_dump(mode="json", exclude={"holidays"}),
                **found.model_dump(mode="json"),
            }
        )
        return
    if found.offers:
        shown = table("kind", "option", "total", "payments", "needs", "rule")
        for offer in found.offers:
            needs = offer.needs.value + (" (approval)" if offer.approval else "")
            total = amount(offer.total_minor, request.currency)
            shown.add_row(offer.kind, offer.option, total, _payments(offer, request.currency), needs, offer.rule)
        terminal().print(shown)
    for why in found.left_out:
        typer.echo(f"not offered: {why}")


def plan(
    loan_id: LoanArgument,
    option: OptionName,
    by: ByOption,
    role: RoleOption = "agent",
    via: ViaOption = "agent",
    bearable: Bearable = None,
    message_id: MessageOption = None,
    words: WordsOption = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree on a plan: the same debt in instalments. With --words or --message-id the borrower's yes is recorded and it
    is in force; without, it is an offer that waits for `loan accept`.

    Example: starter.py loan plan P-20417 --option monthly --by agent-7 --words "sí, de acuerdo"
    """
    _agree("plan", loan_id, option, None, by, role, via, bearable, message_id, words, lender, as_json)


def settlement(
    loan_id: LoanArgument,
    option: OptionName,
    by: ByOption,
    percent: Annotated[int | None, typer.Option(help="Of the debt; without it the dearest that is offered.")] = None,
    role: RoleOption = "agent",
    via: ViaOption = "agent",
    message_id: MessageOption = None,
    words: WordsOption = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree on a settlement: less than the debt, the rest forgiven once all of it has come. Below an agent's share it
    waits for another person's `loan approve`.

    Example: starter.py loan settlement P-20417 --option pre-legal --percent 80 --by agent-7 --message-id SM123
    """
    _agree("settlement", loan_id, option, percent, by, role, via, None, message_id, words, lender, as_json)


def restructure(
    loan_id: LoanArgument,
    option: OptionName,
    by: ByOption,
    role: RoleOption = "agent",
    via: ViaOption = "agent",
    bearable: Bearable = None,
    message_id: MessageOption = None,
    words: WordsOption = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Agree on a new schedule in the place of the old one.

    Example: starter.py loan restructure P-20417 --option a-year --by boss-1 --role supervisor
    """
    _agree("restructuring", loan_id, option, None, by, role, via, bearable, message_id, words, lender, as_json)


def approve(
    loan_id: LoanArgument,
    number: NumberArgument,
    by: Annotated[str, typer.Option("--by", help="The account of whoever approves, see `account list`.")],
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve an offer that goes beyond what its proposer may agree on. Never one's own: an agent's or supervisor's
    account, with the authority of its role.

    Example: starter.py loan approve P-20417 3 --by boss-1
    """
    actor, authority = authority_of(configuration.records(configuration.settings()), by)
    order = {"number": number, "by": actor, "role": authority.value}
    _send(loan_id, "approve_offer", order, lender, as_json)


def accept(
    loan_id: LoanArgument,
    number: NumberArgument,
    by: ByOption,
    via: ViaOption = "agent",
    message_id: MessageOption = None,
    words: WordsOption = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the borrower's yes to an offer that needs no more approval: it is in force.

    Example: starter.py loan accept P-20417 3 --by agent-7 --words "sí, acepto"
    """
    checked_via(via)
    if message_id is None and words is None:
        raise Refused("--words or --message-id is missing: a yes is recorded with what was said")

    async def order(loan: Loan, database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        said = evidence(database, loan, message_id, words, always=True)
        order = {"number": number, "by": named(database, by), "via": via}
        return await tell(handle, "accept_offer", order | said)

    tell_loan(loan_id, lender, order, as_json)


def move_due_date(
    loan_id: LoanArgument,
    number: NumberArgument,
    to: Annotated[str, typer.Option("--to", help="The new day, such as 2026-03-17.")],
    by: ByOption,
    message_id: MessageOption = None,
    words: WordsOption = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the next due date of an agreement, once, within what the strategy allows; with the borrower's yes to it.

    Example: starter.py loan move-due-date P-20417 3 --to 2026-03-17 --by agent-7 --words "sí, mejor el 17"
    """
    day = day_of(to, "--to").isoformat()

    async def order(loan: Loan, database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        said = evidence(database, loan, message_id, words, always=False)
        return await tell(handle, "move_due_date", {"number": number, "to": day, "by": named(database, by)} | said)

    tell_loan(loan_id, lender, order, as_json)


def asked(
    database: Database, loan: Loan, role: Authority, bearable: str | None, by: str
) -> tuple[OfferRequest, Offers]:
    """Ask the offer engine as the loan stands now; request and answer go into the audit trail."""
    from commands.loan_lookup import what_it_knows
    from commands.temporal_session import with_temporal
    from domain.agreements.offers import offers as offered
    from domain.agreements.offers import request_of
    from records import offer_log

    async def look(client: Client) -> Any:
        return await what_it_knows(client, database, loan)

    known = with_temporal(look)
    at = datetime.now(UTC)
    if bearable is not None:
        can_bear: int | None = minor_of(bearable, loan.currency, "--bearable")
    else:
        with database.reading() as session:
            can_bear = offer_log.bearable(session, loan, known.state.facts.local_date(at))
    request = request_of(known.state, known.at, role, can_bear)
    found = offered(request, known.state.strategy)
    with database.writing() as session:
        offer_log.keep(session, loan, request, found, actor=by, at=at)
    return request, found


def _agree(
    kind: str,
    loan_id: str,
    option: str,
    percent: int | None,
    by: str,
    role: str,
    via: str,
    bearable: str | None,
    message_id: str | None,
    words: str | None,
    lender: str | None,
    as_json: bool,
) -> None:
    from domain.agreements.model import AgreementKind, Via
    from domain.agreements.offers import agreeing

    checked_via(via)
    authority = _role(role)
    database = configuration.records(configuration.settings())
    actor = acting(database, by, authority)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
    request, found = asked(database, loan, authority, bearable, actor)
    offer = _chosen(found, AgreementKind(kind), option, percent)
    agreed = agreeing(offer, by=actor, role=authority, via=Via(via), holidays=request.holidays)
    event = agreed.model_dump(mode="json", exclude_none=True)

    async def order(loan: Loan, database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        return await tell(handle, kind, event | evidence(database, loan, message_id, words, always=False))

    tell_loan(loan_id, lender, order, as_json)


def _chosen(found: Offers, kind: AgreementKind, option: str, percent: int | None) -> Offer:
    fitting = [offer for offer in found.offers if (offer.kind, offer.option) == (kind, option)]
    if percent is not None:
        fitting = [offer for offer in fitting if offer.percent == percent]
    if fitting:
        return fitting[0]
    why = next((line for line in found.left_out if line.startswith((f"{kind} {option}:", f"{kind}:"))), None)
    there = ", ".join(
        offer.option + (f" at {offer.percent} %" if offer.percent else "")
        for offer in found.offers
        if offer.kind is kind
    )
    raise Refused(
        f"no such {kind} is offered: {why or f'expected one of {there}' if there or why else 'there is none'}"
    )


def _send(loan_id: str, update: str, order: dict[str, Any], lender: str | None, as_json: bool) -> None:
    async def send(_loan: Loan, _database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        return await tell(handle, update, order)

    tell_loan(loan_id, lender, send, as_json)


def _role(text: str) -> Authority:
    from domain.agreements.terms import Authority

    if text not in set(Authority):
        raise Refused(f"--role: {text[:40]!r}: expected one of {', '.join(Authority)}")
    return Authority(text)


def _payments(offer: Offer, currency: str) -> str:
    return ", ".join(f"{amount(each.amount_minor, currency)} by {each.due:%d %b %Y}" for each in offer.payments)
