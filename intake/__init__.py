"""Portfolio files in: CSV, XLSX or Parquet to PortfolioLoan, with every bad cell named.

What reads tables is loaded when it is asked for: `campaign start` has it in a process of its own (`apart`).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from intake.errors import CellError, PortfolioError
from intake.findings import BUCKETS, CurrencyTotal, Findings, Summary

if TYPE_CHECKING:
    from intake.cell_errors import CellErrors
    from intake.mapping_files import MAPPINGS_FOLDER, load_mapping
    from intake.portfolio import check
    from intake.report import PortfolioReport

__all__ = [
    "BUCKETS",
    "MAPPINGS_FOLDER",
    "CellError",
    "CellErrors",
    "CurrencyTotal",
    "Findings",
    "PortfolioError",
    "PortfolioReport",
    "Summary",
    "check",
    "load_mapping",
]
_LATER = {
    "CellErrors": "intake.cell_errors",
    "MAPPINGS_FOLDER": "intake.mapping_files",
    "load_mapping": "intake.mapping_files",
    "check": "intake.portfolio",
    "PortfolioReport": "intake.report",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
