"""Rows of one person_id that contradict each other: a placeholder such as 0 or SIN DATO makes many people one.

One person's debt would go to another's telephone: which of the rows is right cannot be known, so none is taken.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from domain.person_names import one_person
from domain.portfolio import NO_CHANNELS
from intake.cell_errors import ERROR_SCHEMA

_ONE_PERSON_HAS_ONE = ("country", "birth_year", "id_digits")
_ONE_IS_KEPT = ("phone", "email")
_CHANNELS = "authorised_channels"
_TOLD = ("name", *_ONE_PERSON_HAS_ONE, *_ONE_IS_KEPT, _CHANNELS)
_LINES_NAMED = 5
_PEOPLE_NAMED = 5


def told_of_person() -> pl.Expr:
    """A digest of what a row says of its person: where all rows of somebody have the same, nothing is to be judged."""
    return pl.struct(*_TOLD).hash()


@dataclass(frozen=True)
class SamePeople:
    """What became of people whose rows differ."""

    errors: pl.DataFrame
    """Every row of those that cannot be one person."""
    warnings: list[str]
    channels: pl.DataFrame
    """Columns line and agreed: what stands in the rows of people whose rows name different channels."""

    def with_channels(self, loans: pl.DataFrame) -> pl.DataFrame:
        if not self.channels.height:
            return loans
        joined = loans.join(self.channels, on="line", how="left", maintain_order="left")
        return joined.with_columns(pl.coalesce("agreed", _CHANNELS).alias(_CHANNELS)).drop("agreed")


def judged(lines: pl.Series, frames: Iterator[pl.DataFrame], column: str) -> SamePeople:
    """`lines` are the rows of people whose rows differ, `frames` all good rows, `column` what the file calls person_id.

    The frames are read only where there are such lines, and of them only those rows are kept.
    """
    kept = pl.DataFrame(schema={"line": pl.UInt32, "person_id": pl.String, **dict.fromkeys(_TOLD, pl.String)})
    if len(lines):
        wanted = pl.col("line").is_in(lines.implode())
        kept = pl.concat([kept, *(frame.filter(wanted).select(kept.columns) for frame in frames)])
    people = kept.group_by("person_id", maintain_order=True).agg(
        pl.col("line").head(_LINES_NAMED).alias("lines"),
        pl.len().alias("rows"),
        pl.col("id_digits").is_not_null().all().alias("document_known"),
        *(pl.col(field).drop_nulls().unique(maintain_order=True) for field in _TOLD),
    )
    apart: dict[str, str] = {}
    differing: dict[str, list[str]] = {field: [] for field in (*_ONE_IS_KEPT, _CHANNELS)}
    agreed: dict[str, str] = {}
    for person in people.iter_rows(named=True):
        where = _named(person["lines"], person["rows"])
        if fields := _contradicted(person):
            apart[person["person_id"]] = (
                f"rows of one person_id differ in {', '.join(fields)}: {where}; give each person a number of their"
                " own, or make the rows alike"
            )
            continue
        for field, found in differing.items():
            if len(person[field]) > 1:
                found.append(where)
        if len(person[_CHANNELS]) > 1:
            agreed[person["person_id"]] = _in_all(person[_CHANNELS])
    return SamePeople(_errors(kept, apart, column), _warnings(differing), _agreed(kept, agreed))


def _contradicted(person: dict[str, list[str]]) -> list[str]:
    fields = [field for field in _ONE_PERSON_HAS_ONE if len(person[field]) > 1]
    one_document = person["document_known"] and len(person["id_digits"]) == 1
    if not one_document and not one_person(person["name"]):
        fields.insert(0, "name")
    return fields


def _in_all(told: Iterable[str]) -> str:
    """The channels that every row names."""
    every = [set() if text == NO_CHANNELS else set(text.split(",")) for text in told]
    return ",".join(sorted(set.intersection(*every))) or NO_CHANNELS


def _named(lines: list[int], rows: int) -> str:
    more = f" and {rows - len(lines)} more" if rows > len(lines) else ""
    return f"lines {', '.join(map(str, lines))}{more}"


def _warnings(differing: dict[str, list[str]]) -> list[str]:
    told = []
    for field, people in differing.items():
        if not people:
            continue
        shown = "; ".join(people[:_PEOPLE_NAMED])
        more = f"; and {len(people) - _PEOPLE_NAMED} more people" if len(people) > _PEOPLE_NAMED else ""
        kept = "only the channels that all of them name are kept" if field == _CHANNELS else "one of them is kept"
        told.append(f"rows of one person_id differ in {field}: {shown}{more}: {kept}")
    return told


def _errors(kept: pl.DataFrame, apart: dict[str, str], column: str) -> pl.DataFrame:
    bad = kept.filter(pl.col("person_id").is_in(list(apart)))
    if not bad.height:
        return pl.DataFrame(schema=ERROR_SCHEMA)
    reasons = bad["person_id"].replace_strict(apart, return_dtype=pl.String)
    return bad.select(
        "line", pl.lit(column).alias("column"), pl.col("person_id").alias("value"), reasons.alias("reason")
    ).cast(ERROR_SCHEMA)


def _agreed(kept: pl.DataFrame, agreed: dict[str, str]) -> pl.DataFrame:
    rows = kept.filter(pl.col("person_id").is_in(list(agreed)), pl.col(_CHANNELS).is_not_null())
    if not rows.height:
        return pl.DataFrame(schema={"line": pl.UInt32, "agreed": pl.String})
    return rows.select("line", rows["person_id"].replace_strict(agreed, return_dtype=pl.String).alias("agreed"))
