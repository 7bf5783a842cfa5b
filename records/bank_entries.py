"""Entries of bank statements: taken in once, matched to loans once, or waiting for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Session, col, select

from domain.bank_news import BankEntry, FileKind
from domain.direct_debit import PROVIDER as DIRECT_DEBIT
from domain.direct_debit import REFERENCE_PREFIX
from domain.payable import smallest_payable
from domain.same_movement import ISO_STATEMENTS, Likeness, Particulars, likeness
from records import person_keys
from records.sealed import Private
from records.tables import (
    BankEntryRow,
    BankFileRow,
    BankMatch,
    Debit,
    EntryState,
    Loan,
    LoanState,
    Payment,
    PaymentInquiry,
    PaymentLink,
    Person,
)
from records.tables.sealing import IBAN

_KEY = "bank_entry"
TAKING_IN = "bank-files"
"""What `records.locks` knows the taking in of a bank's file by."""
_NAMELESS = "fingerprints:"
_NEAR = timedelta(days=5)
"""So far apart may the days be which two tell of one movement."""
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "0"})


class UnknownEntry(LookupError):
    """No entry has this number."""


class EntrySettled(RuntimeError):
    """The entry does not wait any more."""


def account_index(session: Session, account: str) -> str:
    """The keyed fingerprint of an account of ours."""
    return person_keys.of(session).index(IBAN, account)


def file_known(session: Session, sha256: str) -> BankFileRow | None:
    return session.exec(select(BankFileRow).where(BankFileRow.sha256 == sha256)).first()


def add_file(
    session: Session, *, sha256: str, kind: FileKind, name: str, message_id: str, entries: int, at: datetime
) -> BankFileRow:
    file = BankFileRow(
        sha256=sha256,
        kind=kind.value,
        name=name[:200],
        message_id=message_id[:80],
        taken_at=at,
        entries=entries,
    )
    session.add(file)
    session.flush()
    return file


def key_of(session: Session, account: str, entry: BankEntry, alike_before: int) -> str:
    """What tells this movement from every other of ours, in whichever file the bank tells of it.

    Without a reference of the bank's it is all that is said of it; `alike_before` counts those before it of which just
    the same is said, or which have the same reference.
    """
    parts = [account, "in" if entry.credit else "out", str(entry.amount_minor), entry.currency, str(entry.booked_on)]
    if is_referenced(entry):
        # The first has no number: so its key is that of earlier versions, for which there was no second.
        parts += [f"ref {entry.bank_reference}", *([str(alike_before)] if alike_before else [])]
    else:
        said = (str(entry.value_on), entry.end_to_end_id, entry.other_iban, entry.other_name, entry.text)
        parts += [*(one or "" for one in said), str(alike_before)]
    return person_keys.of(session).index(_KEY, "\n".join(parts))


def is_referenced(entry: BankEntry) -> bool:
    """Whether the bank gave the movement a reference of its own."""
    return bool(entry.bank_reference) and entry.bank_reference not in _NO_REFERENCE


def alike(session: Session, account: str, entry: BankEntry) -> Sequence[BankEntryRow]:
    """Every movement kept under the keys of this one, in the order of their numbers."""
    found: list[BankEntryRow] = []
    while (row := find(session, key_of(session, account, entry, len(found)))) is not None:
        found.append(row)
    return found


def particulars(session: Session, entry: BankEntry, kind: FileKind, part: int) -> Particulars:
    """What a file says of a movement, to compare it with those that are kept."""
    return Particulars(
        kind=kind,
        end_to_end_id=_told_reference(session, entry.end_to_end_id),
        other_account=account_index(session, entry.other_iban) if entry.other_iban else None,
        other_name=_fingerprint(session, entry.other_name),
        text=_fingerprint(session, _text_of(entry)),
        part=part,
    )


