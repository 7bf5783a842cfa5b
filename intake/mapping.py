"""What a mapping file may say: which column fills which field, and how its cells are written."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class NumberFormat(StrEnum):
    """How numbers are written in a column."""

    POINT = "point"
    """1,234.56 or 1234.56"""
    COMMA = "comma"
    """1.234,56 or 1234,56"""
    AUTO = "auto"
    """Whichever of the two the whole column agrees on."""


class DateFormat(StrEnum):
    """How dates are written; the separator may be / - or a point. The year has four digits."""

    ISO = "iso"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class Rounding(StrEnum):
    """How a computed amount is brought to the decimals of its currency."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


ColumnNames: TypeAlias = Annotated[tuple[Annotated[str, Field(strict=True, min_length=1)], ...], Field(min_length=1)]


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Scalar: TypeAlias = Annotated[str, Field(strict=True)] | Annotated[int, Field(strict=True)] | Decimal


class Lookup(_Strict):
    """The value that stands beside the row's cell of column `by` in `table`."""

    by: ColumnNames
    """Accepted names of the column."""
    table: Annotated[dict[Annotated[str, Field(strict=True)], "Scalar | Source"], Field(min_length=1)]
    """Cell text, compared without case, accents and blanks, to a value or to another source."""
    otherwise: "Scalar | Source | None" = None
    """For cells the table does not have. Without it such a cell is an error."""

    _by = field_validator("by", mode="before")(_as_tuple)


Operand: TypeAlias = Annotated[int, Field(strict=True)] | Decimal | Annotated[str, Field(strict=True)] | "Source"


class Source(_Strict):
    """Where a value comes from: exactly one of the forms below."""

    columns: ColumnNames | None = None
    """Accepted column names, the first present wins."""
    value: Scalar | None = None
    """The same for every row."""
    lookup: Lookup | None = None
    sum: Annotated[tuple[Operand, ...], Field(min_length=2)] | None = None
    """Operands: a number is a constant, a text is a column's name."""
    product: Annotated[tuple[Operand, ...], Field(min_length=2)] | None = None
    difference: Annotated[tuple[Operand, ...], Field(min_length=2)] | None = None
    """The first less all others."""
    days_past_due: "Operand | None" = None
    """Only for dates: the day that lies this many days before the day the portfolio is as of."""

    _columns = field_validator("columns", mode="before")(_as_tuple)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in Source.model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            forms = ", ".join(Source.model_fields)
            raise ValueError(f"expected exactly one of {forms}; got {', '.join(given) or 'none'}")
        return self

    def columns_needed(self) -> list[ColumnNames]:
        """Every column this source reads, as its accepted names."""
        if self.columns is not None:
            return [self.columns]
        if self.lookup is not None:
            needed = [self.lookup.by]
            for entry in (*self.lookup.table.values(), self.lookup.otherwise):
                if isinstance(entry, Source):
                    needed += entry.columns_needed()
            return needed
        operands: tuple[Operand, ...] = self.sum or self.product or self.difference or ()
        if self.days_past_due is not None:
            operands = (self.days_past_due,)
        needed = []
        for operand in operands:
            if isinstance(operand, Source):
                needed += operand.columns_needed()
            elif isinstance(operand, str):
                needed.append((operand,))
        return needed

    def counts_days(self) -> bool:
        """Whether any of it is a date counted back from the day the portfolio is as of."""
        if self.lookup is None:
            return self.days_past_due is not None
        nested = (*self.lookup.table.values(), self.lookup.otherwise)
        return any(entry.counts_days() for entry in nested if isinstance(entry, Source))


class FieldRule(Source):
    """How one field of a loan is filled."""

    required: bool = False
    """An empty cell is an error. Always so for loan_id, amount, due_date, currency, country, language."""
    default: Scalar | None = None
    """For empty cells, and for files without the column."""
    numbers: NumberFormat | None = None
    """Only where this column differs from the mapping's own `numbers`."""
    dates: tuple[DateFormat, ...] | None = None
    rounding: Rounding | None = None
    """Only for amounts: without it a computed amount with too many decimals is an error."""

    _dates = field_validator("dates", mode="before")(_as_tuple)


