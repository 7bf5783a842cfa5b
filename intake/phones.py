"""Telephone numbers to E.164, as phonenumbers judges them, for whole columns.

Numbers that match their own country's pattern outright, with nothing in front that could be a prefix, are
settled by that pattern (taken from the library's metadata). All others go to the library one by one.
"""

from dataclasses import dataclass
from functools import cache

import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata

_WRITTEN_PLAINLY = r"^\+?[0-9][0-9 \u00a0()./-]*$|^\+?\([0-9][0-9 \u00a0()./-]*$"
_PUNCTUATION = r"[ \u00a0()./-]"
# The library reads letters as keypad digits; in a portfolio they are another column's text.
_WORTH_ASKING = (
    r"^[+\uff0b]?[\p{Nd}\s()\[\]./~\-\u2010-\u2015\uff0d]{5,30}(?:;?\s*(?:ext|x|#|int)\.?[=:]?\s*\d{1,7})?$"
)
_TYPES = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


@dataclass(frozen=True)
class _Plan:
    calling_code: str
    general: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    prefix: str | None


@cache
def _plan(country: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(country)
    general = metadata.general_desc if metadata else None
    if metadata is None or general is None:
        return None
    shapes = []
    for kind in _TYPES:
        description = getattr(metadata, kind)
        if description is not None and description.national_number_pattern:
            shapes.append(
                (rf"^(?:{description.national_number_pattern})$", tuple(description.possible_length))
            )
    prefixes = [p for p in (metadata.national_prefix_for_parsing, metadata.international_prefix) if p]
    return _Plan(
        calling_code=str(metadata.country_code),
        general=rf"^(?:{general.national_number_pattern})$",
        shapes=tuple(shapes),
        prefix=rf"^(?:{'|'.join(f'(?:{prefix})' for prefix in prefixes)})" if prefixes else None,
    )


@cache
def _read_by_rust(pattern: str) -> bool:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return False
    return True


def _outright(cells: pl.Series, plan: _Plan) -> pl.Series:
    """E.164 where the cell is one by its own country's patterns alone; null elsewhere."""
    patterns = [plan.general, *(shape for shape, _ in plan.shapes), *([plan.prefix] if plan.prefix else [])]
    none = pl.Series([None] * len(cells), dtype=pl.String)
    if not all(map(_read_by_rust, patterns)):
        return none
    digits = cells.set(~cells.str.contains(_WRITTEN_PLAINLY), None).str.replace_all(_PUNCTUATION, "")
    foreign = digits.str.starts_with("+") & ~digits.str.starts_with(f"+{plan.calling_code}")
    national = digits.set(foreign, None).str.strip_prefix(f"+{plan.calling_code}")
    national = national.set(national.str.starts_with("0") | ~national.str.contains(plan.general), None)
    if plan.prefix:
        national = national.set(national.str.contains(plan.prefix), None)
    length = national.str.len_chars()
    valid = pl.Series([False] * len(cells), dtype=pl.Boolean)
    for shape, lengths in plan.shapes:
        valid = valid | (national.str.contains(shape) & (length.is_in(list(lengths)) if lengths else True))
    return (f"+{plan.calling_code}" + national).set(~valid.fill_null(False), None)


def _asked(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def to_e164(cells: pl.Series, countries: pl.Series) -> pl.Series:
    """E.164 of each cell, numbers without + read in the row's country (ISO alpha-2); null where impossible."""
    result = pl.Series("phone", [None] * len(cells), dtype=pl.String)
    given = cells.is_not_null()
    for country in countries.filter(given).drop_nulls().unique().to_list():
        plan = _plan(country)
        if plan is None:
            continue
        of_country = (given & (countries == country)).fill_null(False)
        places = of_country.arg_true()
        result = result.scatter(places, _outright(cells.gather(places), plan))
    open_ = given & result.is_null() & cells.str.contains(_WORTH_ASKING)
    if not open_.any():
        return result
    places = open_.fill_null(False).arg_true()
    answers: dict[tuple[str, str | None], str | None] = {}
    found: list[str | None] = []
    for text, country in zip(cells.gather(places), countries.gather(places), strict=True):
        key = (text, country)
        if key not in answers:
            answers[key] = _asked(text, country)
        found.append(answers[key])
    return result.scatter(places, pl.Series(found, dtype=pl.String))
