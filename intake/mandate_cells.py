"""The cells of a SEPA mandate: what each must hold, that none of them stands alone, and that a reference means one."""

import re

import polars as pl
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from domain.direct_debit import MandateScheme, SequenceType
from intake.cell_errors import ERROR_SCHEMA

NEEDED = ("mandate_reference", "mandate_iban", "mandate_signed_on")
FIELDS = (*NEEDED, "mandate_holder", "mandate_scheme", "mandate_sequence")
_REFERENCE = re.compile(r"(?!/)(?!.*//)[A-Za-z0-9+?/:().,'-]{1,35}")
_LINES_NAMED = 5


def reference(text: str) -> str | None:
    """SEPA's restricted identification: what every bank takes (EPC130-08, 1.5)."""
    return text if _REFERENCE.fullmatch(text) else None


def account(text: str) -> str | None:
    """The account without blanks, its check digits and the form of its country proven."""
    try:
        return str(IBAN(text))
    except SchwiftyException:
        return None


def scheme(text: str) -> str | None:
    return text.upper() if text.upper() in set(MandateScheme) else None


def sequence(text: str) -> str | None:
    return text.upper() if text.upper() in set(SequenceType) else None


def alone(columns: dict[str, pl.Series], errors: pl.Series) -> dict[str, pl.Series]:
    """For each field a mandate cannot do without: where it is empty in a row that names a mandate.

    `errors` is true where a cell of the row's mandate is wrong already.
    """
    named = pl.Series([False] * len(errors), dtype=pl.Boolean)
    for field in FIELDS:
        named = named | columns[field].is_not_null()
    return {field: named & columns[field].is_null() & ~errors for field in NEEDED}


def said_differently(mandates: list[pl.DataFrame], column: str) -> pl.DataFrame:
    """An error for every row whose mandate reference another row uses for another person, account or day."""
    schema = pl.Schema({"line": pl.UInt32(), "reference": pl.String(), "means": pl.UInt64()})
    together = pl.concat(mandates) if mandates else pl.DataFrame(schema=schema)
    unlike = together.group_by("reference").agg(
        pl.col("means").n_unique().alias("meanings"),
        pl.col("line").sort().head(_LINES_NAMED).cast(pl.String).str.join(", ").alias("lines"),
    )
    unlike = unlike.filter(pl.col("meanings") > 1)
    if not unlike.height:
        return pl.DataFrame(schema=ERROR_SCHEMA)
    why = pl.lit("the mandate reference stands for another person, account or day of signature too: lines ")
    return (
        together.join(unlike, on="reference", how="inner")
        .sort("line")
        .select(
            "line",
            pl.lit(column).alias("column"),
            pl.col("reference").alias("value"),
            (why + pl.col("lines")).alias("reason"),
        )
        .cast(ERROR_SCHEMA)
    )
