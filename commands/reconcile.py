"""`reconcile`: whose is the money on the bank's statement, and do the gateways' lists agree with ours?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, amount, operator_app, print_json, table, terminal
from commands.loan_lookup import LenderOption
from commands.person_data import WHO, WHY, check_kept
from commands.reconcile_gateways import gateways
from commands.reconcile_match import ByOption, EntryArgument, match

if TYPE_CHECKING:
    from sqlmodel import Session

    from records.tables import BankEntryRow

app = operator_app("Bank statements matched to loans; gateways' lists compared with the records.")
app.command()(gateways)

_Contact = Annotated[bool, typer.Option("--contact-data", help="Show who paid and what they wrote.")]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="camt.053, camt.054, pain.002, MT940, or CSV.")],
    mapping: Annotated[
        Path | None, typer.Option(help="How a CSV file is read: YAML, see docs/reconciliation.md.")
    ] = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in a bank's file: what is surely a loan's becomes a payment, the rest waits in `reconcile list`.

    A file is taken in whole or, where a line is wrong, not at all. Taken in again it changes nothing, and an entry that
    several files tell of counts once. Exit code 1: something waits for a person.

    Examples:

      starter.py reconcile import statement.xml

      starter.py reconcile import movements.csv --mapping our-bank.yaml
    """
    from activities.bank_files import BankDesk
    from commands.debit import taken_in, taken_in_words
    from config.statement_mapping import MappingError, load_statement_mapping
    from domain.bank_news import FileUnreadable
    from providers.bankfiles.any_file import MOST_BYTES, read_any

    try:
        if file.stat().st_size > MOST_BYTES:
            raise Refused(f"{file.name}: larger than {MOST_BYTES // 1024 // 1024} MiB")
        body = file.read_bytes()
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or type(error).__name__}") from None
    try:
        parts = read_any(body, load_statement_mapping(mapping) if mapping is not None else None)
    except FileUnreadable as why:
        raise Refused(f"{file.name}: nothing was taken in: {why}") from None
    except MappingError as why:
        raise Refused("; ".join(str(why).splitlines())) from None
    settings = configuration.settings()
    taken = BankDesk(configuration.records(settings), settings).take_in(
        parts, body, file.name, datetime.now(UTC), lender
    )
    if as_json:
        print_json(taken_in(taken))
    else:
        typer.echo(taken_in_words(taken))
    if taken.counts["waiting"]:
        if not as_json:
            typer.echo(f"{taken.counts['waiting']} wait for a person: see `reconcile list`", err=True)
        raise typer.Exit(1)


@app.command()
def fetch(as_json: JsonOption = False) -> None:
    """Take in the statements that lie in the folders of RECOBRO_STATEMENTS, as the daily run does.

    What was taken in is moved to done/, what cannot be read to refused/ beside its reason.

    Example: starter.py reconcile fetch
    """
    from activities.statement_folders import StatementFolders
    from commands.debit import taken_in, taken_in_words

    settings = configuration.settings()
    if not settings.statements:
        raise Refused("RECOBRO_STATEMENTS is not set: no folder is looked into")
    found = StatementFolders(configuration.records(settings), settings).take_in(datetime.now(UTC))
    if as_json:
        print_json({"files": [taken_in(one) for one in found.taken], "refused": found.refused})
    else:
        for one in found.taken:
            typer.echo(taken_in_words(one))
        if not found.taken and not found.refused:
            typer.echo("nothing new")
        for name, why in sorted(found.refused.items()):
            typer.echo(f"{name}: {why}", err=True)
        if found.waiting:
            typer.echo(f"{found.waiting} wait for a person: see `reconcile list`", err=True)
    if found.refused or found.waiting:
        raise typer.Exit(1)


@app.command("list")
def list_entries(
    state: Annotated[str, typer.Option(help="waiting, matched, debit, ignored, not_ours or all.")] = "waiting",
    contact_data: _Contact = False,
    limit: Annotated[int, typer.Option(min=1)] = 200,
    as_json: JsonOption = False,
) -> None:
    """List entries of bank statements; those that wait for a person, unless --state says otherwise.

    Example: starter.py reconcile list --contact-data
    """
    from records import bank_entries
    from records.tables import EntryState

    if state != "all" and state not in set(EntryState):
        raise Refused(f"--state: expected all or one of {', '.join(EntryState)}")
    with configuration.records(configuration.settings()).reading() as session:
        wanted = None if state == "all" else EntryState(state)
        told = [_told(session, row, contact_data) for row in bank_entries.listing(session, state=wanted, limit=limit)]
    if as_json:
        print_json({"entries": told})
        return
    shown = table("entry", "booked", "amount", "state", "why", *(["payer", "text"] if contact_data else []))
    for one in told:
        money = ("" if one["credit"] else "-") + amount(one["amount_minor"], one["currency"])
        cells = [str(one["entry"]), one["booked_on"], money, one["state"], one["why"] or ""]
        shown.add_row(*cells, *([one["payer"] or "", one["text"] or ""] if contact_data else []))
    terminal().print(shown if told else "nothing waits")


