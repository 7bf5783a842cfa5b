"""What a check of a portfolio file found, in plain values: nothing here needs the reader of tables."""

from dataclasses import dataclass
from datetime import date

from intake.errors import CellError

BUCKETS: tuple[tuple[str, int | None], ...] = (
    ("not yet due", 0),
    ("1-30", 30),
    ("31-60", 60),
    ("61-90", 90),
    ("91-180", 180),
    ("over 180", None),
)
"""Names of the intervals of days past due with their last day, inclusive."""


@dataclass(frozen=True)
class CurrencyTotal:
    currency: str
    loans: int
    amount_minor: int
    """Minor units of `currency`."""


@dataclass(frozen=True)
class CityInDoubt:
    """What may stand for a city with rules or holidays of its own, and so counts as not known.

    `perhaps`: the one it is nearly the name of, or begins with; None where it names no city at all.
    """

    country: str
    region: str | None
    city: str
    perhaps: str | None
    rows: int


@dataclass(frozen=True)
class UnruledPlace:
    """A place whose contact rules cannot be told: nobody there is contacted.

    `region` is a code that the country's rules do not know, or None where they need one; `known_country` is false
    where there are no rules for the country at all.
    """

    country: str
    region: str | None
    known_country: bool
    rows: int


@dataclass(frozen=True)
class Summary:
    """Figures of a file. All but `rows`, `good` and `bad` count good rows only."""

    rows: int
    good: int
    bad: int
    people: int
    amounts: list[CurrencyTotal]
    days_past_due: dict[str, int]
    with_phone: int
    with_email: int
    with_consent: int
    with_timezone: int
    zones_at_odds: int
    """Rows whose time zone contradicts their region, or without one their country."""
    cities_in_doubt: list[CityInDoubt]
    """The commonest first."""
    unruled_places: list[UnruledPlace]
    """The commonest first."""


@dataclass(frozen=True)
class Findings:
    """What is said of a checked file. May hold personal data, in `errors` and in cells for a city: never log them."""

    path: str
    mapping: str
    as_of: date
    read_as: str
    """Kind of file, encoding and delimiter, for the operator."""
    totals: Summary
    countries: tuple[str, ...]
    """ISO 3166-1 alpha-2 of the good rows, in order."""
    due_dates_counted: bool
    """Whether due dates are counted back from `as_of`: of the same file on another day they are others."""
    warnings: tuple[str, ...]
    unused_columns: tuple[str, ...]
    errors_total: int
    errors: tuple[CellError, ...]
    """The first of them, in line order: as many as were asked for."""