def particulars_kept(session: Session, row: BankEntryRow) -> Particulars:
    """As `particulars`, of a movement that is kept; of who was erased nothing is said any more."""
    if row.text is not None and row.text.startswith(_NAMELESS):
        name, _, words = row.text.removeprefix(_NAMELESS).partition(" ")
        said = (name or None, words or None)
    else:
        said = (_fingerprint(session, row.other_name), _fingerprint(session, row.text))
    return Particulars(
        kind=FileKind(row.kind),
        end_to_end_id=row.end_to_end_id,
        other_account=row.iban_index,
        other_name=said[0],
        text=said[1],
    )


def text_of(row: BankEntryRow) -> str | None:
    """What its payer wrote; None of one that is kept without who it was with."""
    return None if row.text is not None and row.text.startswith(_NAMELESS) else row.text


def _nameless(session: Session, other_name: str | None, text: str | None) -> str:
    name, words = _fingerprint(session, other_name), _fingerprint(session, text)
    return f"{_NAMELESS}{name or ''} {words or ''}"


def _forget_who(session: Session, row: BankEntryRow) -> None:
    """Keep fingerprints of who it was with and what they wrote: they tell it from others when it is told again."""
    if row.text is None or not row.text.startswith(_NAMELESS):
        row.text = _nameless(session, row.other_name, row.text)
    row.other_name = row.other_iban = None


def _fingerprint(session: Session, said: str | None) -> str | None:
    return person_keys.of(session).index(_KEY, said) if said else None


def find(session: Session, key: str) -> BankEntryRow | None:
    return session.exec(select(BankEntryRow).where(BankEntryRow.key == key)).first()


def get(session: Session, entry_id: int) -> BankEntryRow:
    """An entry by its number, locked for this transaction. Raises UnknownEntry."""
    entry = session.exec(select(BankEntryRow).where(BankEntryRow.id == entry_id).with_for_update()).first()
    if entry is None:
        raise UnknownEntry(f"no entry {entry_id}")
    return entry


def add(
    session: Session,
    file: BankFileRow,
    entry: BankEntry,
    *,
    key: str,
    account: str,
    lender: str | None,
    state: EntryState,
    why: str | None,
    at: datetime,
    person_ref: int | None = None,
    nameless: bool = False,
) -> BankEntryRow:
    """`person_ref`: whose it is, if that is known. `nameless`: nobody has to be found by it; of who it was with, their
    account and what they wrote, keyed fingerprints are kept, which tell it from others when it is told again.
    """
    assert file.id is not None
    row = BankEntryRow(
        file_ref=file.id,
        line=entry.line,
        key=key,
        lender=lender,
        account_index=account,
        kind=file.kind,
        credit=entry.credit,
        amount_minor=entry.amount_minor,
        currency=entry.currency,
        booked_on=entry.booked_on,
        value_on=entry.value_on,
        end_to_end_id=_told_reference(session, entry.end_to_end_id),
        bank_reference=entry.bank_reference,
        reason=entry.return_reason,
        other_name=None if nameless else entry.other_name,
        other_iban=None if nameless else entry.other_iban,
        iban_index=account_index(session, entry.other_iban) if entry.other_iban else None,
        text=_nameless(session, entry.other_name, _text_of(entry)) if nameless else _text_of(entry),
        person_ref=person_ref,
        state=state,
        why=why,
        taken_at=at,
        changed_at=at,
    )
    session.add(row)
    session.flush()
    return row


def _text_of(entry: BankEntry) -> str | None:
    return " ".join(part for part in (entry.text, entry.end_to_end_id) if part) or None


def _told_reference(session: Session, reference: str | None) -> str | None:
    """Our own stand in the open; a payer may write anything into theirs, so of those a fingerprint is kept."""
    if reference is None or reference.startswith(REFERENCE_PREFIX):
        return reference
    return person_keys.of(session).index(_KEY, reference)


def settle(
    session: Session, row: BankEntryRow, state: EntryState, *, at: datetime, why: str | None, by: str | None = None
) -> None:
    """What became of an entry. Of money that went out and is nobody's payment no name, account or text stays."""
    row.state, row.why, row.by, row.changed_at = state, why, by, at
    if state is EntryState.IGNORED and not row.credit:
        _forget_who(session, row)
    session.add(row)
    session.flush()


