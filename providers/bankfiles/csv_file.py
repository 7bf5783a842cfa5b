"""A bank's CSV export, read by a mapping; every bad line is told, or all lines are read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from config.statement_mapping import StatementMapping
from domain.bank_news import BankEntry, FileKind, FileUnreadable, Statement
from domain.money import MOST_MINOR, is_currency, minor_digits

_TOLD = 10
_GROUPED = re.compile(r"[1-9]\d{0,2}(\|\d{3})+", re.ASCII)
"""Whole units with a | after each thousand."""
_UNENDED = (
    "the last line does not end: is the file whole? If this bank never ends it, the mapping says so: "
    "ends_with_line_end: false"
)
_THREE_DECIMALS = re.compile(r"\.\d{3}$", re.ASCII)
_LONE_RETURN = re.compile(r"\r(?!\n)")
_MOST_ROWS = 1_000_000


def read_csv(body: bytes, mapping: StatementMapping) -> Statement:
    """The statement in it. Raises FileUnreadable with each bad line, and nothing of what stands in it."""
    try:
        text = body.decode(mapping.encoding)
    except UnicodeDecodeError as wrong:
        line = body[: wrong.start].count(b"\n") + 1
        raise FileUnreadable(f"line {line}: not written in {mapping.encoding}") from None
    lines = _LONE_RETURN.sub("\n", text).split("\n")
    table = io.StringIO("\n".join(lines[mapping.skip :]))
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if mapping.quotes else csv.QUOTE_NONE
    reader = csv.reader(table, delimiter=mapping.delimiter, quoting=quoting, strict=True)
    entries: list[BankEntry] = []
    wrong_lines: list[str] = []
    read_to = mapping.skip
    try:
        headings = _headings(next(reader, []), mapping)
        read_to = reader.line_num + mapping.skip
        for cells in reader:
            begins, read_to = read_to + 1, reader.line_num + mapping.skip
            line = read_to
            try:
                if any(_moves_money(each, headings, mapping) for each in lines[begins:read_to]):
                    raise FileUnreadable(_lost_behind_a_quote(begins, read_to))
                # Where the line ends, or the quotes of its last cell, that cell is whole.
                whole = mapping.quotes and lines[-1].endswith('"')
                unended = mapping.ends_with_line_end and line == len(lines) and not whole
                row = _row(cells, headings, mapping, unended=unended)
                if row and unended and len(cells) == _width(headings) and _cut_reads_otherwise(headings, mapping):
                    raise _Bad(_UNENDED)
                if row and mapping.quotes and len(cells) < len(headings):
                    bare = _alone(lines[begins - 1], headings, mapping, csv.QUOTE_NONE)
                    if bare is not None and bare != _movement(row, mapping):
                        raise FileUnreadable(_read_two_ways(begins))
                entry = _entry(line, row, mapping)
            except _Bad as bad:
                wrong_lines.append(f"line {line}: {bad}")
                continue
            if entry is not None:
                entries.append(entry)
            if len(entries) > _MOST_ROWS:
                raise FileUnreadable(f"more than {_MOST_ROWS:,} lines: take it in parts")
    except csv.Error:
        raise FileUnreadable(_lost_behind_a_quote(read_to + 1, reader.line_num + mapping.skip)) from None
    if wrong_lines:
        more = f"; and {len(wrong_lines) - _TOLD} more" if len(wrong_lines) > _TOLD else ""
        raise FileUnreadable("; ".join(wrong_lines[:_TOLD]) + more)
    if not entries:
        raise FileUnreadable("no entries in it")
    first, last = min(one.booked_on for one in entries), max(one.booked_on for one in entries)
    return Statement(
        kind=FileKind.CSV,
        message_id=f"{mapping.name} {first}..{last}",
        account=mapping.account.replace(" ", ""),
        currency=mapping.currency,
        entries=tuple(entries),
    )


class _Bad(ValueError):
    """What is wrong with a line, without what stands in it."""


def _lost_behind_a_quote(first: int, last: int) -> str:
    return (
        f"line {first}: a quote opens a cell and does not close it rightly, read as far as line {last}: the lines "
        "behind it would be lost. Is the file whole? Where a payer wrote the sign, take it out; if this bank puts no "
        "cells in quotes, the mapping says so: quotes: false"
    )


def _read_two_ways(line: int) -> str:
    return (
        f"line {line}: read with its quotes it tells of other money than without them, and cells are missing at its "
        "end: a quote may be its payer's, and hold what is no part of their text. Take it out; where it is the bank's, "
        "add the empty cells; if this bank puts no cells in quotes, the mapping says so: quotes: false"
    )


def _moves_money(line: str, headings: Sequence[str], mapping: StatementMapping) -> bool:
    """Whether a line that was read as part of a cell in quotes is an entry by itself, its own cells in quotes or not:
    then no cell holds it.
    """
    ways: tuple[Literal[3, 0], ...] = (csv.QUOTE_NONE, csv.QUOTE_MINIMAL)
    read = (_alone(line, headings, mapping, quoting) for quoting in ways)
    return any(each is not None and each[0] != 0 for each in read)


def _alone(
    line: str, headings: Sequence[str], mapping: StatementMapping, quoting: Literal[0, 3]
) -> tuple[int, date] | None:
    """As `_movement`, of a line read by itself; None where it tells of none."""
    try:
        cells = next(csv.reader([line], delimiter=mapping.delimiter, quoting=quoting), [])
        row = _row(cells, headings, mapping, unended=False)
        return _movement(row, mapping) if row else None
    except (_Bad, csv.Error):
        return None


def _headings(cells: Sequence[str], mapping: StatementMapping) -> list[str]:
    headings = [name.strip() for name in cells]
    missing = [name for name in _named(mapping) if name not in headings]
    if missing:
        raise FileUnreadable(f"line {mapping.skip + 1}: no column {', '.join(repr(name) for name in missing)}")
    twice = [name for name in dict.fromkeys(_named(mapping)) if headings.count(name) > 1]
    if twice:
        raise FileUnreadable(f"line {mapping.skip + 1}: two columns {', '.join(repr(name) for name in twice)}")
    return headings


def _row(cells: Sequence[str], headings: Sequence[str], mapping: StatementMapping, *, unended: bool) -> dict[str, str]:
    """The cells by their headings; none of a line that is empty. Banks leave out empty cells at a line's end: none that
    the mapping reads may be missing, and none at all of a last line that does not end. Raises _Bad.
    """
    row = {heading: cell.strip() for heading, cell in zip(headings, cells, strict=False)}
    if not any(row.values()):
        return {}
    if len(cells) > len(headings):
        raise _Bad("more cells than headings")
    if (unended and len(cells) < _width(headings)) or any(name not in row for name in _named(mapping)):
        raise _Bad("fewer cells than headings: is the line whole?")
    return row


def _width(headings: Sequence[str]) -> int:
    """How many columns there are, up to the last that has a name."""
    return max(place for place, heading in enumerate(headings, 1) if heading)


def _cut_reads_otherwise(headings: Sequence[str], mapping: StatementMapping) -> bool:
    """Whether a line's last cell, cut off, would be another amount or day. Many banks' files end without a line end, so
    what is only words, or not read, is taken as it stands.
    """
    columns = mapping.columns
    last = next(name for name in reversed(headings) if name)
    return last in (
        *(columns.amount, columns.credit, columns.debit, columns.currency),
        *(columns.booked_on, columns.value_on),
    )


def _named(mapping: StatementMapping) -> list[str]:
    columns = mapping.columns
    single = (columns.booked_on, columns.value_on, columns.amount, columns.credit, columns.debit, columns.currency)
    more = (columns.name, columns.iban, columns.reference, columns.end_to_end_id, *columns.text)
    return [name for name in (*single, *more) if name is not None]


def _movement(row: Mapping[str, str], mapping: StatementMapping) -> tuple[int, date]:
    """The money, in minor units and below 0 where it went out, and the day of its booking. Raises _Bad."""
    return _signed(row, mapping, _currency(row, mapping)), _day(row, mapping.columns.booked_on, mapping.date)


def _currency(row: Mapping[str, str], mapping: StatementMapping) -> str:
    column = mapping.columns.currency
    currency = row[column] if column and row[column] else mapping.currency
    if not is_currency(currency):
        raise _Bad(f"{column}: no currency that is known")
    return currency


def _entry(line: int, row: Mapping[str, str], mapping: StatementMapping) -> BankEntry | None:
    columns = mapping.columns
    if not row:
        return None
    currency = _currency(row, mapping)
    minor = _signed(row, mapping, currency)
    if minor == 0:
        return None
    booked = _day(row, columns.booked_on, mapping.date)
    return BankEntry(
        line=line,
        amount_minor=abs(minor),
        currency=currency,
        credit=minor > 0,
        booked_on=booked,
        value_on=_day(row, columns.value_on, mapping.date) if columns.value_on and row[columns.value_on] else booked,
        end_to_end_id=_optional(row, columns.end_to_end_id),
        bank_reference=_optional(row, columns.reference),
        other_name=_optional(row, columns.name),
        other_iban=(_optional(row, columns.iban) or "").replace(" ", "") or None,
        text=" ".join(row[name] for name in columns.text if row[name])[:1000],
    )


def _signed(row: Mapping[str, str], mapping: StatementMapping, currency: str) -> int:
    columns = mapping.columns
    if columns.amount is not None:
        return _minor(row[columns.amount], columns.amount, mapping, currency)
    assert columns.credit is not None
    came = _minor(row[columns.credit], columns.credit, mapping, currency) if row[columns.credit] else 0
    went = 0
    if columns.debit is not None and row[columns.debit]:
        went = abs(_minor(row[columns.debit], columns.debit, mapping, currency))
    if came and went:
        raise _Bad(f"{columns.credit} and {columns.debit}: money that came and money that went in one line")
    return came - went


def _minor(text: str, column: str, mapping: StatementMapping, currency: str) -> int:
    plain = text.replace("\u00a0", " ").replace("\u202f", " ").removesuffix(currency).strip().replace("\u2212", "-")
    if thousands := mapping.thousands.replace("\u00a0", " ").replace("\u202f", " "):
        units, _, decimals = plain.lstrip("+- ").partition(mapping.decimal)
        if (thousands in units and not _GROUPED.fullmatch(units.replace(thousands, "|"))) or thousands in decimals:
            raise _Bad(f"{column}: expected three digits after each {thousands!r}, which is said to part thousands")
        plain = plain.replace(thousands, "")
    plain = plain.replace(" ", "")
    if mapping.decimal != ".":
        if "." in plain:
            raise _Bad(f"{column}: a point, where {mapping.decimal!r} is said to part the decimals")
        plain = plain.replace(mapping.decimal, ".")
    if _THREE_DECIMALS.search(plain) and (digits := minor_digits(currency)) < 3:
        raise _Bad(
            f"{column}: three digits behind {mapping.decimal!r}, and {currency} has {digits}: if the sign "
            f"parts thousands, the mapping says so: thousands: {mapping.decimal!r}, and another sign for decimal"
        )
    try:
        value = Decimal(plain).scaleb(minor_digits(currency))
        whole = int(value)
    except (InvalidOperation, ValueError, OverflowError):
        raise _Bad(f"{column}: no amount") from None
    if whole != value or abs(whole) > MOST_MINOR:
        raise _Bad(f"{column}: more decimals than {currency} has, or too large")
    return whole


def _day(row: Mapping[str, str], column: str, pattern: str) -> date:
    try:
        return datetime.strptime(row[column], pattern).date()  # noqa: DTZ007 # a day has no zone
    except ValueError:
        raise _Bad(f"{column}: no date as {pattern} writes it") from None


def _optional(row: Mapping[str, str], column: str | None) -> str | None:
    return (row[column] or None) if column is not None else None
