"""`mandate`: what a borrower signed so that their account may be debited."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, operator_app, print_json, table, terminal
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.person_data import WHO, WHY, check_kept
from domain.direct_debit import MandateScheme, MandateStatus, SequenceType

if TYPE_CHECKING:
    from records.tables import Mandate

app = operator_app("Mandates to collect by direct debit: add, list, cancel.")
_By = Annotated[str, typer.Option("--by", help="Who says so, for the audit trail.")]
_Reference = Annotated[str, typer.Option("--reference", help="The mandate's own reference: 1 to 35 characters.")]


@app.command()
def add(
    loan_id: LoanArgument,
    reference: _Reference,
    signed: Annotated[str, typer.Option("--signed", help="The day it was signed: 2026-03-14.")],
    iban: Annotated[
        str | None, typer.Option(help="The account. Left out, it is read from standard input: no history keeps it.")
    ] = None,
    holder: Annotated[str | None, typer.Option(help="Whose account it is, if not the borrower's own.")] = None,
    sequence: Annotated[
        SequenceType, typer.Option(help="FRST: none was collected yet; RCUR: some were; OOFF: for one debit only.")
    ] = SequenceType.FRST,
    scheme: Annotated[
        MandateScheme | None, typer.Option(help="CORE or B2B; left out: that of whoever collects for the lender.")
    ] = None,
    by: _By = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the mandate a borrower signed. It holds for all loans of the person; the last one signed is used.

    Saying it again changes nothing. The account is kept sealed under the person's key.

    Example: starter.py mandate add P-20417 --reference M-20417 --signed 2026-03-14 < iban.txt
    """
    from records import audit, mandates, people

    check_kept(WHO, by)
    given = iban if iban is not None else sys.stdin.readline()
    account, bic = read_iban(given)
    signed_on = read_day(signed, "--signed")
    checked_reference(reference)
    settings = configuration.settings()
    now = datetime.now(UTC)
    if signed_on > now.date():
        raise Refused(f"--signed: {signed_on} lies ahead: a mandate is signed before it is kept")
    with configuration.records(settings).writing() as session:
        loan = find_loan(session, loan_id, lender)
        new = mandates.add(
            session,
            people.of_loan(session, loan),
            reference=reference,
            iban=account,
            holder=holder,
            bic=bic,
            signed_on=signed_on,
            sequence=sequence,
            scheme=scheme,
            at=now,
        )
        if new:
            audit.append(
                session,
                at=now,
                actor=by[:80],
                action="mandate_added",
                lender=loan.lender,
                loan_id=loan.loan_id,
                details={"reference": reference, "sequence": sequence.value},
            )
    if as_json:
        print_json({"lender": loan.lender, "loan_id": loan.loan_id, "reference": reference, "new": new})
        return
    typer.echo(f"mandate {reference} {'kept' if new else 'was kept already'}: debits may be made for {loan.loan_id}")


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: loan_id, reference, iban, signed[, holder, sequence, scheme].")
    ],
    by: _By = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the mandates of a CSV file with a heading line; all of them, or none where one is wrong.

    Example: starter.py mandate import mandates.csv --lender demo
    """
    from commands.mandate_file import read_mandates
    from records import audit, mandates, people
    from records.mandates import MandateExists

    check_kept(WHO, by)
    rows = read_mandates(file)
    now = datetime.now(UTC)
    wrong: list[str] = []
    new = 0
    with configuration.records(configuration.settings()).writing() as session:
        for row in rows:
            try:
                loan = find_loan(session, row.loan_id, lender)
                added = mandates.add(
                    session,
                    people.of_loan(session, loan),
                    reference=row.reference,
                    iban=row.iban,
                    holder=row.holder,
                    bic=row.bic,
                    signed_on=row.signed_on,
                    sequence=row.sequence,
                    scheme=row.scheme,
                    at=now,
                )
            except (Refused, MandateExists) as error:
                wrong.append(f"line {row.line}: {error}")
                continue
            new += added
            if added:
                audit.append(
                    session,
                    at=now,
                    actor=by[:80],
                    action="mandate_added",
                    lender=loan.lender,
                    loan_id=loan.loan_id,
                    details={"reference": row.reference, "sequence": row.sequence.value},
                )
        if wrong:
            raise Refused(f"{file.name}: nothing was kept: {'; '.join(wrong[:10])}")
    if as_json:
        print_json({"mandates": len(rows), "new": new})
        return
    typer.echo(f"{new} mandates kept, {len(rows) - new} were kept already")


@app.command("list")
def list_mandates(
    loan_id: Annotated[str | None, typer.Option("--loan", help="Only those of who owes this loan.")] = None,
    status: Annotated[MandateStatus | None, typer.Option(help="Only active, blocked or cancelled ones.")] = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """List mandates; of an account only its last four digits are shown.

    Example: starter.py mandate list --status blocked
    """
    from records import mandates, people

    with configuration.records(configuration.settings()).reading() as session:
        if loan_id is not None:
            loan = find_loan(session, loan_id, lender)
            rows = [row for row in mandates.of_person(session, loan.person_ref) if status in (None, row.status)]
        else:
            rows = list(mandates.listing(session, lender=lender, status=status))
        told = [_told(row, people.get(session, row.person_ref).person_id) for row in rows]
    if as_json:
        print_json({"mandates": told})
        return
    shown = table("lender", "reference", "person", "account", "signed", "next", "status", "why")
    for one in told:
        shown.add_row(
            *(str(one[key] or "") for key in ("lender", "reference", "person_id", "account", "signed_on")),
            *(str(one[key] or "") for key in ("sequence", "status", "reason")),
        )
    terminal().print(shown if told else "no mandates")


@app.command()
def cancel(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The mandate's own reference.")],
    reason: Annotated[str, typer.Option(help="Why; no personal data.")] = "cancelled by the lender",
    by: _By = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a mandate for good. Debits that are not with the bank yet are not made.

    Example: starter.py mandate cancel M-20417 --reason "the borrower wrote on 12 May"
    """
    from records import audit, mandates, people
    from records.mandates import UnknownMandate

    check_kept(WHO, by)
    now = datetime.now(UTC)
    with configuration.records(configuration.settings()).writing() as session:
        found = [row for row in mandates.listing(session, lender=lender) if row.reference == reference]
        if not found:
            raise UnknownMandate(f"no mandate {reference!r}")
        if len(found) > 1:
            raise Refused(f"mandate {reference!r} is known of {', '.join(row.lender for row in found)}: say --lender")
        mandate = found[0]
        person = people.get(session, mandate.person_ref)
        check_kept(WHY, reason, person.name, person.phone)
        changed = mandates.set_status(session, mandate, MandateStatus.CANCELLED, reason=reason, at=now)
        if changed:
            audit.append(
                session,
                at=now,
                actor=by[:80],
                action="mandate_cancelled",
                lender=mandate.lender,
                details={"reference": reference, "reason": reason[:80]},
            )
    if as_json:
        print_json({"lender": mandate.lender, "reference": reference, "changed": changed})
        return
    typer.echo(f"mandate {reference} {'cancelled' if changed else 'was cancelled already'}")


