"""SWIFT MT940 statements and MT942 interim reports, by the library mt-940; several may stand in one file."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from domain.bank_news import BankEntry, FileKind, FileUnreadable, Statement
from domain.money import MOST_MINOR, is_currency, minor_digits

# It logs what it cannot read, names and accounts included.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)

_BEGINS = re.compile(r"^:20:", re.MULTILINE)
_ENTRY = re.compile(r"^:61:", re.MULTILINE)
_CLOSES = re.compile(r"^:62[FM]:", re.MULTILINE)
_INDENTED_CLOSE = re.compile(r"^[ \t]+(?=:62[FM]:)", re.MULTILINE)
_INTERIM = re.compile(r"^:34F:", re.MULTILINE)
_INTERIM_CLOSES = re.compile(r"^:90[DC]:", re.MULTILINE)
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", ""})
_SHORTEST_IBAN, _LONGEST_IBAN = 15, 34


def looks_like_mt940(body: bytes) -> bool:
    head = body[:4000].decode("latin-1")
    return bool(_BEGINS.search(head)) and ":25:" in head


def read_mt940(body: bytes) -> tuple[Statement, ...]:
    """The statements in the file. Raises FileUnreadable with the line that cannot be read, and nothing of it."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    begins = [found.start() for found in _BEGINS.finditer(text)]
    ends = [*begins[1:], len(text)]
    found = [_statement(text[begin:end], text[:begin].count("\n") + 1) for begin, end in zip(begins, ends, strict=True)]
    if not found:
        raise FileUnreadable("no statement in it: expected a line that begins with :20:")
    return tuple(found)


def _statement(part: str, first_line: int) -> Statement:
    import mt940

    part = _INDENTED_CLOSE.sub("", part)
    # An interim report (MT942) has no balance: the sums of its entries stand behind them.
    if not (_CLOSES.search(part) or (_INTERIM.search(part) and _INTERIM_CLOSES.search(part))):
        # The last entry's text may be cut too, and would be another movement in the eyes of the whole file.
        raise FileUnreadable(f"line {first_line}: cut off: no closing balance (:62F:, :62M:), or sums (:90D:, :90C:)")
    try:
        transactions: Any = mt940.parse(part)
    except (RuntimeError, ValueError, KeyError, TypeError, AssertionError, AttributeError, ArithmeticError) as wrong:
        raise FileUnreadable(f"line {_where(part, wrong, first_line)}: not written as MT940 wants it") from None
    account = str(transactions.data.get("account_identification") or "").replace(" ", "")
    if not account:
        raise FileUnreadable(f"line {first_line}: a statement without an account (:25:)")
    lines = [first_line + part[: one.start()].count("\n") for one in _ENTRY.finditer(part)]
    if len(lines) != len(transactions):
        raise FileUnreadable(f"line {first_line}: a statement of which not every entry (:61:) can be read")
    entries = tuple(_entries(transactions, lines))
    balance = transactions.data.get("final_closing_balance") or transactions.data.get("final_opening_balance")
    currency = str(getattr(getattr(balance, "amount", None), "currency", "") or "")
    return Statement(
        kind=FileKind.MT940,
        message_id=str(transactions.data.get("transaction_reference") or "MT940")[:80],
        account=account,
        currency=currency or (entries[0].currency if entries else "EUR"),
        entries=entries,
    )


def _entries(transactions: Any, lines: list[int]) -> Iterator[BankEntry]:
    for line, transaction in zip(lines, transactions, strict=True):
        data: dict[str, Any] = transaction.data
        currency = str(data.get("currency") or "")
        if not is_currency(currency):
            raise FileUnreadable(f"line {line}: an amount without a known currency (:60F: is missing or wrong)")
        scaled = abs(data["amount"].amount).scaleb(minor_digits(currency))
        minor = int(scaled)
        if minor != scaled or minor > MOST_MINOR:
            raise FileUnreadable(f"line {line}: more decimals than {currency} has, or too large an amount")
        if minor == 0:
            continue
        status = str(data["status"])
        name, iban = _payer(data)
        valued = _day(data["date"])
        booked = _day(data["entry_date"]) if data.get("entry_date") else valued
        own = str(data.get("customer_reference") or "").strip()
        text = data.get("purpose") or data.get("transaction_details") or ""
        more = data.get("additional_purpose") or ""
        yield BankEntry(
            line=line,
            amount_minor=minor,
            currency=currency,
            # RC takes back a credit, so money goes out; RD takes back a debit.
            credit=status in ("C", "RD"),
            reversal=status.startswith("R"),
            booked_on=booked,
            value_on=valued,
            end_to_end_id=data.get("end_to_end_reference") or (None if own in _NO_REFERENCE else own),
            bank_reference=_reference(data.get("bank_reference")),
            other_name=name,
            other_iban=iban,
            text=" ".join(f"{text} {more}".split())[:1000],
        )


def _payer(data: dict[str, Any]) -> tuple[str | None, str | None]:
    """Name and account; German banks write the account right before the name."""
    from schwifty import IBAN

    name = str(data.get("applicant_name") or "").strip()
    iban = str(data.get("gvc_applicant_iban") or data.get("applicant_iban") or "").replace(" ", "")
    if not iban and re.match(r"[A-Z]{2}\d{2}", name):
        for length in range(_SHORTEST_IBAN, min(_LONGEST_IBAN, len(name)) + 1):
            if IBAN(name[:length], allow_invalid=True).is_valid:
                name, iban = name[length:].strip(), name[:length]
                break
    return name or None, iban or None


def _reference(text: Any) -> str | None:
    plain = str(text or "").strip()
    return None if plain in _NO_REFERENCE else plain


def _day(value: Any) -> date:
    return date(value.year, value.month, value.day)


def _where(part: str, wrong: Exception, first_line: int) -> int:
    """The line of what could not be read, as the library's error holds it; the statement's first if it does not."""
    failed = wrong.args[-1] if wrong.args else ""
    place = part.find(failed.split("\n")[0]) if isinstance(failed, str) and failed else -1
    return first_line + (part[:place].count("\n") if place >= 0 else 0)