class Fields(_Strict):
    """One rule for each field of a PortfolioLoan that the file can fill."""

    loan_id: FieldRule
    person_id: FieldRule | None = None
    name: FieldRule | None = None
    phone: FieldRule | None = None
    email: FieldRule | None = None
    birth_year: FieldRule | None = None
    """Four digits; with this or `id_digits` a call can tell the right person."""
    id_digits: FieldRule | None = None
    """The last four digits of the identity document, and nothing more of it."""
    postal_address: FieldRule | None = None
    """Lines as they stand on an envelope, with semicolons between."""
    language: FieldRule
    country: FieldRule
    region: FieldRule | None = None
    city: FieldRule | None = None
    authorised_channels: FieldRule | None = None
    """Contact channels with commas between, or "none"; an empty cell says that it is not known."""
    timezone: FieldRule | None = None
    currency: FieldRule
    amount_due: FieldRule | None = None
    """In major units, with decimals."""
    amount_due_minor: FieldRule | None = None
    """In minor units, a whole number. Give this or `amount_due`."""
    due_date: FieldRule
    bank_consent: FieldRule | None = None
    bank_account: FieldRule | None = None
    consent_valid_until: FieldRule | None = None
    mandate_reference: FieldRule | None = None
    """With `mandate_iban` and `mandate_signed_on`: what the person signed so that their account may be debited."""
    mandate_iban: FieldRule | None = None
    mandate_signed_on: FieldRule | None = None
    mandate_holder: FieldRule | None = None
    mandate_scheme: FieldRule | None = None
    mandate_sequence: FieldRule | None = None
    grade: FieldRule | None = None
    priority: FieldRule | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.amount_due is None) == (self.amount_due_minor is None):
            raise ValueError("expected one of amount_due (major units) and amount_due_minor")
        return self

    @model_validator(mode="after")
    def _whole_mandate(self) -> Self:
        given = {name for name in Fields.model_fields if name.startswith("mandate_") and getattr(self, name)}
        needed = {"mandate_reference", "mandate_iban", "mandate_signed_on"}
        if given and not needed <= given:
            raise ValueError(
                f"a mandate needs {', '.join(sorted(needed))}: {', '.join(sorted(needed - given))} missing"
            )
        return self

    def rules(self) -> dict[str, FieldRule]:
        """The rules given, by field."""
        given = {name: getattr(self, name) for name in Fields.model_fields}
        return {name: rule for name, rule in given.items() if rule is not None}


ALWAYS_REQUIRED = frozenset(
    {"loan_id", "amount_due", "amount_due_minor", "due_date", "currency", "country", "language"}
)
DATE_FIELDS = frozenset({"due_date", "consent_valid_until", "mandate_signed_on"})
NUMBER_FIELDS = frozenset({"amount_due", "amount_due_minor", "priority"})


def _require_fit(field: str, source: Source, kind: str) -> None:
    """Raise ValueError if the source, or one nested in it, gives another kind of value than the field has."""
    if source.days_past_due is not None:
        if kind != "date":
            raise ValueError(f"{field}: days_past_due gives a date, so it fits date fields only")
        if isinstance(source.days_past_due, Source):
            _require_fit(field, source.days_past_due, "number")
    operands = source.sum or source.product or source.difference or ()
    if operands and kind != "number":
        raise ValueError(f"{field}: sum, product and difference give numbers, so they fit numbers only")
    for operand in operands:
        if isinstance(operand, Source):
            _require_fit(field, operand, "number")
    if source.lookup is not None:
        for entry in (*source.lookup.table.values(), source.lookup.otherwise):
            if isinstance(entry, Source):
                _require_fit(field, entry, kind)


class Mapping(_Strict):
    """How one kind of file becomes loans."""

    name: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9_-]{1,40}$")]
    description: str = ""
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    """Only where it cannot be found out."""
    numbers: NumberFormat = NumberFormat.POINT
    dates: tuple[DateFormat, ...] = (DateFormat.ISO,)
    empty: tuple[Annotated[str, Field(strict=True)], ...] = ()
    """Cell texts that mean "nothing here", such as "N/A". An empty cell always does."""
    fields: Fields

    _tuples = field_validator("dates", "empty", mode="before")(_as_tuple)

    @model_validator(mode="after")
    def _forms_fit_fields(self) -> Self:
        for name, rule in self.fields.rules().items():
            formats = rule.dates or self.dates
            if DateFormat.DAY_FIRST in formats and DateFormat.MONTH_FIRST in formats:
                raise ValueError(f"{name}: day_first and month_first together leave 3/4 open; give one")
            kind = "date" if name in DATE_FIELDS else "number" if name in NUMBER_FIELDS else "text"
            _require_fit(name, rule, kind)
            if rule.rounding is not None and name != "amount_due":
                raise ValueError(f"{name}: rounding fits amount_due only")
        return self

    def is_required(self, field: str) -> bool:
        """Whether an empty cell of this field is an error."""
        rule = self.fields.rules()[field]
        return rule.default is None and (rule.required or field in ALWAYS_REQUIRED)

    def required_columns(self) -> list[ColumnNames]:
        """Columns without which this mapping cannot read a file: each as its accepted names."""
        needed: dict[ColumnNames, None] = {}
        for name, rule in self.fields.rules().items():
            if self.is_required(name):
                needed.update(dict.fromkeys(rule.columns_needed()))
        return list(needed)
