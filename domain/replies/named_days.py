"""Days people call by a name: Christmas, Three Kings, a holiday that the country moves to a Monday."""

from __future__ import annotations

import re
from datetime import date, timedelta

import holidays

_FIXED: tuple[tuple[str, int, int], ...] = (
    (r"nochebuena|noche buena|vispera de navidad|christmas eve|xmas eve|vespera de natal", 12, 24),
    (r"(?:dia de )?navidad|christmas(?: day)?|xmas|natal", 12, 25),
    (r"nochevieja|noche vieja|fin de ano|new year'?s eve|reveillon|vispera de ano nuevo", 12, 31),
    (r"ano nuevo|ano novo|new year'?s(?: day)?", 1, 1),
    (r"(?:dia de )?(?:los )?reyes(?: magos)?", 1, 6),
    (r"dia del trabajo|dia del trabajador|dia do trabalho|primero de mayo|dia de los trabajadores", 5, 1),
    (r"dia de (?:los )?muertos", 11, 2),
    (r"(?:dia de )?(?:la )?constitucion", 12, 6),
    (r"(?:dia |el )?(?:de la |del )?(?:virgen del )?pilar", 10, 12),
    (r"dia de la candelaria", 2, 2),
    (r"noche de san juan|san juan", 6, 24),
    (r"san valentin|valentine'?s day|dia de los enamorados", 2, 14),
)
# Holidays that some countries move: looked up in the country's calendar by the library's English names.
_MOVED: tuple[tuple[str, str], ...] = (
    (r"(?:dia de )?(?:la )?asuncion(?: de la virgen)?", "Assumption"),
    (r"(?:dia de )?todos (?:los )?santos", "All Saints"),
    (r"(?:dia de la )?inmaculada(?: concepcion)?|(?:dia de )?(?:la )?virgen de diciembre", "Immaculate Conception"),
    (r"dia de la raza|dia de la diversidad(?: cultural)?|dia de la hispanidad|encuentro de dos mundos|columbus day",
     "Columbus|Cultural Diversity|National Day|Day of the Meeting|Ethnic"),
    (r"(?:dia de )?san pedro(?: y san pablo)?", "Saint Peter"),
    (r"(?:dia de )?san jose", "Saint Joseph"),
    (r"(?:dia de la )?soberania(?: nacional)?", "Sovereignty"),
    (r"(?:dia de la |aniversario de la )?revolucion", "Revolution"),
    (r"(?:natalicio de )?benito juarez", "Ju.rez"),
    (r"(?:dia de la )?independencia|dia da independencia|independence day|4th of july|fourth of july", "Independence"),
    (r"thanksgiving", "Thanksgiving"),
    (r"labor day", "Labor Day"),
    (r"corpus christi", "Corpus Christi"),
    (r"viernes santo|good friday|sexta-feira santa|sexta santa", "Good Friday"),
    (r"jueves santo", "Maundy Thursday"),
)  # fmt: skip
_BLACK_FRIDAY = r"black friday|viernes negro"
_NEXT_HOLIDAY = r"(?:(?:el )?lunes )?(?:festivo|feriado)|bank holiday(?: monday)?|(?:o )?feriado"

NAMED_DAYS = "|".join([name for name, _ in _MOVED] + [name for name, _, _ in _FIXED] + [_BLACK_FRIDAY, _NEXT_HOLIDAY])
"""Matches any of them in plain text."""


def named_day(words: str, sent: date, country: str) -> date | None:
    """The next such day that is not before `sent`; None where the country's calendar has none."""
    for pattern, month, day in _FIXED:
        if re.fullmatch(pattern, words):
            this = date(sent.year, month, day)
            return this if this >= sent else date(sent.year + 1, month, day)
    if re.fullmatch(_BLACK_FRIDAY, words):
        return next(day for day in map(_black_friday, (sent.year, sent.year + 1)) if day >= sent)
    english = next((name for pattern, name in _MOVED if re.fullmatch(pattern, words)), None)
    found = _holidays(country, sent.year) | _holidays(country, sent.year + 1)
    for day_found in sorted(found):
        if day_found < sent or (english is None and day_found == sent):
            continue
        if english is None:
            if "lunes" in words and day_found.weekday() != 0:
                continue
            return day_found
        if re.search(english, found[day_found]):
            return day_found
    return None


def _black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


def _holidays(country: str, year: int) -> dict[date, str]:
    try:
        return dict(holidays.country_holidays(country, years=year, language="en_US").items())
    except (NotImplementedError, KeyError):
        return {}


def is_working_day(day: date, country: str) -> bool:
    """Monday to Friday and no national holiday."""
    return day.weekday() < 5 and day not in _holidays(country, day.year)


def next_working_day(day: date, country: str) -> date:
    while not is_working_day(day, country):
        day += timedelta(days=1)
    return day
