"""`loan promise` and what else an operator agrees on with a borrower."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.acting import named
from commands.console import JsonOption, Refused, print_json
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.loan_orders import tell_loan

if TYPE_CHECKING:
    from temporalio.client import WorkflowHandle

    from records.database import Database
    from records.tables import Loan

ByOption = Annotated[str, typer.Option("--by", help="Who agreed it: an operator's or agent's id, never a name.")]
ViaOption = Annotated[str, typer.Option("--via", help="How the borrower said yes: message, agent, keypad or page.")]
MessageOption = Annotated[str | None, typer.Option("--message-id", help="The message in which they said it.")]
WordsOption = Annotated[
    str | None, typer.Option("--words", help="What they said. Kept sealed in the records; Temporal gets its hash.")
]


def register_agreements(app: typer.Typer) -> None:
    """Add these commands to the `loan` group."""
    app.command("promise")(promise)
    app.command("cancel-agreement")(cancel_agreement)
    app.command("agreement-document")(agreement_document)
    app.command("page")(page)


def promise(
    loan_id: LoanArgument,
    amount_major: Annotated[str, typer.Option("--amount", help="In major units, such as 120.50.")],
    on: Annotated[str, typer.Option("--date", help="The last day of the promise, such as 2026-03-10.")],
    by: ByOption,
    via: ViaOption = "agent",
    message_id: MessageOption = None,
    words: WordsOption = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take down a borrower's promise to pay. Planned messages wait until its day and the grace have passed.

    A promise takes the place of one that is still open. How many, how far ahead and how small is the strategy's.

    Examples:

      starter.py loan promise P-20417 --amount 120.50 --date 2026-03-10 --by agent-7

      starter.py loan promise P-20417 --amount 80 --date 2026-03-10 --by agent-7 --words "te pago el martes" --json
    """
    day = day_of(on, "--date")
    checked_via(via)

    async def order(loan: Loan, database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        asked = {
            "amount_minor": minor_of(amount_major, loan.currency, "--amount"),
            "date": day.isoformat(),
            "by": named(database, by),
            "via": via,
            "currency": loan.currency,
        }
        return await tell(handle, "promise", asked | evidence(database, loan, message_id, words, always=via != "agent"))

    tell_loan(loan_id, lender, order, as_json)


def cancel_agreement(
    loan_id: LoanArgument,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The agreement's number, as `loan show` lists it.")],
    by: ByOption,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call off an agreement, or an offer that waits for its answer. The sequence goes on where it stood.

    Example: starter.py loan cancel-agreement P-20417 2 --by agent-7
    """

    async def order(_loan: Loan, database: Database, handle: WorkflowHandle[object, object]) -> str:
        from commands.temporal_session import tell

        return await tell(handle, "cancel_agreement", {"number": number, "by": named(database, by)})

    tell_loan(loan_id, lender, order, as_json)


def agreement_document(
    loan_id: LoanArgument,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The agreement's number, as `loan show` lists it.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the PDF.")],
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the document of an agreement, as it was made when it came into force. It names the person.

    Example: starter.py loan agreement-document P-20417 3 agreement.pdf
    """
    from activities.agreement_papers import AgreementPapers
    from records import agreements

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
        agreement = agreements.find(session, loan, number)
        if agreement is not None and not agreements.was_in_force(agreement):
            why = f"is {agreement.state.replace('_', ' ')} and has not been in force"
            raise Refused(f"{agreement.kind} {number} {why}: a document is made when it comes into force")
    made = AgreementPapers(database, settings).make(loan.lender, loan.loan_id, number, datetime.now(UTC))
    if made is None or not made.pdf:
        raise Refused(f"loan {loan_id!r} has no document of an agreement {number}")
    try:
        file.write_bytes(made.pdf)
    except OSError as error:
        raise Refused(f"{file}: cannot be written: {error.strerror}") from None
    if as_json:
        print_json({"lender": loan.lender, "loan_id": loan.loan_id, "number": made.number, "file": str(file)})
    else:
        typer.echo(f"document {made.number} written to {file}")


def page(loan_id: LoanArgument, lender: LenderOption = None, as_json: JsonOption = False) -> None:
    """The address of the borrower's own page: what can be agreed on, a promise, a yes. For the borrower alone.

    Example: starter.py loan page P-20417
    """
    from config.agreement_addresses import agreement_address
    from config.signed_addresses import SignedAddresses

    settings = configuration.settings()
    if settings.web.link_secret is None or settings.web.public_url is None:
        raise Refused("no address can be signed: RECOBRO_WEB__LINK_SECRET and RECOBRO_WEB__PUBLIC_URL are not set")
    with configuration.records(settings).reading() as session:
        loan = find_loan(session, loan_id, lender)
    addresses = SignedAddresses(settings.web.link_secret, settings.web.public_url)
    address = agreement_address(addresses, loan.lender, loan.loan_id, datetime.now(UTC))
    if as_json:
        print_json({"lender": loan.lender, "loan_id": loan.loan_id, "address": address})
    else:
        typer.echo(address)


def evidence(
    database: Database, loan: Loan, message_id: str | None, words: str | None, *, always: bool
) -> dict[str, Any]:
    """What proves the borrower's yes; their words go into the records, sealed, before the loan hears of them."""
    from domain.message_names import without_number
    from records import agreements

    now = datetime.now(UTC)
    if message_id is None and words is None and not always:
        return {}
    told: dict[str, Any] = {"at": now.isoformat()}
    if message_id is not None:
        told["message_id"] = message_id = without_number(message_id)
    if words is not None:
        with database.writing() as session:
            kept = agreements.keep_words(session, loan, words, at=now, message_id=message_id)
            told["text_sha256"] = kept.sha256
    return {"evidence": told}


def day_of(text: str, option: str) -> date:
    """A date as ISO 8601, of a year that a loan takes. Raises Refused."""
    from pydantic import TypeAdapter, ValidationError

    from domain.events.values import Day

    try:
        return TypeAdapter[date](Day).validate_python(text)
    except ValidationError:
        raise Refused(f"{option}: {text[:40]!r}: expected a date such as 2026-03-10") from None


def minor_of(text: str, currency: str, option: str) -> int:
    """Minor units of an amount in major units. Raises Refused."""
    from domain.money import parse_major

    try:
        return parse_major(text, currency)
    except ValueError as wrong:
        raise Refused(f"{option}: {wrong}") from None


def checked_via(text: str) -> None:
    from domain.agreements.model import Via

    if text not in set(Via):
        raise Refused(f"--via: {text[:40]!r}: expected one of {', '.join(Via)}")
