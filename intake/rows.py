"""From a chunk of text to typed loans and the errors of all its cells."""

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from domain.contact import Channel
from domain.money import minor_digits
from domain.payable import smallest_payable
from intake import codes, emails, mandate_cells, numerals, phones
from intake.cell_errors import ErrorCollector
from intake.chunks import Chunk
from intake.mapping import DATE_FIELDS, NUMBER_FIELDS, FieldRule, Mapping, Rounding
from intake.sources import Cells, Evaluation, Layout

LOAN_SCHEMA: dict[str, pl.DataType] = {
    "line": pl.UInt32(),
    "loan_id": pl.String(),
    "person_id": pl.String(),
    "name": pl.String(),
    "phone": pl.String(),
    "email": pl.String(),
    "birth_year": pl.String(),
    "id_digits": pl.String(),
    "postal_address": pl.String(),
    "language": pl.String(),
    "country": pl.String(),
    "region": pl.String(),
    "city": pl.String(),
    "authorised_channels": pl.String(),
    "timezone": pl.String(),
    "currency": pl.String(),
    "amount_due_minor": pl.Int64(),
    "due_date": pl.Date(),
    "bank_consent": pl.String(),
    "bank_account": pl.String(),
    "consent_valid_until": pl.Date(),
    "mandate_reference": pl.String(),
    "mandate_iban": pl.String(),
    "mandate_signed_on": pl.Date(),
    "mandate_holder": pl.String(),
    "mandate_scheme": pl.String(),
    "mandate_sequence": pl.String(),
    "grade": pl.String(),
    "priority": pl.Int64(),
}
_LONGEST = {
    "person_id": 64,
    "postal_address": 300,
    "name": 200,
    "city": 100,
    "bank_consent": 200,
    "bank_account": 64,
    "mandate_holder": 70,
    "grade": 20,
}
_CODES = {
    "language": (
        codes.language,
        f"no language with templates: expected {', '.join(sorted(codes.LANGUAGES))}",
    ),
    "country": (codes.country, "unknown country: expected an ISO 3166-1 code of two letters, such as ES"),
    "currency": (codes.currency, "unknown currency: expected an ISO 4217 code, such as EUR"),
    "timezone": (codes.timezone, "unknown time zone: expected an IANA name, such as Europe/Madrid"),
    "authorised_channels": (
        codes.channels,
        f"not channels: expected some of {', '.join(sorted(Channel))} with commas between, or none",
    ),
}
_MANDATE_CODES = {
    "mandate_reference": (
        mandate_cells.reference,
        "not a mandate reference: expected 1 to 35 letters, digits or + ? / - : ( ) . , ' and no / first or twice",
    ),
    "mandate_iban": (mandate_cells.account, "not an IBAN: its length, check digits or bank code are wrong"),
    "mandate_scheme": (mandate_cells.scheme, "unknown scheme: expected CORE or B2B"),
    "mandate_sequence": (mandate_cells.sequence, "unknown sequence: expected FRST, RCUR or OOFF"),
}
_HIGHEST_PRIORITY = 1_000_000
_EXTENSION = (
    "an extension of another number: texts would reach its switchboard; give a number of the person's own or none"
)


@dataclass(frozen=True)
class CheckedChunk:
    loans: pl.DataFrame
    """Rows without an error of their own, as LOAN_SCHEMA."""
    errors: pl.DataFrame
    ids: pl.DataFrame
    """Columns line and loan_id of every row whose id can be read, for finding ids used twice."""
    mandates: pl.DataFrame
    """Columns line, reference and means (a hash of person, account and day) of rows with a mandate."""
    rows: int


