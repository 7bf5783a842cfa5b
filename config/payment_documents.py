"""Receipts and letters of payment in full as PDF (typst): in the borrower's language, from plain values."""

from __future__ import annotations

import json
import threading
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import typst
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from config.localised import format_date_long, format_money, locale_of
from config.message_context import OneLine
from config.yaml_source import read_yaml
from domain.money import Money

_FOLDER = Path(__file__).parent / "documents"
_OTHERWISE = "en"
WORDING = 3
"""How documents that are made now word what they say."""
_PRESS = threading.Lock()


class DocumentKind(StrEnum):
    RECEIPT = "receipt"
    PAID_IN_FULL = "paid_in_full"


class DocumentData(BaseModel):
    """What a document says. Amounts and dates print in the locale of language and country (ISO 3166-1 alpha-2).

    `payment` is None only in a letter of payment in full of a loan without payments of its own. Texts are brought to
    one line. Errors never show the values.

    `wording` counts on whenever the words change: a document says for ever what it said when it was issued, and those
    of before words were counted have none. `settled`, in a letter: a part was paid and the rest forgiven, `forgiven`
    of it. `agreed_left`, in a receipt: what is left of a settlement that is kept, which is all that is asked for.
    `agency` collects for the lender.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: DocumentKind
    language: str
    country: str
    lender_name: OneLine
    lender_phone: OneLine
    loan_id: OneLine
    borrower_name: OneLine | None = None
    number: OneLine
    made_on: date
    made_at: datetime
    amount: Money | None = None
    paid_on: date | None = None
    payment_reference: OneLine | None = None
    remaining: Money
    wording: int = Field(1, ge=1, le=WORDING)
    settled: bool | None = None
    forgiven: Money | None = None
    agreed_left: Money | None = None
    agency: OneLine | None = None


def render_document(data: DocumentData) -> bytes:
    """The PDF. The same data gives the same bytes."""
    said = json.dumps(_told(data), ensure_ascii=False)
    with _PRESS:
        pdf = _press().compile(
            input=_template(), format="pdf", sys_inputs={"data": said}, timestamp=int(data.made_at.timestamp())
        )
    assert isinstance(pdf, bytes)  # no output path, one format
    return pdf


def _told(data: DocumentData) -> dict[str, object]:
    spoken = _words(data.wording)
    language = data.language if data.language in spoken else _OTHERWISE
    words = spoken[language]
    locale = locale_of(language, data.country)
    day = format_date_long(data.made_on, locale)
    names = {
        "loan_id": data.loan_id,
        "date": day,
        "lender": data.lender_name,
        "phone": data.lender_phone,
        "agency": data.agency or "",
        "forgiven": format_money(data.forgiven, locale) if data.forgiven is not None else "",
    }
    rows: list[tuple[str, str]] = []
    if data.borrower_name is not None:
        rows.append((words["for"], data.borrower_name))
    if "creditor" in words:
        rows.append((words["creditor"], data.lender_name))
    if data.agency is not None and "agency" in words:
        rows.append((words["agency"], data.agency))
    rows.append((words["contract"], data.loan_id))
    if data.kind is DocumentKind.RECEIPT:
        rows.append((words["number"], data.number))
    if data.amount is not None:
        rows.append((words["amount"], format_money(data.amount, locale)))
    if data.paid_on is not None:
        rows.append((words["paid_on"], format_date_long(data.paid_on, locale)))
    if data.payment_reference is not None and data.kind is DocumentKind.RECEIPT:
        rows.append((words["reference"], data.payment_reference))
    left = format_money(data.remaining, locale) if data.remaining.amount_minor > 0 else words["nothing"]
    rows.append((words["remaining"], left))
    closing = words[f"closing_{data.kind.value}"].format(**names)
    if data.agreed_left is not None and "agreed_left" in words:
        some = data.agreed_left.amount_minor > 0
        rows.append((words["agreed_left"], format_money(data.agreed_left, locale) if some else words["nothing"]))
        closing = f"{closing} {words['kept']}"
    opening = words[_opening(data, words)].format(**names)
    if data.settled and "settled" in words:
        told = "settled_sum" if data.forgiven is not None and "settled_sum" in words else "settled"
        opening = f"{opening} {words[told].format(**names)}"
    of_agency = data.agency is not None and "footer_agency" in words
    return {
        "language": language,
        "title": words[data.kind.value],
        "lender": data.agency if of_agency else data.lender_name,
        "date": day,
        "opening": opening,
        "rows": rows,
        "closing": closing,
        "footer": words["footer_agency" if of_agency else "footer"].format(**names),
    }


def _opening(data: DocumentData, words: dict[str, str]) -> str:
    """The name of its first words: an agency was not paid itself."""
    name = f"opening_{data.kind.value}"
    of_agency = f"{name}_agency"
    return of_agency if data.agency is not None and of_agency in words else name


@lru_cache(maxsize=1)
def _press() -> typst.Compiler:
    """Kept, with its fonts: reading them again took half of the time for a document. For one thread at a time."""
    return typst.Compiler(font_paths=typst.Fonts(include_system_fonts=False))


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (_FOLDER / "receipt.typ").read_bytes()


@lru_cache(maxsize=WORDING)
def _words(wording: int) -> dict[str, dict[str, str]]:
    file = "words.yaml" if wording == WORDING else f"words_{wording}.yaml"
    return TypeAdapter(dict[str, dict[str, str]]).validate_python(read_yaml(_FOLDER / file).data)
