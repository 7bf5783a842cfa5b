"""How a bank's CSV export is read: a YAML file that names its columns and its way of writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.yaml_source import FieldPath, Problem, read_yaml
from domain.money import is_currency


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StatementColumns(_Part):
    """Headings of the file. `amount` is signed; or `credit` and `debit` stand apart. `text` may be several."""

    booked_on: str
    value_on: str | None = None
    amount: str | None = None
    credit: str | None = None
    debit: str | None = None
    currency: str | None = None
    text: tuple[str, ...] = ()
    name: str | None = None
    iban: str | None = None
    reference: str | None = None
    end_to_end_id: str | None = None

    @model_validator(mode="after")
    def _has_amounts(self) -> StatementColumns:
        if (self.amount is None) == (self.credit is None):
            raise ValueError("name either amount, or credit (and debit)")
        return self


class StatementMapping(_Part):
    """`account` is ours; `date` is written as Python's strptime takes it; `skip` lines stand before the headings.

    `ends_with_line_end`: whether a whole file's last line ends as the others do, so that one which does not is cut off.
    `quotes`: whether `"` at a cell's beginning puts it in quotes; where not, the sign is as any other.
    """

    name: str = Field(min_length=1, max_length=40)
    account: str = Field(min_length=1, max_length=64)
    currency: str
    delimiter: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    skip: int = Field(0, ge=0, le=100)
    ends_with_line_end: bool = True
    quotes: bool = True
    date: str = "%Y-%m-%d"
    decimal: str = Field(".", min_length=1, max_length=1)
    thousands: str = Field("", max_length=1)
    columns: StatementColumns

    @model_validator(mode="after")
    def _makes_sense(self) -> StatementMapping:
        if not is_currency(self.currency):
            raise ValueError("currency: expected an ISO 4217 code such as EUR")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same sign")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError("encoding: expected one such as utf-8-sig or cp1252") from None
        return self


class MappingError(ValueError):
    """A mapping that cannot be used: every problem with its file and line."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))


def load_statement_mapping(path: Path) -> StatementMapping:
    """The mapping in a file. Raises MappingError."""
    source = read_yaml(path)
    if source.problems:
        raise MappingError(source.problems)
    data: Any = source.data
    if isinstance(data, dict) and isinstance(data.get("columns"), dict):
        columns = dict(data["columns"])
        if isinstance(columns.get("text"), str):
            columns["text"] = [columns["text"]]
        data = {**data, "columns": columns}
    if isinstance(data, dict) and data.get("delimiter") in ("tab", "\\t"):
        data = {**data, "delimiter": "\t"}
    try:
        return StatementMapping.model_validate(data)
    except ValidationError as wrong:
        raise MappingError([_problem(source.file, source.line_of, each) for each in wrong.errors()]) from None


def _problem(file: str, line_of: Any, error: Any) -> Problem:
    path: FieldPath = tuple(error["loc"])
    reason = str(error["msg"]).removeprefix("Value error, ")
    return Problem(file=file, line=line_of(path), field=".".join(map(str, path)), reason=reason)
