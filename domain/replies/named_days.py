"""Days people call by a name: Christmas, Three Kings, a holiday that the country moves to a Monday."""

from __future__ import annotations

import re
from datetime import date, timedelta

import holidays
from dateutil.easter import easter

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
    (r"(?:dia|noche) de (?:las )?velitas", 12, 7),
    (r"halloween|dia das bruxas", 10, 31),
    (r"finados", 11, 2),
    (r"sao joao|noite de sao joao", 6, 24),
    (r"nossa senhora aparecida|dia das criancas", 10, 12),
    (r"(?:dia de la )?(?:virgen de )?guadalupe|dia de la guadalupana", 12, 12),
    (r"ano viejo", 12, 31),
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
    (r"(?:dia de )?santa rosa(?: de lima)?", "Rose of Lima"),
)  # fmt: skip
_EASTER: tuple[tuple[str, int], ...] = (
    (r"lunes de carnaval|segunda de carnaval", -48),
    (r"martes de carnaval|terca de carnaval", -47),
    (r"miercoles de ceniza|quarta(?:-feira)? de cinzas", -46),
    (r"domingo de ramos", -7),
    (r"jueves santo|quinta(?:-feira)? santa|maundy thursday", -3),
    (r"viernes santo|good friday|sexta(?:-| )feira santa|sexta santa|sexta da paixao", -2),
    (r"sabado (?:santo|de gloria)|sabado de aleluia", -1),
    (r"domingo de (?:pascuas?|resurreccion|gloria)|domingo de pascoa|easter(?: sunday)?", 0),
    (r"lunes de pascuas?|easter monday", 1),
)
"""Days counted from Easter Sunday."""
_MOTHERS = r"dia de (?:la|las) madres?|dia das maes|mother'?s day"
MOVABLE_DAYS = "|".join([*(name for name, _ in _EASTER), _MOTHERS])
"""Matches any of them in plain text; to be looked for before plain weekdays, of which most have one."""
_BLACK_FRIDAY = r"black friday|viernes negro"
_NEXT_HOLIDAY = r"(?:(?:el )?lunes )?(?:festivo|feriado)|bank holiday(?: monday)?|(?:o )?feriado"

NAMED_DAYS = "|".join(
    [name for name, _ in _MOVED] + [name for name, _, _ in _FIXED] + [MOVABLE_DAYS, _BLACK_FRIDAY, _NEXT_HOLIDAY]
)
"""Matches any of them in plain text."""


def named_day(words: str, sent: date, country: str) -> date | None:
    """The next such day that is not before `sent`; None where the country's calendar has none."""
    for pattern, month, day in _FIXED:
        if re.fullmatch(pattern, words):
            this = date(sent.year, month, day)
            return this if this >= sent else date(sent.year + 1, month, day)
    for pattern, days in _EASTER:
        if re.fullmatch(pattern, words):
            return next(feast for year in (0, 1) if (feast := _from_easter(sent.year + year, days)) >= sent)
    if re.fullmatch(_MOTHERS, words):
        return next(feast for year in (0, 1) if (feast := _mothers_day(sent.year + year, country)) >= sent)
    if re.fullmatch(_BLACK_FRIDAY, words):
        return next(feast for feast in map(_black_friday, (sent.year, sent.year + 1)) if feast >= sent)
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


def _from_easter(year: int, days: int) -> date:
    return easter(year) + timedelta(days=days)


def _mothers_day(year: int, country: str) -> date:
    """The second Sunday of May but for Mexico (its tenth), Spain and Portugal (the first) and Argentina (October)."""
    if country == "MX":
        return date(year, 5, 10)
    month, sunday = {"ES": (5, 1), "PT": (5, 1), "AR": (10, 3)}.get(country, (5, 2))
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (sunday - 1))


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
