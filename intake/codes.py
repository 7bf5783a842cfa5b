"""Codes that must exist: countries, currencies, languages, time zones."""

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl
from babel.core import get_global

from domain.contact import Channel
from domain.money import is_currency
from domain.portfolio import NO_CHANNELS

LANGUAGES = frozenset({"en", "es", "pt"})
"""Languages there are message templates for."""

USUAL_LANGUAGE = MappingProxyType(
    dict.fromkeys(("AR", "CL", "CO", "EC", "ES", "MX", "PE", "PY", "UY"), "es") | {"BR": "pt", "GB": "en", "US": "en"}
)
"""What is written to a borrower of whom no language is known, in the countries there are contact rules for."""


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, from the list the tz database carries."""
    table = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line and not line.startswith("#"))


@cache
def currencies() -> frozenset[str]:
    """ISO 4217 codes that are legal tender somewhere today, from CLDR."""
    tender = {
        str(code)
        for history in get_global("territory_currencies").values()
        for code, _start, end, is_tender in history
        if end is None and is_tender
    }
    return frozenset(code for code in tender if is_currency(code))


@cache
def zones() -> dict[str, str]:
    """IANA zone names by their lower-case form."""
    names = (files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return {name.lower(): name for name in names if name != "Factory"}


def country(text: str) -> str | None:
    return text.upper() if text.upper() in countries() else None


def currency(text: str) -> str | None:
    return text.upper() if text.upper() in currencies() else None


def language(text: str) -> str | None:
    code = text.replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else None


def timezone(text: str) -> str | None:
    return zones().get(text.lower())


def channels(text: str) -> str | None:
    """Contact channels with commas, semicolons, bars, plus signs or blanks between, in one order; or NO_CHANNELS."""
    named = {word.replace("e-mail", "email") for word in re.split(r"[,;|+/\s]+", text.strip().lower()) if word}
    if named == {NO_CHANNELS}:
        return NO_CHANNELS
    return ",".join(sorted(named)) if named and named <= frozenset(Channel) else None


def each(cells: pl.Series, judge: Callable[[str], str | None]) -> pl.Series:
    """`judge` applied once to each distinct cell."""
    distinct = cells.drop_nulls().unique()
    if not len(distinct):
        return cells
    judged = pl.Series([judge(text) for text in distinct], dtype=pl.String)
    return cells.replace_strict(distinct, judged, default=None, return_dtype=pl.String)