def read_iban(text: str) -> tuple[str, str | None]:
    """The account without spaces, and its bank where that is known. Raises Refused; the text never holds it."""
    from schwifty import IBAN
    from schwifty.exceptions import SchwiftyException

    try:
        account = IBAN(text.strip())
    except SchwiftyException as wrong:
        raise Refused(f"--iban: this is no IBAN: {str(wrong).split(':')[0][:60].lower()}") from None
    try:
        bic = account.bic
    except SchwiftyException:
        bic = None
    return str(account), None if bic is None else str(bic)


def read_day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(f"{option}: expected a day such as 2026-03-14") from None


def checked_reference(text: str) -> str:
    """SEPA's restricted identification: what every bank takes (EPC130-08, 1.5). Raises Refused."""
    allowed = all(c.isascii() and (c.isalnum() or c in "+?/-:().,'") for c in text)
    if not 1 <= len(text) <= 35 or not allowed or text[0] == "/" or "//" in text:
        raise Refused("--reference: expected 1 to 35 letters, digits or + ? / - : ( ) . , ' and no / first or twice")
    return text


def _told(mandate: Mandate, person_id: str) -> dict[str, Any]:
    return {
        "lender": mandate.lender,
        "reference": mandate.reference,
        "person_id": person_id,
        "account": f"{mandate.iban[:4]}...{mandate.iban[-4:]}" if mandate.iban else None,
        "signed_on": mandate.signed_on.isoformat(),
        "scheme": mandate.scheme.value if mandate.scheme else None,
        "sequence": mandate.sequence.value,
        "status": mandate.status.value,
        "reason": mandate.reason,
        "last_used_on": mandate.last_used_on.isoformat() if mandate.last_used_on else None,
    }
