"""`reconcile`: whose is the money on the bank's statement, and do the gateways' lists agree with ours?"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, amount, operator_app, print_json, table, terminal
from commands.loan_lookup import LenderOption, find_loan
from commands.reconcile_gateways import gateways

if TYPE_CHECKING:
    from sqlmodel import Session

    from domain.reconciliation import Share
    from records.tables import BankEntryRow, Loan

app = operator_app("Bank statements matched to loans; gateways' lists compared with the records.")
app.command()(gateways)

_MAY_BE = re.compile(r"may be entry (\d+)")
"""What an entry's reason to wait says of another that may be the same money."""

_Entry = Annotated[int, typer.Argument(metavar="ENTRY", help="Its number in `reconcile list`.", min=1)]
_By = Annotated[str, typer.Option("--by", help="Who says so, for the audit trail.")]
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
def suggest(entry_id: _Entry, contact_data: _Contact = False, as_json: JsonOption = False) -> None:
    """Say which loans a waiting entry may be for, the likeliest first, and why.

    Example: starter.py reconcile suggest 17
    """
    from activities.transfers import Transfers
    from records import bank_entries
    from records.bank_entries import UnknownEntry
    from records.tables import BankEntryRow

    with configuration.records(configuration.settings()).reading() as session:
        row = session.get(BankEntryRow, entry_id)
        if row is None:
            raise UnknownEntry(f"no entry {entry_id}")
        found = Transfers(session, row.lender, datetime.now(UTC)).suggestions(row)
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


@app.command()
def match(
    entry_id: _Entry,
    to: Annotated[
        list[str], typer.Argument(metavar="LOAN[=AMOUNT]...", help="One loan, or several each with its amount.")
    ],
    by: _By = "operator",
    other_money: Annotated[
        bool,
        typer.Option(
            "--other-money",
            help="Book it although an entry that may be the same money paid the loan as much: you looked.",
        ),
    ] = False,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whose a waiting entry is. Its money becomes a payment of each loan, once; the amounts must add up to it.

    Where an entry of another file with its amount and value day paid the loan already, or the entry that its reason
    names paid it as much, it may be the same money in other words: nothing is booked unless --other-money says that it
    is not.

    Examples:

      starter.py reconcile match 17 P-20417

      starter.py reconcile match 18 P-20417=120.00 P-20418=30.50
    """
    from activities.transfers import Transfers
    from records import bank_entries
    from records.bank_entries import EntrySettled
    from records.locks import one_at_a_time
    from records.tables import EntryState

    now = datetime.now(UTC)
    with configuration.records(configuration.settings()).writing(durable=True) as session:
        one_at_a_time(session, bank_entries.TAKING_IN)
        row = bank_entries.get(session, entry_id)
        if row.state is not EntryState.WAITING:
            raise EntrySettled(f"entry {entry_id} does not wait: it is {row.state} ({row.why or 'no reason kept'})")
        if not row.credit:
            raise Refused(f"entry {entry_id} is money that went out: take a payment back by `payment reverse`")
        waited = row.why
        shares = _shares(session, row, to, lender)
        if not other_money:
            _refuse_what_is_booked(session, row, shares)
        Transfers(session, row.lender, now).book(row, shares, how="by a person", by=by[:80])
        _name_to_its_twin(session, row, waited, now)
    told = [share.model_dump(mode="json") for share in shares]
    if as_json:
        print_json({"entry": entry_id, "shares": told, "waited_because": waited})
        return
    for share in shares:
        typer.echo(f"{amount(share.amount_minor, row.currency)} of entry {entry_id} paid loan {share.loan_id}")
    if waited:
        typer.echo(f"it waited because: {waited}")


@app.command()
def ignore(
    entry_id: _Entry,
    reason: Annotated[str, typer.Option(help="Why it is nobody's payment; no personal data.")],
    by: _By = "operator",
    as_json: JsonOption = False,
) -> None:
    """Say that a waiting entry is nobody's payment: a gateway's payout, a refund of ours, an error of the bank.

    Example: starter.py reconcile ignore 17 --reason "payout of Stripe, told by its webhooks"
    """
    from records import audit, bank_entries
    from records.bank_entries import EntrySettled
    from records.tables import EntryState

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


def _refuse_what_is_booked(session: Session, row: BankEntryRow, shares: list[Share]) -> None:
    from records import bank_entry_twins, loans

    for share in shares:
        loan = loans.get(session, share.lender, share.loan_id)
        twin = bank_entry_twins.told_in_other_words(session, loan, row)
        if twin is not None:
            raise Refused(
                f"entry {row.id} may be entry {twin.id} in other words, which paid loan {share.loan_id!r} the same "
                f"amount of the same day: nothing was booked. `reconcile ignore {row.id}` if it is it, else "
                "--other-money"
            )
        named = _MAY_BE.search(row.why or "")
        if named is not None and _paid_as_much(session, int(named[1]), loan, share.amount_minor):
            raise Refused(
                f"entry {row.id} waits because it may be entry {named[1]}, which paid loan {share.loan_id!r} the same "
                f"amount: nothing was booked. `reconcile ignore {row.id}` if it is it, else --other-money"
            )


def _name_to_its_twin(session: Session, row: BankEntryRow, waited: str | None, now: datetime) -> None:
    """The entry that the booked one's reason named may be the same money: where it waits still, it names this one."""
    from records import bank_entries
    from records.tables import BankEntryRow, EntryState

    named = _MAY_BE.search(waited or "")
    twin = session.get(BankEntryRow, int(named[1])) if named is not None else None
    if twin is None or twin.state is not EntryState.WAITING or _MAY_BE.search(twin.why or ""):
        return
    why = f"{(twin.why or 'it waits')[:110]}; it may be entry {row.id}, which is booked"
    bank_entries.settle(session, twin, EntryState.WAITING, at=now, why=why)


def _paid_as_much(session: Session, entry_id: int, loan: Loan, amount_minor: int) -> bool:
    """Whether an entry brought the loan this amount, and it was not taken back."""
    from records import bank_entries, payments
    from records.tables import BankEntryRow

    row = session.get(BankEntryRow, entry_id)
    for made in [] if row is None else bank_entries.matches_of(session, row):
        if (made.loan_ref, made.amount_minor) == (loan.id, amount_minor):
            payment = payments.find(session, made.provider, made.payment_id)
            return payment is None or payment.reversed_at is None
    return False


def _shares(session: Session, row: BankEntryRow, to: list[str], lender: str | None) -> list[Share]:
    from domain.money import parse_major
    from domain.reconciliation import Share

    shares: list[Share] = []
    for each in to:
        name, _, text = each.partition("=")
        loan = find_loan(session, name, lender or row.lender)
        if loan.currency != row.currency:
            raise Refused(f"loan {name!r} is in {loan.currency}, the money in {row.currency}")
        try:
            minor = parse_major(text, row.currency) if text else row.amount_minor
        except ValueError as wrong:
            raise Refused(f"{name}: {wrong}") from None
        if minor <= 0:
            raise Refused(f"{name}: an amount above 0 is expected")
        if any((share.lender, share.loan_id) == (loan.lender, loan.loan_id) for share in shares):
            raise Refused(f"loan {name!r} stands twice")
        shares.append(Share(lender=loan.lender, loan_id=loan.loan_id, amount_minor=minor))
    together = sum(share.amount_minor for share in shares)
    if together != row.amount_minor:
        whole, given = amount(row.amount_minor, row.currency), amount(together, row.currency)
        raise Refused(f"the entry is {whole}, the amounts make {given}: nothing was booked")
    return shares


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