def belongs_to(session: Session, row: BankEntryRow, person: Person) -> None:
    """From now on what it says is sealed under the key of who paid."""
    key_id = person_keys.of(session).standing(person.key_id)
    if row.person_ref == person.id or key_id is None:
        return
    row.person_ref = person.id
    for field in ("other_name", "other_iban", "text"):
        value = getattr(row, field)
        if value is not None:
            setattr(row, field, Private(value, key_id))
            # The same text under another key is no change in the eyes of the ORM.
            flag_modified(row, field)
    session.add(row)
    session.flush()


def add_match(
    session: Session,
    row: BankEntryRow,
    loan: Loan,
    *,
    amount_minor: int,
    provider: str,
    payment_id: str,
    at: datetime,
) -> None:
    assert row.id is not None
    assert loan.id is not None
    session.add(
        BankMatch(
            entry_ref=row.id,
            loan_ref=loan.id,
            amount_minor=amount_minor,
            provider=provider,
            payment_id=payment_id,
            at=at,
        )
    )
    session.flush()


def matches_of(session: Session, row: BankEntryRow) -> Sequence[BankMatch]:
    return session.exec(select(BankMatch).where(BankMatch.entry_ref == row.id).order_by(col(BankMatch.id))).all()


def match_of(session: Session, loan: Loan, provider: str, payment_id: str) -> BankMatch | None:
    """The first match that made an entry this payment of the loan."""
    made = select(BankMatch).where(
        BankMatch.loan_ref == loan.id, BankMatch.provider == provider, BankMatch.payment_id == payment_id
    )
    return session.exec(made.order_by(col(BankMatch.id)).limit(1)).first()


def listing(session: Session, *, state: EntryState | None = None, limit: int = 1000) -> Sequence[BankEntryRow]:
    """Entries, the oldest booking first."""
    query = select(BankEntryRow)
    if state is not None:
        query = query.where(BankEntryRow.state == state)
    return session.exec(query.order_by(col(BankEntryRow.booked_on), col(BankEntryRow.id)).limit(limit)).all()


def waiting(session: Session) -> int:
    return session.exec(
        select(func.count()).select_from(BankEntryRow).where(BankEntryRow.state == EntryState.WAITING)
    ).one()


def payers_from(session: Session, iban: str) -> frozenset[int]:
    """Whose payments came from an account before."""
    index = person_keys.of(session).index(IBAN, iban)
    rows = select(BankEntryRow.person_ref).where(
        BankEntryRow.iban_index == index, col(BankEntryRow.person_ref).is_not(None), BankEntryRow.credit
    )
    return frozenset(person for person in session.exec(rows).all() if person is not None)


