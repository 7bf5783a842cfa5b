"""Agreements as PDF (typst): in the borrower's language, amounts in figures and words, the schedule with its
arithmetic, and how it was accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import typst
from babel import Locale
from babel.numbers import get_currency_name
from num2words import num2words
from pydantic import BaseModel, ConfigDict, TypeAdapter

from config.localised import format_date_long, format_moment, format_money, locale_of
from config.message_context import OneLine
from config.yaml_source import read_yaml
from domain.agreements.model import AgreementKind
from domain.money import Money, minor_digits

_FOLDER = Path(__file__).parent / "documents"
_OTHERWISE = "en"


class DocumentRow(BaseModel):
    """One payment; `interest_minor`, `principal_minor` and `left_minor` are its arithmetic, where there is interest."""

    model_config = ConfigDict(frozen=True)

    number: int
    due: date
    amount_minor: int
    interest_minor: int | None = None
    principal_minor: int | None = None
    left_minor: int | None = None


class AgreementData(BaseModel):
    """What an agreement's document says. Amounts in minor units of `currency`; `accepted_at` in the borrower's zone;
    `approved`: another person than proposed it said yes for the lender. `replaces`: due dates were moved, and this
    takes the place of the document before; `moved_at`, `moved_message_id` and `moved_words` are the yes to a date that
    was moved, told as the one to the agreement.

    Texts are brought to one line. Errors never show the values.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: AgreementKind
    language: str
    country: str
    lender_name: OneLine
    lender_phone: OneLine
    loan_id: OneLine
    borrower_name: OneLine | None = None
    number: OneLine
    version: int | None = None
    replaces: bool = False
    made_on: date
    made_at: datetime
    currency: str
    balance_minor: int
    total_minor: int
    remission_minor: int = 0
    added_minor: int = 0
    grace_days: int = 0
    fees_frozen: bool = False
    rows: tuple[DocumentRow, ...]
    accepted_at: datetime | None = None
    message_id: OneLine | None = None
    words: OneLine | None = None
    approved: bool = False
    moved_at: datetime | None = None
    moved_message_id: OneLine | None = None
    moved_words: OneLine | None = None


def render_agreement(data: AgreementData) -> bytes:
    """The PDF. The same data gives the same bytes."""
    return typst.compile(  # the PDF's bytes: no output path, one format
        _template(),
        format="pdf",
        sys_inputs={"data": json.dumps(_told(data), ensure_ascii=False)},
        timestamp=int(data.made_at.timestamp()),
        ignore_system_fonts=True,
    )


def amount_in_words(money: Money, language: str) -> str:
    """`trescientos euros con 50/100`: the whole units in words, what is left of them as a fraction."""
    digits = minor_digits(money.currency)
    whole, rest = divmod(money.amount_minor, 10**digits)
    words = str(num2words(whole, lang={"pt": "pt_BR"}.get(language, language)))
    name = get_currency_name(money.currency, count=whole, locale=language)
    if language == "es" and words.endswith("uno"):
        # "un euro", "veintiún euros": before a noun the number loses its last letter
        words = words.removesuffix("uno") + ("ún" if words.endswith("veintiuno") else "un")
    if language == "pt":
        name = name.lower()
    if language in ("es", "pt") and whole >= 10**6 and whole % 10**6 == 0:
        name = f"de {name}"
    joined = {"es": "con", "pt": "e"}.get(language, "and")
    return f"{words} {name}" + (f" {joined} {rest:0{digits}}/{10**digits}" if digits and rest else "")


def _told(data: AgreementData) -> dict[str, object]:
    language = data.language if data.language in _words() else _OTHERWISE
    words = _words()[language]
    locale = locale_of(language, data.country)

    def money(minor: int) -> str:
        return format_money(Money(amount_minor=minor, currency=data.currency), locale)

    names = {"lender": data.lender_name, "phone": data.lender_phone, "loan_id": data.loan_id}
    facts = [(words["for"], data.borrower_name)] if data.borrower_name is not None else []
    facts.append((words["number"], data.number))
    if data.version is not None:
        facts.append((words["version"], str(data.version)))
    facts.append((words["due"], money(data.balance_minor)))
    if data.remission_minor > 0:
        facts.append((words["forgiven"], money(data.remission_minor)))
    if data.added_minor > 0:
        facts.append((words["interest"], money(data.added_minor)))
    facts.append((words["total"], money(data.total_minor)))
    total = Money(amount_minor=data.total_minor, currency=data.currency)
    facts.append((words["in_words"], amount_in_words(total, language)))
    columns = ["column_number", "column_due", "column_amount"]
    arithmetic = data.added_minor > 0 and all(row.interest_minor is not None for row in data.rows)
    if arithmetic:
        columns += ["column_interest", "column_principal", "column_left"]
    rows = [_row(row, format_date_long(row.due, locale), money, arithmetic=arithmetic) for row in data.rows]
    clauses = [words["replaces"]] if data.replaces else []
    clauses.append(words["kept"].format(grace=data.grace_days))
    if data.fees_frozen:
        clauses.append(words["frozen"])
    clauses += [words[f"clause_{data.kind.value}"], words["help"].format(**names)]
    return {
        "language": language,
        "title": words[data.kind.value],
        "lender": data.lender_name,
        "date": format_date_long(data.made_on, locale),
        "opening": words["opening"].format(**names),
        "facts": facts,
        "columns": [words[column] for column in columns],
        "rows": rows,
        "clauses": clauses,
        "acceptance": _acceptance(data, words, locale),
        "footer": words["footer"].format(**names),
    }


def _row(row: DocumentRow, due: str, money: Callable[[int], str], *, arithmetic: bool) -> list[str]:
    told = [str(row.number), due, money(row.amount_minor)]
    if arithmetic:
        told += [money(each or 0) for each in (row.interest_minor, row.principal_minor, row.left_minor)]
    return told


def _acceptance(data: AgreementData, words: dict[str, str], locale: Locale) -> list[str]:
    lines = [words["accepted"]]
    if data.accepted_at is not None:
        lines.append(words["accepted_at"].format(at=format_moment(data.accepted_at, locale)))
    if data.message_id is not None:
        lines.append(words["message"].format(message_id=data.message_id))
    if data.words is not None:
        lines.append(words["said"].format(words=data.words))
    if data.approved:
        lines.append(words["approved"].format(lender=data.lender_name))
    if data.moved_at is not None:
        lines.append(words["moved_at"].format(at=format_moment(data.moved_at, locale)))
        if data.moved_message_id is not None:
            lines.append(words["message"].format(message_id=data.moved_message_id))
        if data.moved_words is not None:
            lines.append(words["said"].format(words=data.moved_words))
    return lines


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (_FOLDER / "agreement.typ").read_bytes()


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, str]]:
    return TypeAdapter(dict[str, dict[str, str]]).validate_python(read_yaml(_FOLDER / "agreement_words.yaml").data)
