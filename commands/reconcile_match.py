"""`reconcile match`: a person says whose a waiting entry is, and is asked where its money may be booked already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from commands import configuration
from commands.console import JsonOption, Refused, amount, print_json
from commands.loan_lookup import LenderOption, find_loan
from commands.person_data import WHO, check_kept

if TYPE_CHECKING:
    from sqlmodel import Session

    from domain.reconciliation import Share
    from records.tables import BankEntryRow

EntryArgument = Annotated[int, typer.Argument(metavar="ENTRY", help="Its number in `reconcile list`.", min=1)]
ByOption = Annotated[str, typer.Option("--by", help="Who says so, for the audit trail.")]


def match(
    entry_id: EntryArgument,
    to: Annotated[
        list[str], typer.Argument(metavar="LOAN[=AMOUNT]...", help="One loan, or several each with its amount.")
    ],
    by: ByOption = "operator",
    other_money: Annotated[
        bool,
        typer.Option(
            "--other-money",
            help="Book it although an entry or a payment that may be the same money paid the loan: you looked.",
        ),
    ] = False,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whose a waiting entry is. Its money becomes a payment of each loan, once; the amounts must add up to it.

    Where another entry that may be the same movement paid the loan already, on whatever day and told by however many
    files, or a payment of as much within five days that no statement brought, nothing is booked unless --other-money
    says that it is other money.

    Examples:

      starter.py reconcile match 17 P-20417

      starter.py reconcile match 18 P-20417=120.00 P-20418=30.50
    """
    from activities.transfers import Transfers
    from records import bank_entries
    from records.bank_entries import EntrySettled
    from records.locks import one_at_a_time
    from records.tables import EntryState

    check_kept(WHO, by)
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
        _refuse_what_would_move(session, row, shares)
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


def _refuse_what_is_booked(session: Session, row: BankEntryRow, shares: Sequence[Share]) -> None:
    """Not where another entry or another's word brought a loan what may be the same money."""
    from records import bank_entry_twins, loans, same_money

    unless = f"nothing was booked. `reconcile ignore {row.id}` if it is it, else --other-money"
    for share in shares:
        loan = loans.get(session, share.lender, share.loan_id)
        twin = (
            bank_entry_twins.told_in_other_words(session, loan, row)
            or bank_entry_twins.paid_by_another_telling(session, loan, row)
            or bank_entry_twins.told_by_another_kind(session, loan, row)
        )
        if twin is not None:
            raise Refused(
                f"entry {row.id} may be entry {twin.id} of {twin.value_on}, which paid loan {share.loan_id!r}: {unless}"
            )
        told = same_money.carried(session, loan, row) or same_money.paid_otherwise(
            session, loan, share.amount_minor, row.value_on, besides=row
        )
        if told is not None:
            raise Refused(
                f"entry {row.id} may be the payment {told.payment_id[:60]} that {told.provider[:20]} told of, which "
                f"paid loan {share.loan_id!r}: {unless}"
            )


def _refuse_what_would_move(session: Session, row: BankEntryRow, shares: Sequence[Share]) -> None:
    """Records that were restored may hold the entry's own payments without the entry: it is these, and no others."""
    from domain.money import Money
    from records import loans, same_money

    counted = [(loans.by_ref(session, ref), minor) for ref, minor in same_money.counted_as(session, row)]
    said = [(share.lender, share.loan_id, share.amount_minor) for share in shares]
    if counted and [(loan.lender, loan.loan_id, minor) for loan, minor in counted] != said:
        every = [(loan.loan_id, Money(amount_minor=minor, currency=loan.currency)) for loan, minor in counted]
        these = " ".join(f"{loan_id}={money.major}" for loan_id, money in every)
        raise Refused(f"entry {row.id} is counted already: book it as it is, `reconcile match {row.id} {these}`")


def _name_to_its_twin(session: Session, row: BankEntryRow, waited: str | None, now: datetime) -> None:
    """The entry that the booked one's reason named may be the same money: where it waits still, it names this one."""
    from records import bank_entries, bank_entry_twins
    from records.tables import EntryState

    twin = bank_entry_twins.named_in(session, waited)
    if twin is None or twin.state is not EntryState.WAITING or bank_entry_twins.named_in(session, twin.why) is not None:
        return
    why = f"{(twin.why or 'it waits')[:110]}; it may be entry {row.id}, which is booked"
    bank_entries.settle(session, twin, EntryState.WAITING, at=now, why=why)


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
