"""Agreements as PDF (typst): in the borrower's language, amounts in figures and words, the schedule with its
arithmetic, and how it was accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import typst
from babel.numbers import get_currency_name
from num2words import num2words
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from config.localised import format_date_long, format_moment, format_money, format_rate, locale_of
from config.message_context import Notice, OneLine, Quoted
from config.yaml_source import read_yaml
from domain.agreements.model import AgreementKind, Via
from domain.money import Money, minor_digits
from domain.payable import payable, payable_money

_FOLDER = Path(__file__).parent / "documents"
_OTHERWISE = "en"
WORDING = 3
"""How documents word what they say of agreements that have none yet."""


class DocumentRow(BaseModel):
    """One payment; `interest_minor`, `principal_minor` and `left_minor` are its arithmetic, where there is interest.

    `in_time_until` is the last day on which its money is in time; None: told as days of grace alone.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    due: date
    amount_minor: int
    interest_minor: int | None = None
    principal_minor: int | None = None
    left_minor: int | None = None
    in_time_until: date | None = None


class AgreementData(BaseModel):
    """What an agreement's document says. Amounts in minor units of `currency`; `accepted_at` in the borrower's zone;
    `approved`: another person than proposed it said yes for the lender. `replaces`: due dates were moved, and this
    takes the place of the document before; `moved_at`, `moved_message_id` and `moved_words` are the yes to a date that
    was moved, told as the one to the agreement.

    `wording` counts on whenever the words change: what was agreed on keeps its own in every document of it, and what
    was agreed on before words were counted has none. `agency` collects for the lender; `address` is of whoever of the
    two writes, `complaints` says where to complain; `replaces_number` is the document's whose place this takes;
    `rate_bp` the yearly interest of a new schedule in hundredths of a percent, `effective_bp` what it comes to by the
    days of the payments; `noted_at`, in the borrower's zone, when it was taken down. `instead_of` is the last document
    of an earlier agreement whose place this one takes; `pay_to` the creditor's own account.

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
    words: Quoted | None = None
    approved: bool = False
    moved_at: datetime | None = None
    moved_message_id: OneLine | None = None
    moved_words: Quoted | None = None
    wording: int = Field(1, ge=1, le=WORDING)
    agency: OneLine | None = None
    address: Notice | None = None
    complaints: Notice | None = None
    replaces_number: OneLine | None = None
    rate_bp: int | None = None
    effective_bp: int | None = None
    pay_to: Notice | None = None
    instead_of: OneLine | None = None
    via: Via | None = None
    noted_at: datetime | None = None


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
    """`trescientos euros con 50/100`: the whole units in words, what is left of them as a fraction; as much as can be
    paid, like `format_money`."""
    money = payable_money(money)
    digits = minor_digits(money.currency)
    whole, rest = divmod(money.amount_minor, 10**digits)
    words = str(num2words(whole, lang={"pt": "pt_BR"}.get(language, language)))
    name = get_currency_name(money.currency, count=whole, locale=language)
    if language == "es":
        # "un euro", "veintiún mil euros": before a noun, mil or millones the number loses its last letter
        words = re.sub(r"veintiuno(?=$| (?:mil|millones|billones)\b)", "veintiún", words)
        words = re.sub(r"\buno(?=$| (?:mil|millones|billones)\b)", "un", words)
    if language == "pt":
        name = name.lower()
    if language in ("es", "pt") and whole >= 10**6 and whole % 10**6 == 0:
        name = f"de {name}"
    joined = {"es": "con", "pt": "e"}.get(language, "and")
    return f"{words} {name}" + (f" {joined} {rest:0{digits}}/{10**digits}" if digits and rest else "")


class _Speaker:
    """How one document speaks: its words, and amounts and days as its borrower reads them."""

    def __init__(self, data: AgreementData) -> None:
        spoken = _words(data.wording)
        self.language = data.language if data.language in spoken else _OTHERWISE
        self.words = spoken[self.language]
        self.locale = locale_of(self.language, data.country)
        self._currency = data.currency
        self._names = {
            "lender": data.lender_name,
            "agency": data.agency or "",
            "caller": data.agency or data.lender_name,
            "phone": data.lender_phone,
            "loan_id": data.loan_id,
            "complaints": data.complaints or "",
            "before": data.replaces_number or "",
            "instead": data.instead_of or "",
            "pay_to": data.pay_to or "",
        }
        self._for_another = data.agency is not None

    def money(self, minor: int) -> str:
        return format_money(Money(amount_minor=minor, currency=self._currency), self.locale)

    def in_words(self, minor: int) -> str:
        return amount_in_words(Money(amount_minor=minor, currency=self._currency), self.language)

    def day(self, day: date) -> str:
        return format_date_long(day, self.locale)

    def moment(self, at: datetime) -> str:
        return format_moment(at, self.locale)

    def says(self, name: str, **values: object) -> str:
        """The words of that name, an agency's own where one collects; the first wording has none."""
        of_agency = f"{name}_agency"
        chosen = of_agency if self._for_another and of_agency in self.words else name
        return self.words[chosen].format(**self._names, **values)