def told_otherwise(
    session: Session, account: str, entry: BankEntry, kind: str, others: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry that another kind of file told of, and that may be the same movement; `others` surely are not."""
    like_it = select(BankEntryRow).where(
        BankEntryRow.account_index == account,
        BankEntryRow.value_on == entry.value_on,
        BankEntryRow.amount_minor == entry.amount_minor,
        BankEntryRow.credit == entry.credit,
        BankEntryRow.kind != kind,
        col(BankEntryRow.state).in_((EntryState.MATCHED, EntryState.WAITING, EntryState.DEBIT)),
        col(BankEntryRow.id).not_in(others),
    )
    return session.exec(like_it.order_by(col(BankEntryRow.id)).limit(1)).first()


def told_alike(session: Session, debit: Debit, kind: str) -> BankEntryRow | None:
    """An entry of the same kind of file that brought this debit's money, by its reference."""
    carrying = select(BankEntryRow).where(
        BankEntryRow.end_to_end_id == debit.reference,
        BankEntryRow.amount_minor == debit.amount_minor,
        BankEntryRow.kind == kind,
        BankEntryRow.credit,
    )
    return session.exec(carrying.order_by(col(BankEntryRow.id)).limit(1)).first()


def sum_told_alike(session: Session, account: str, entry: BankEntry, kind: str) -> BankEntryRow | None:
    """An entry near that day, of the same kind of file, in which a batch of debits of just this sum was booked."""
    booked = select(BankEntryRow).where(
        BankEntryRow.account_index == account,
        BankEntryRow.amount_minor == entry.amount_minor,
        col(BankEntryRow.value_on).between(entry.value_on - _NEAR, entry.value_on + _NEAR),
        BankEntryRow.kind == kind,
        BankEntryRow.credit,
        BankEntryRow.state == EntryState.DEBIT,
        col(BankEntryRow.end_to_end_id).is_(None),
    )
    return session.exec(booked.order_by(col(BankEntryRow.id)).limit(1)).first()


def brought(session: Session, reference: str, state: EntryState) -> BankEntryRow | None:
    """An incoming entry in this state, of whatever kind of file, that carries a debit's reference."""
    carrying = select(BankEntryRow).where(
        BankEntryRow.end_to_end_id == reference, BankEntryRow.state == state, BankEntryRow.credit
    )
    return session.exec(carrying.order_by(col(BankEntryRow.id)).limit(1)).first()


def taken_back(session: Session, account: str, entry: BankEntry, *, within_days: int) -> Sequence[BankEntryRow]:
    """The matched incoming entries that an outgoing one may undo, by its reference and amount, booked at most so many
    days before it: the latest, or the latest two of several.
    """
    undone = select(BankEntryRow).where(
        BankEntryRow.account_index == account,
        BankEntryRow.amount_minor == entry.amount_minor,
        BankEntryRow.credit,
        BankEntryRow.state == EntryState.MATCHED,
        col(BankEntryRow.booked_on).between(entry.booked_on - timedelta(days=within_days), entry.booked_on),
        _bears_a_reference_of(session, entry),
    )
    return session.exec(undone.order_by(col(BankEntryRow.booked_on).desc(), col(BankEntryRow.id).desc()).limit(2)).all()


def with_its_reference(session: Session, account: str, entry: BankEntry) -> int:
    """How many entries that are kept, in or out, bear a reference of this one."""
    bearing = select(func.count()).select_from(BankEntryRow)
    return session.exec(
        bearing.where(BankEntryRow.account_index == account, _bears_a_reference_of(session, entry))
    ).one()


def _bears_a_reference_of(session: Session, entry: BankEntry) -> ColumnElement[bool]:
    told = (_told_reference(session, entry.end_to_end_id), entry.bank_reference)
    references = [one for one in told if one and one not in _NO_REFERENCE]
    return col(BankEntryRow.end_to_end_id).in_(references) | col(BankEntryRow.bank_reference).in_(references)


def told_on_another_day(
    session: Session, row: BankEntryRow, entry: BankEntry, besides: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry of another file that has the bank's reference of this one, or the end-to-end id that files of ISO 20022
    share, and its amount, some days off: banks date one movement by its moment here and by its booking there.

    Not one that surely is another, nor one whose payment was taken back; nor, by a reference that the bank gives to
    others too, any. `besides`: as of `told_in_other_words`.
    """
    near = (entry.value_on - _NEAR, entry.value_on + _NEAR)
    alike = select(BankEntryRow).where(
        BankEntryRow.account_index == row.account_index,
        BankEntryRow.amount_minor == row.amount_minor,
        BankEntryRow.currency == row.currency,
        BankEntryRow.credit == row.credit,
        col(BankEntryRow.value_on).between(*near),
        # Of the day itself `told_otherwise` and `told_in_other_words` say more.
        BankEntryRow.value_on != row.value_on,
        BankEntryRow.file_ref != row.file_ref,
        col(BankEntryRow.id).not_in(besides),
        col(BankEntryRow.state).in_((EntryState.MATCHED, EntryState.WAITING, EntryState.DEBIT)),
        ~_was_taken_back(),
    )
    said = particulars(session, entry, FileKind(row.kind), 0)
    for one in session.exec(alike.order_by(col(BankEntryRow.id))).all():
        if likeness(said, particulars_kept(session, one)) is Likeness.OTHER:
            continue
        referenced = is_referenced(entry) and one.bank_reference is not None
        same_reference = referenced and one.bank_reference == row.bank_reference
        another = referenced and not same_reference and one.kind == row.kind
        both_iso = {FileKind(one.kind), FileKind(row.kind)} <= ISO_STATEMENTS
        same_id = both_iso and row.end_to_end_id is not None and one.end_to_end_id == row.end_to_end_id
        if (same_id and not another) or (same_reference and not _given_to_others(session, row, near)):
            return one
    return None


def _given_to_others(session: Session, row: BankEntryRow, near: tuple[date, date]) -> bool:
    """Whether the bank gave its reference to movements of other times too, so that it tells of none."""
    elsewhere = select(BankEntryRow.id).where(
        BankEntryRow.account_index == row.account_index,
        BankEntryRow.bank_reference == row.bank_reference,
        ~col(BankEntryRow.value_on).between(*near),
    )
    return session.exec(elsewhere.limit(1)).first() is not None


def _was_taken_back() -> ColumnElement[bool]:
    """Whether a payment of the entry was."""
    payment = (Payment.provider == BankMatch.provider, Payment.payment_id == BankMatch.payment_id)
    matched = select(BankMatch.id).where(BankMatch.entry_ref == BankEntryRow.id, *payment)
    return matched.where(col(Payment.reversed_at).is_not(None)).exists()


def _not_told_apart(row: BankEntryRow) -> list[ColumnElement[bool]]:
    """Not from another account nor, of files of ISO 20022, with another end-to-end id."""
    conditions: list[ColumnElement[bool]] = []
    if row.iban_index is not None:
        conditions.append(func.coalesce(BankEntryRow.iban_index, row.iban_index) == row.iban_index)
    if row.end_to_end_id is not None and row.kind in ISO_STATEMENTS:
        same = func.coalesce(BankEntryRow.end_to_end_id, row.end_to_end_id) == row.end_to_end_id
        conditions.append(same | col(BankEntryRow.kind).not_in(ISO_STATEMENTS))
    return conditions


def waiting_alike(session: Session, row: BankEntryRow, besides: Collection[int] = ()) -> BankEntryRow | None:
    """An entry of another file that waits too and may be the same movement: of one account, amount and value day, and
    told apart by nothing that `told_in_other_words` looks at.
    """
    alike = select(BankEntryRow).where(
        BankEntryRow.account_index == row.account_index,
        BankEntryRow.amount_minor == row.amount_minor,
        BankEntryRow.currency == row.currency,
        BankEntryRow.value_on == row.value_on,
        BankEntryRow.credit == row.credit,
        BankEntryRow.file_ref != row.file_ref,
        col(BankEntryRow.id).not_in(besides),
        BankEntryRow.state == EntryState.WAITING,
        *_not_told_apart(row),
    )
    return session.exec(alike.order_by(col(BankEntryRow.id)).limit(1)).first()


def told_in_other_words(
    session: Session, loan: Loan, row: BankEntryRow, besides: Collection[int] = ()
) -> BankEntryRow | None:
    """An entry of another file that brought this loan the same amount on the same day: it may be the same movement.

    Not one from another account, nor, of files of ISO 20022, with another end-to-end id, nor one whose payment was
    taken back. `besides`: entries that this entry's own file tells of too, on lines of their own.
    """
    payment = (Payment.provider == BankMatch.provider, Payment.payment_id == BankMatch.payment_id)
    alike = (
        select(BankEntryRow)
        .join(BankMatch, col(BankMatch.entry_ref) == col(BankEntryRow.id))
        .where(
            BankMatch.loan_ref == loan.id,
            BankEntryRow.amount_minor == row.amount_minor,
            BankEntryRow.currency == row.currency,
            BankEntryRow.value_on == row.value_on,
            BankEntryRow.credit,
            BankEntryRow.file_ref != row.file_ref,
            col(BankEntryRow.id).not_in(besides),
            ~select(Payment.id).where(*payment, col(Payment.reversed_at).is_not(None)).exists(),
        )
    )
    alike = alike.where(*_not_told_apart(row))
    return session.exec(alike.order_by(col(BankEntryRow.id)).limit(1)).first()


def paid_otherwise(session: Session, loan: Loan, amount_minor: int, value_on: date) -> Payment | None:
    """A payment of just this amount near that day which no statement brought: it may be the same money.

    Whoever told of it, and whatever name they gave to who handled it; a debit of ours is known by its reference.
    """
    ours = select(Debit.id).where(Debit.reference == Payment.payment_id).exists()
    debits = (col(Payment.provider) == DIRECT_DEBIT) & ours
    return _near(session, loan, amount_minor, value_on, ~debits & ~_matched())


def on_a_statement(session: Session, loan: Loan, amount_minor: int, paid_on: date) -> Payment | None:
    """A payment of just this amount near that day which stands on a bank statement: it may be the same money."""
    return _near(session, loan, amount_minor, paid_on, _matched())


def _matched() -> ColumnElement[bool]:
    """Whether an entry of a statement is this payment."""
    same = (BankMatch.provider == Payment.provider, BankMatch.payment_id == Payment.payment_id)
    return select(BankMatch.id).where(*same).exists()


def _near(session: Session, loan: Loan, amount_minor: int, day: date, told_by: ColumnElement[bool]) -> Payment | None:
    near = select(Payment).where(
        Payment.loan_ref == loan.id,
        Payment.amount_minor == amount_minor,
        col(Payment.reversed_at).is_(None),
        told_by,
    )
    for payment in session.exec(near).all():
        if abs(payment.paid_at.date() - day) <= _NEAR:
            return payment
    return None


def transfer_under_way(
    session: Session, loan: Loan, amount_minor: int, value_on: date, over: Iterable[str]
) -> str | None:
    """The reference of a transfer of just this amount, begun by that day, that its bank has and may still say is paid.

    `over`: the statuses of those of which nothing more is to be heard.
    """
    begun = (
        select(PaymentInquiry.reference)
        .join(PaymentLink, col(PaymentLink.id) == col(PaymentInquiry.link_ref))
        .where(
            PaymentLink.loan_ref == loan.id,
            PaymentLink.amount_minor == amount_minor,
            col(PaymentInquiry.gateway_id).is_not(None),
            col(PaymentInquiry.status).not_in(list(over)),
            col(PaymentInquiry.created_at) < datetime.combine(value_on, time(), UTC) + timedelta(days=2),
        )
    )
    return session.exec(begun.order_by(col(PaymentInquiry.id)).limit(1)).first()


def loans_by_key(session: Session, lender: str | None) -> Sequence[tuple[int, str]]:
    """Every loan's key and id, for finding references in texts."""
    query = select(Loan.id, Loan.loan_id)
    if lender is not None:
        query = query.where(Loan.lender == lender)
    return [(ref, loan_id) for ref, loan_id in session.exec(query).all() if ref is not None]


def due_amount(session: Session, amount_minor: int, currency: str, lender: str | None, limit: int) -> Sequence[Loan]:
    """Loans in collection of which just this amount is due, as `payments.balance_due` counts it, or asked for."""
    paid = (
        select(func.coalesce(func.sum(col(Payment.amount_minor) - col(Payment.refunded_minor)), 0))
        .where(Payment.loan_ref == Loan.id, Payment.entry == Loan.entry, col(Payment.reversed_at).is_(None))
        .correlate(Loan)
        .scalar_subquery()
    )
    due = Loan.amount_due_minor + Loan.adjusted_minor - paid
    query = select(Loan).where(
        Loan.state != LoanState.ENDED,
        Loan.currency == currency,
        due.between(amount_minor, amount_minor + smallest_payable(currency) - 1),
    )
    if lender is not None:
        query = query.where(Loan.lender == lender)
    return session.exec(query.order_by(col(Loan.id)).limit(limit)).all()


def in_collection(session: Session, currency: str, lender: str | None, limit: int) -> Sequence[Loan]:
    query = select(Loan).where(Loan.state != LoanState.ENDED, Loan.currency == currency)
    if lender is not None:
        query = query.where(Loan.lender == lender)
    return session.exec(query.order_by(col(Loan.id)).limit(limit)).all()