@app.command()
def suggest(entry_id: EntryArgument, contact_data: _Contact = False, as_json: JsonOption = False) -> None:
    """Say which loans a waiting entry may be for, the likeliest first, and why.

    Example: starter.py reconcile suggest 17
    """
    from activities.loan_candidates import LoanCandidates
    from records import bank_entries
    from records.bank_entries import UnknownEntry
    from records.tables import BankEntryRow

    with configuration.records(configuration.settings()).reading() as session:
        row = session.get(BankEntryRow, entry_id)
        if row is None:
            raise UnknownEntry(f"no entry {entry_id}")
        found = LoanCandidates(session, row.lender).suggestions(row)
        told = _told(session, row, contact_data)
        matches = bank_entries.matches_of(session, row)
    if as_json:
        print_json({**told, "suggestions": [one.model_dump(mode="json") for one in found]})
        return
    typer.echo(f"entry {entry_id}: {amount(row.amount_minor, row.currency)}, {row.booked_on}, {row.state}; {row.why}")
    if contact_data:
        typer.echo(f"{told['payer'] or 'payer not known'}: {told['text'] or ''}")
    if matches:
        typer.echo(f"it is matched to {len(matches)} loans already")
    shown = table("score", "loan", "due", "because")
    for one in found:
        shown.add_row(str(one.score), one.loan_id, amount(one.balance_minor, row.currency), "; ".join(one.reasons))
    terminal().print(shown if found else "no loan suggests itself")


app.command()(match)


@app.command()
def ignore(
    entry_id: EntryArgument,
    reason: Annotated[str, typer.Option(help="Why it is nobody's payment; no personal data.")],
    by: ByOption = "operator",
    as_json: JsonOption = False,
) -> None:
    """Say that a waiting entry is nobody's payment: a gateway's payout, a refund of ours, an error of the bank.

    Example: starter.py reconcile ignore 17 --reason "payout of Stripe, told by its webhooks"
    """
    from records import audit, bank_entries
    from records.bank_entries import EntrySettled
    from records.tables import EntryState

    check_kept(WHO, by)
    check_kept(WHY, reason)
    now = datetime.now(UTC)
    with configuration.records(configuration.settings()).writing() as session:
        row = bank_entries.get(session, entry_id)
        if row.state is not EntryState.WAITING:
            raise EntrySettled(f"entry {entry_id} does not wait: it is {row.state}")
        bank_entries.settle(session, row, EntryState.IGNORED, at=now, why=reason[:160], by=by[:80])
        audit.append(
            session,
            at=now,
            actor=by[:80],
            action="bank_entry_ignored",
            lender=row.lender,
            details={"entry": entry_id, "amount_minor": row.amount_minor, "reason": reason[:160]},
        )
    if as_json:
        print_json({"entry": entry_id, "state": "ignored"})
        return
    typer.echo(f"entry {entry_id} is nobody's payment: {reason}")


def _told(session: Session, row: BankEntryRow, contact_data: bool) -> dict[str, Any]:
    from records import bank_entries, loans

    matched = [
        {"loan_id": loans.by_ref(session, one.loan_ref).loan_id, "amount_minor": one.amount_minor}
        for one in bank_entries.matches_of(session, row)
    ]
    return {
        "entry": row.id,
        "file": row.file_ref,
        "line": row.line,
        "lender": row.lender,
        "credit": row.credit,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "booked_on": row.booked_on.isoformat(),
        "value_on": row.value_on.isoformat(),
        "state": row.state.value,
        "why": row.why,
        "by": row.by,
        "matched": matched,
        **(_payer(row) if contact_data else {}),
    }


def _payer(row: BankEntryRow) -> dict[str, Any]:
    from records import bank_entry_particulars

    return {"payer": row.other_name, "account": row.other_iban, "text": bank_entry_particulars.text_of(row)}