class RowChecker:
    """Applies one mapping to the chunks of one file."""

    def __init__(self, mapping: Mapping, layout: Layout) -> None:
        self._mapping = mapping
        self._layout = layout
        self._rules = mapping.fields.rules()
        self.id_column = self._column_of("loan_id")
        self.person_column = self._column_of("person_id")
        self.mandate_column = self._column_of("mandate_reference")

    def _column_of(self, field: str) -> str:
        """What the file calls the column; the field's name where it has none of its own."""
        rule = self._rules.get(field)
        index = self._layout.place(rule.columns or ()) if rule is not None else None
        return self._layout.header[index] if index is not None else field

    def check(self, chunk: Chunk) -> CheckedChunk:
        """Every cell of the chunk judged; each error once."""
        errors = ErrorCollector()
        errors.add_rows(chunk.broken)
        work = _Work(self._mapping, self._rules, self._layout, chunk.rows, errors)
        loans = work.loans()
        found = errors.take()
        bad_lines = found["line"].unique()
        ids = loans.select("line", "loan_id").drop_nulls()
        good = loans.filter(~pl.col("line").is_in(bad_lines.implode()))
        named = good.filter(pl.col("mandate_reference").is_not_null())
        mandates = named.select(
            "line",
            reference="mandate_reference",
            means=pl.struct("person_id", "mandate_iban", "mandate_signed_on").hash(),
        )
        return CheckedChunk(good, found, ids, mandates, chunk.rows.height + len(chunk.broken))