def _told(data: AgreementData) -> dict[str, object]:
    speaker = _Speaker(data)
    words = speaker.words
    columns = ["column_number", "column_due", "column_amount"]
    arithmetic = data.added_minor > 0 and all(row.interest_minor is not None for row in data.rows)
    if arithmetic:
        columns += ["column_interest", "column_principal", "column_left"]
    rows = [_row(row, speaker.day(row.due), speaker.money, arithmetic=arithmetic) for row in data.rows]
    first = data.wording == 1
    return {
        "language": speaker.language,
        "title": words[data.kind.value],
        "lender": data.lender_name if first else data.agency or data.lender_name,
        "date": speaker.day(data.made_on),
        "opening": speaker.says("opening"),
        "facts": _facts(data, speaker),
        "columns": [words[column] for column in columns],
        "rows": rows,
        "clauses": _first_clauses(data, speaker) if first else _clauses(data, speaker),
        "acceptance": _acceptance(data, speaker),
        "footer": speaker.says("footer") if first else _footer(data, speaker),
    }


def _facts(data: AgreementData, speaker: _Speaker) -> list[tuple[str, str]]:
    """What is told line by line, as far as the wording has a name for it."""
    rest = data.balance_minor - data.total_minor if data.kind is AgreementKind.PROMISE else 0
    rate, effective = (data.rate_bp, data.effective_bp) if data.added_minor > 0 else (None, None)
    # less the debt as it is shown, so that what is shown adds up
    interest = data.total_minor - payable(data.balance_minor, data.currency) if data.added_minor > 0 else 0
    told: list[tuple[str, str | None]] = [
        ("for", data.borrower_name),
        ("creditor", data.lender_name),
        ("agency", data.agency),
        ("contract", data.loan_id),
        ("number", data.number),
        ("version", str(data.version) if data.version is not None else None),
        ("due", speaker.money(data.balance_minor)),
        ("forgiven", speaker.money(data.remission_minor) if data.remission_minor > 0 else None),
        ("interest", speaker.money(interest) if interest > 0 else None),
        ("rate", format_rate(rate, speaker.locale) if rate else None),
        ("effective", format_rate(effective, speaker.locale) if effective else None),
        ("total", speaker.money(data.total_minor)),
        ("in_words", speaker.in_words(data.total_minor)),
        ("rest", speaker.money(rest) if rest > 0 else None),
    ]
    return [(speaker.words[name], value) for name, value in told if name in speaker.words and value is not None]


def _clauses(data: AgreementData, speaker: _Speaker) -> list[str]:
    last = data.rows[-1]
    until = last.in_time_until if "grace_until" in speaker.words else None
    grace = {0: "grace_none", 1: "grace_one"}.get(data.grace_days, "grace_more")
    if until is not None and len(data.rows) == 1:
        grace = "grace_until"
    names = ["instead"] if data.instead_of is not None else []
    if data.replaces:
        names.append("replaces")
    names += ["kept", grace, "pay"]
    if data.pay_to is not None:
        names.append("pay_to")
    if data.fees_frozen:
        names.append("frozen")
    names.append(f"clause_{data.kind.value}")
    if data.added_minor > 0:
        names.append("clause_interest")
    names.append("help")
    if data.complaints is not None:
        names.append("complaints")
    values = {
        "grace": data.grace_days,
        "due": speaker.money(data.balance_minor),
        "total": speaker.money(data.total_minor),
        "forgiven": speaker.money(data.remission_minor),
        "forgiven_words": speaker.in_words(data.remission_minor),
        "last": speaker.day(until or last.due + timedelta(days=data.grace_days)),
    }
    return [speaker.says(name, **values) for name in names]


def _first_clauses(data: AgreementData, speaker: _Speaker) -> list[str]:
    """As the first wording has them."""
    names = ["replaces", "kept"] if data.replaces else ["kept"]
    if data.fees_frozen:
        names.append("frozen")
    names += [f"clause_{data.kind.value}", "help"]
    return [speaker.says(name, grace=data.grace_days) for name in names]


def _row(row: DocumentRow, due: str, money: Callable[[int], str], *, arithmetic: bool) -> list[str]:
    told = [str(row.number), due, money(row.amount_minor)]
    if arithmetic:
        told += [money(each or 0) for each in (row.interest_minor, row.principal_minor, row.left_minor)]
    return told


def _footer(data: AgreementData, speaker: _Speaker) -> str:
    lines = (speaker.says("footer"), data.address, speaker.says("telephone"))
    return " · ".join(line for line in lines if line is not None)


def _acceptance(data: AgreementData, speaker: _Speaker) -> list[str]:
    lines = [speaker.words["accepted"]]
    how = f"via_{data.via.value}" if data.via is not None else ""
    if data.accepted_at is not None:
        lines.append(speaker.says("accepted_at", at=speaker.moment(data.accepted_at)))
        if how in speaker.words:
            lines.append(speaker.says(how))
    elif data.noted_at is not None and "noted_at" in speaker.words:
        lines.append(speaker.says("noted_at", at=speaker.moment(data.noted_at)))
    if data.message_id is not None:
        lines.append(speaker.says("message", message_id=data.message_id))
    if data.words is not None:
        lines.append(speaker.says("said", words=data.words))
    if data.approved:
        lines.append(speaker.says("approved"))
    if data.moved_at is not None:
        lines.append(speaker.says("moved_at", at=speaker.moment(data.moved_at)))
        if data.moved_message_id is not None:
            lines.append(speaker.says("message", message_id=data.moved_message_id))
        if data.moved_words is not None:
            lines.append(speaker.says("said", words=data.moved_words))
    return lines


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (_FOLDER / "agreement.typ").read_bytes()


@lru_cache(maxsize=WORDING)
def _words(wording: int) -> dict[str, dict[str, str]]:
    file = "agreement_words.yaml" if wording == WORDING else f"agreement_words_{wording}.yaml"
    return TypeAdapter(dict[str, dict[str, str]]).validate_python(read_yaml(_FOLDER / file).data)
