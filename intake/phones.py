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
_WORTH_ASKING = r"^[+\uff0b]*[\p{Nd}\s()\[\]./~\-\u2010-\u2015\uff0d]{5,60}$"
_EXTENSION = r"(?i)[0-9][\s().,;/-]*(?:ext(?:n|ensi[o\u00f3]n)?|x|#|int(?:erno)?|anexo|ramal)[\s.=:]*[0-9]{1,7}\s*$"
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
    """What the library's metadata says of one country's numbers, as patterns for whole columns."""

    calling_code: str
    general: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    trunk_pattern: str | None
    """What may stand before a national number and would be taken off."""
    trunk: str | None
    """The same where it is nothing but fixed digits, such as the 0 of France."""
    exit_pattern: str | None
    """What is dialled to call abroad."""


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
            shapes.append((rf"^(?:{description.national_number_pattern})$", tuple(description.possible_length)))
    trunk = metadata.national_prefix_for_parsing
    fixed = trunk is not None and trunk.isdigit() and metadata.national_prefix_transform_rule is None
    return _Plan(
        calling_code=str(metadata.country_code),
        general=rf"^(?:{general.national_number_pattern})$",
        shapes=tuple(shapes),
        trunk_pattern=rf"^({trunk})" if trunk else None,
        trunk=trunk if fixed else None,
        exit_pattern=rf"^(?:{metadata.international_prefix})" if metadata.international_prefix else None,
    )


@cache
def _read_by_rust(pattern: str) -> bool:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return False
    return True


def _outright(cells: pl.Series, plan: _Plan) -> pl.Series:
    """E.164 where the library's patterns for the country settle the cell beyond doubt; null elsewhere.

    A number counts as it stands, after its calling code (with or without +), or after fixed trunk digits; the
    latter two only if the whole is no number of the country itself, which is the library's rule as well.
    """
    patterns = [plan.general, *(shape for shape, _ in plan.shapes), plan.trunk_pattern, plan.exit_pattern]
    if not all(_read_by_rust(pattern) for pattern in patterns if pattern):
        return pl.Series([None] * len(cells), dtype=pl.String)
    digits = cells.set(~cells.str.contains(_WRITTEN_PLAINLY), None).str.replace_all(_PUNCTUATION, "")
    code = plan.calling_code
    dialled = digits.set(digits.str.starts_with("+"), None)
    if plan.exit_pattern:
        dialled = dialled.set(dialled.str.contains(plan.exit_pattern), None)
    with_plus = digits.set(~digits.str.starts_with(f"+{code}"), None).str.strip_prefix(f"+{code}")
    whole = dialled.zip_with(dialled.is_not_null(), with_plus)
    no_number_itself = ~whole.str.contains(plan.general)
    candidates = [whole]
    after_code = dialled.set(~dialled.str.starts_with(code), None).str.strip_prefix(code)
    candidates.append(after_code.set(~no_number_itself, None))
    if plan.trunk:
        # Digits that begin like the calling code might be meant as that.
        ours = whole.str.starts_with(plan.trunk) & no_number_itself
        if plan.trunk != code:
            ours = ours & ~whole.str.starts_with(code)
        candidates.append(whole.set(~ours, None).str.strip_prefix(plan.trunk))
    result = pl.Series([None] * len(cells), dtype=pl.String)
    for national in candidates:
        result = result.zip_with(result.is_not_null(), _national(national, plan))
    return f"+{code}" + result


def _national(candidates: pl.Series, plan: _Plan) -> pl.Series:
    """Candidates that are valid national numbers from which the library would take nothing off."""
    # A zero in front is part of the number in some countries (Italy) and a prefix in others.
    doubtful = candidates.str.starts_with("0") | ~candidates.str.contains(plan.general)
    if plan.trunk_pattern:
        doubtful = doubtful | (candidates.str.extract(plan.trunk_pattern).str.len_chars() > 0).fill_null(False)
    sure = candidates.set(doubtful, None)
    length = sure.str.len_chars()
    valid = pl.Series([False] * len(sure), dtype=pl.Boolean)
    for shape, lengths in plan.shapes:
        valid = valid | (sure.str.contains(shape) & (length.is_in(list(lengths)) if lengths else True))
    return sure.set(~valid.fill_null(False), None)


def has_extension(cells: pl.Series) -> pl.Series:
    """Whether what stands in each cell is a line behind another number, such as "912345678 ext. 4"."""
    return cells.str.contains(_EXTENSION)


def _asked(text: str, country: str | None) -> str | None:
    """Null for an extension too: its number without it is somebody else's, often an employer's."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if number.extension is not None or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def to_e164(cells: pl.Series, countries: pl.Series) -> pl.Series:
    """E.164 of each cell, numbers without + read in the row's country (ISO alpha-2); null for none or an extension."""
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