@dataclass(frozen=True)
class _Work:
    mapping: Mapping
    rules: dict[str, FieldRule]
    layout: Layout
    rows: pl.DataFrame
    errors: ErrorCollector

    def loans(self) -> pl.DataFrame:
        columns: dict[str, pl.Series] = {"line": self.rows["line"]}
        for field in (
            "loan_id",
            "person_id",
            "name",
            "birth_year",
            "id_digits",
            "postal_address",
            "region",
            "city",
            "bank_consent",
            "bank_account",
            "grade",
        ):
            columns[field] = self._text(field)
        for field in sorted(_CODES, key=lambda each: each == "language"):
            columns[field] = self._code(field, columns.get("country") if field == "language" else None)
        columns["person_id"] = columns["person_id"].zip_with(columns["person_id"].is_not_null(), columns["loan_id"])
        columns["phone"] = self._phone(columns["country"])
        columns["email"] = self._email()
        columns["amount_due_minor"] = self._amount(columns["currency"])
        columns["due_date"] = self._date("due_date")
        columns["consent_valid_until"] = self._date("consent_valid_until")
        columns["priority"] = self._priority()
        columns |= self._mandate()
        return pl.DataFrame({name: columns[name].cast(dtype) for name, dtype in LOAN_SCHEMA.items()})

    def _evaluation(self, field: str) -> Evaluation:
        rule = self.rules[field]
        return Evaluation(
            field,
            self.rows,
            self.layout,
            self.errors,
            rule.numbers or self.mapping.numbers,
            rule.dates or self.mapping.dates,
        )

    def _nothing(self, dtype: pl.DataType | type[pl.DataType] = pl.String) -> pl.Series:
        return pl.repeat(None, self.rows.height, dtype=dtype, eager=True)

    def _complete(self, field: str, cells: Cells) -> Cells:
        """With the rule's default in empty cells, or an error for each of them if the field is required."""
        rule = self.rules[field]
        gap = cells.values.is_null() & ~cells.reported
        if not gap.any():
            return cells
        if rule.default is not None:
            evaluation = self._evaluation(field)
            constant = FieldRule(value=rule.default)
            evaluate = (
                evaluation.date
                if field in DATE_FIELDS
                else evaluation.number
                if field in NUMBER_FIELDS
                else evaluation.text
            )
            filler = evaluate(constant)
            return Cells(cells.values.zip_with(~gap, filler.values), cells.shown, cells.column, cells.reported)
        if self.mapping.is_required(field):
            self.errors.add(self.rows["line"], gap, cells.column, cells.shown, f"empty, but {field} is required")
            return Cells(cells.values, cells.shown, cells.column, cells.reported | gap)
        return cells

    def _reject(self, cells: Cells, bad: pl.Series, reason: str | pl.Series) -> None:
        bad = bad.fill_null(False) & ~cells.reported
        self.errors.add(self.rows["line"], bad, cells.column, cells.shown, reason)

    def _text(self, field: str) -> pl.Series:
        if field not in self.rules:
            return self._nothing()
        cells = self._complete(field, self._evaluation(field).text(self.rules[field]))
        values = cells.values.str.replace_all(r"\s+", " ")
        controls = values.str.contains(r"[\p{Cc}\x{FFFD}]")
        self._reject(cells, controls, "holds characters that cannot be read: wrong encoding, or not text")
        values = values.set(controls.fill_null(False), None)
        if field == "loan_id":
            bad = ~values.str.contains(r"^[A-Za-z0-9._-]{1,64}$")
            self._reject(cells, bad, "not a loan id: expected up to 64 letters a-z, digits, . _ or -")
        elif field == "birth_year":
            bad = ~values.str.contains(r"^(19|20)[0-9]{2}$")
            self._reject(cells, bad, "not a year of birth: expected four digits, such as 1984")
        elif field == "id_digits":
            bad = ~values.str.contains(r"^[0-9]{4}$")
            self._reject(cells, bad, "not the last digits of a document: expected four digits")
        elif field == "region":
            values = values.str.to_uppercase()
            bad = ~values.str.contains(r"^[A-Z0-9]{1,3}$")
            self._reject(cells, bad, "not a region: expected the ISO 3166-2 code without its country, such as CA or MD")
        else:
            longest = _LONGEST[field]
            bad = values.str.len_chars() > longest
            self._reject(cells, bad, f"longer than {longest} characters")
        return values.set(bad.fill_null(False), None)

    def _code(self, field: str, countries: pl.Series | None) -> pl.Series:
        """`countries`, for the language alone: an empty cell is filled with what is spoken there."""
        if field not in self.rules:
            return self._nothing()
        judge, reason = _CODES[field]
        cells = self._evaluation(field).text(self.rules[field])
        if countries is not None and self.rules[field].default is None:
            usual = countries.replace_strict(codes.USUAL_LANGUAGE, default=None, return_dtype=pl.String)
            gap = cells.values.is_null() & ~cells.reported
            cells = Cells(cells.values.zip_with(~gap, usual), cells.shown, cells.column, cells.reported)
        cells = self._complete(field, cells)
        values = codes.each(cells.values, judge)
        self._reject(cells, cells.values.is_not_null() & values.is_null(), reason)
        return values

    def _phone(self, countries: pl.Series) -> pl.Series:
        if "phone" not in self.rules:
            return self._nothing()
        cells = self._complete("phone", self._evaluation("phone").text(self.rules["phone"]))
        values = phones.to_e164(cells.values, countries)
        bad = cells.values.is_not_null() & values.is_null()
        # Without a country a national number cannot be judged; the missing country is the error then.
        bad = bad & (countries.is_not_null() | cells.values.str.starts_with("+"))
        behind = phones.has_extension(cells.values).fill_null(False)
        self._reject(cells, bad & behind, _EXTENSION)
        reasons = "not a telephone number of " + countries.fill_null("any country") + ": check digits and prefix"
        self._reject(cells, bad & ~behind, reasons)
        return values

    def _email(self) -> pl.Series:
        if "email" not in self.rules:
            return self._nothing()
        cells = self._complete("email", self._evaluation("email").text(self.rules["email"]))
        values = emails.to_addresses(cells.values)
        self._reject(cells, cells.values.is_not_null() & values.is_null(), "not an e-mail address")
        return values

    def _amount(self, currencies: pl.Series) -> pl.Series:
        field = "amount_due" if "amount_due" in self.rules else "amount_due_minor"
        rule = self.rules[field]
        cells = self._complete(field, self._evaluation(field).number(rule))
        known = {code: minor_digits(code) for code in currencies.drop_nulls().unique()}
        digits = pl.Series([known.get(code) if code else None for code in currencies], dtype=pl.Int64)
        if field == "amount_due_minor":
            digits = pl.repeat(0, self.rows.height, dtype=pl.Int64, eager=True)
        plain = cells.values
        if rule.rounding is not None:
            plain = _rounded(plain, digits, rule.rounding)
        written = numerals.decimals(plain)
        too_fine = (plain.is_not_null() & (written > digits)).fill_null(False)
        if field == "amount_due_minor":
            self._reject(cells, too_fine, "not a whole number of minor units")
        else:
            reasons = currencies.fill_null("") + " has " + digits.cast(pl.String) + " decimals, this has "
            self._reject(cells, too_fine, (reasons + written.cast(pl.String)).fill_null(""))
        minor = numerals.to_minor(plain.set(too_fine, None), digits)
        self._reject(
            cells,
            plain.is_not_null() & digits.is_not_null() & ~too_fine & minor.is_null(),
            "the amount is too large",
        )
        # The sign shows even where the currency, and so the amount in minor units, is unknown.
        not_positive = plain.str.starts_with("-") | ~plain.str.contains("[1-9]")
        self._reject(cells, not_positive, "the amount due must be more than zero")
        least = pl.Series([smallest_payable(code) if code else None for code in currencies], dtype=pl.Int64)
        unpayable = ((minor > 0) & (minor < least)).fill_null(False)
        self._reject(cells, unpayable, "less than can be paid in " + currencies.fill_null(""))
        foreign = _foreign_sign(cells.shown, currencies)
        self._reject(cells, plain.is_not_null() & foreign, "the currency sign is not that of the row's currency")
        return minor.set(not_positive.fill_null(False), None)

    def _date(self, field: str) -> pl.Series:
        if field not in self.rules:
            return self._nothing(pl.Date)
        return self._complete(field, self._evaluation(field).date(self.rules[field])).values

    def _mandate(self) -> dict[str, pl.Series]:
        """Each cell of the row's mandate; one that lacks a part it cannot do without is an error."""
        if "mandate_reference" not in self.rules:
            return {
                field: self._nothing(pl.Date if field in DATE_FIELDS else pl.String) for field in mandate_cells.FIELDS
            }
        columns: dict[str, pl.Series] = {}
        shown: dict[str, Cells] = {}
        wrong = pl.repeat(False, self.rows.height, dtype=pl.Boolean, eager=True)
        for field in mandate_cells.FIELDS:
            if field not in self.rules:
                columns[field] = self._nothing()
            elif field == "mandate_signed_on":
                cells = self._complete(field, self._evaluation(field).date(self.rules[field]))
                ahead = cells.values > self.layout.as_of
                self._reject(cells, ahead, "lies ahead: a mandate is signed before it is handed over")
                wrong = wrong | cells.reported | ahead.fill_null(False)
                columns[field], shown[field] = cells.values.set(ahead.fill_null(False), None), cells
            elif field in _MANDATE_CODES:
                judge, reason = _MANDATE_CODES[field]
                cells = self._complete(field, self._evaluation(field).text(self.rules[field]))
                columns[field] = codes.each(cells.values, judge)
                bad = cells.values.is_not_null() & columns[field].is_null()
                self._reject(cells, bad, reason)
                wrong, shown[field] = wrong | cells.reported | bad, cells
            else:
                columns[field] = self._text(field)
        reason = "empty, but the row names a mandate: it needs its reference, its account and the day it was signed"
        for field, missing in mandate_cells.alone(columns, wrong).items():
            cells = shown[field]
            self.errors.add(self.rows["line"], missing, cells.column, cells.shown, reason)
        return columns

    def _priority(self) -> pl.Series:
        zero = pl.repeat(0, self.rows.height, dtype=pl.Int64, eager=True)
        if "priority" not in self.rules:
            return zero
        cells = self._complete("priority", self._evaluation("priority").number(self.rules["priority"]))
        values = cells.values.cast(pl.Int64, strict=False)
        bad = cells.values.is_not_null() & (values.is_null() | (values.abs() > _HIGHEST_PRIORITY))
        self._reject(cells, bad, f"not a priority: expected a whole number up to {_HIGHEST_PRIORITY}")
        return values.zip_with(values.is_not_null(), zero)


def _foreign_sign(shown: pl.Series, currencies: pl.Series) -> pl.Series:
    """Where a currency sign contradicts the currency. "$" stands for many, but not for these two."""
    signs = (("€", "EUR"), ("£", "GBP"))
    foreign = pl.repeat(False, len(shown), dtype=pl.Boolean, eager=True)
    for sign, code in signs:
        foreign = foreign | (shown.str.contains(sign, literal=True) & (currencies != code)).fill_null(False)
    dollars = shown.str.contains("$", literal=True) & currencies.is_in([code for _, code in signs])
    return foreign | dollars.fill_null(False)


def _rounded(plain: pl.Series, digits: pl.Series, rounding: Rounding) -> pl.Series:
    how = numerals.ROUNDINGS[rounding]
    return pl.Series(
        [
            text
            if text is None or places is None
            else f"{Decimal(text).quantize(Decimal(1).scaleb(-places), rounding=how):f}"
            for text, places in zip(plain, digits, strict=True)
        ],
        dtype=pl.String,
    )
