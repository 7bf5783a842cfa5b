"""`payment`: money that came by a way no webhook tells of: a transfer, cash, the lender's own ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from commands import configuration
from commands.console import JsonOption, Refused, amount, iso, operator_app, print_json
from commands.loan_lookup import LenderOption, LoanArgument, find_loan

app = operator_app("Payments that no webhook tells of: record them, take them back.")

_Id = Annotated[str, typer.Option("--id", help="The payment's own id: recorded once, however often you say it.")]
_Provider = Annotated[str, typer.Option(help="Who handled the money: bank, cash, stripe ...")]


@app.command()
def record(
    loan_id: LoanArgument,
    payment_id: _Id,
    amount_major: Annotated[
        str | None, typer.Argument(metavar="[AMOUNT]", help="In major units with a point: 120.50")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="ISO code; must be the loan's. Default: the loan's.")] = None,
    paid_at: Annotated[
        str | None, typer.Option(help="Value date: a day where the borrower lives, or a moment. Default: now.")
    ] = None,
    provider: _Provider = "manual",
    reverse_it: Annotated[
        bool, typer.Option("--reverse", help="Take the payment of this id back instead; needs no AMOUNT.")
    ] = False,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a payment of LOAN, or take one back. It counts once by --provider and --id, whoever reports it again.

    It goes the way of a webhook: kept in the records first, then told to the loan. Should Temporal be away, the web
    app tells the loan as soon as it is back.

    Examples:

      starter.py payment record P-20417 120.50 --id TR-881 --provider bank --paid-at 2026-11-20

      starter.py payment record P-20417 --id TR-881 --provider bank --reverse
    """
    from commands.payment_entry import HEAD_START, checked, read_payment, tell_the_loan
    from web.payment_entry import ENTERED_BY_HAND, Entry, PaymentRefused, enter_payment, enter_reversal

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
    entry = Entry(ENTERED_BY_HAND, datetime.now(UTC), HEAD_START)
    try:
        if reverse_it:
            if amount_major is not None or paid_at is not None or currency is not None:
                raise Refused(
                    "--reverse takes back the whole payment of --id: leave AMOUNT, --currency and --paid-at out"
                )
            names = checked(provider, "--provider"), checked(payment_id, "--id")
            entered = enter_reversal(database, loan, *names, entry)
        else:
            if amount_major is None:
                raise Refused("AMOUNT is missing: expected one such as 120.50")
            new = read_payment(database, loan, amount_major, currency, paid_at, provider, payment_id)
            entered = enter_payment(database, loan, new, entry)
    except PaymentRefused as error:
        raise Refused(str(error)) from None
    answer = tell_the_loan(settings, database, entered)
    told = {
        "lender": loan.lender,
        "loan_id": loan.loan_id,
        "provider": provider,
        "payment_id": payment_id,
        "reversed": reverse_it,
        "new": entered.new,
        "amount_minor": entered.amount_minor,
        "currency": loan.currency,
        "paid_at": iso(entered.paid_at),
        "balance_due_minor": entered.balance_minor,
        "loan_told": answer.told,
        "detail": answer.detail,
    }
    if as_json:
        print_json(told)
        return
    what = f"{amount(entered.amount_minor, loan.currency)} of loan {loan.loan_id}"
    done = "taken back" if reverse_it else "recorded"
    known = "" if entered.new else " (known before: it counts once)"
    typer.echo(f"{what} {done}{known}; {amount(entered.balance_minor, loan.currency)} due now; {answer.detail}")


@app.command()
def reverse(
    loan_id: LoanArgument,
    payment_id: _Id,
    provider: _Provider = "manual",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a payment back (a bounced transfer, a chargeback): the same as `payment record --reverse`.

    Example: starter.py payment reverse P-20417 --id TR-881 --provider bank
    """
    record(loan_id, payment_id, None, None, None, provider, True, lender, as_json)


@app.command()
def receipt(
    loan_id: LoanArgument,
    payment_id: _Id,
    out: Annotated[Path, typer.Option(help="Where to write the PDF; must not be there yet.")],
    provider: _Provider = "manual",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the receipt of a payment as PDF. It is made once and kept with the loan; asked again it is the same.

    Example: starter.py payment receipt P-20417 --id TR-881 --provider bank --out receipt.pdf
    """
    from activities.receipts import Receipts, pdf_of
    from records import payments

    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
        payment = payments.find(session, provider, payment_id)
    if payment is None or payment.loan_ref != loan.id:
        raise Refused(f"loan {loan.loan_id!r} has no payment {payment_id[:60]!r} of {provider[:40]!r}")
    try:
        document = Receipts(database, settings).receipt(payment, datetime.now(UTC))
        pdf = pdf_of(document)
    except ValueError as why:
        raise Refused(f"refused: {why}") from None
    if not pdf:
        raise Refused("refused: the person was erased, and with them what their receipt says")
    try:
        with out.open("xb") as file:
            file.write(pdf)
    except FileExistsError:
        raise Refused(f"--out: {out} is there already") from None
    except OSError as error:
        raise Refused(f"--out: {out} cannot be written: {error.strerror}") from None
    if as_json:
        print_json({"number": document.number, "made_at": iso(document.made_at), "file": str(out)})
        return
    typer.echo(f"receipt {document.number} written to {out}")
