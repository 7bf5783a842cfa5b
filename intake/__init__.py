"""Portfolio files in: CSV, XLSX or Parquet to PortfolioLoan, with every bad cell named."""

from intake.errors import CellError, CellErrors, PortfolioError
from intake.mapping_files import MAPPINGS_FOLDER, load_mapping
from intake.portfolio import check
from intake.report import BUCKETS, CurrencyTotal, PortfolioReport, Summary

__all__ = [
    "BUCKETS",
    "MAPPINGS_FOLDER",
    "CellError",
    "CellErrors",
    "CurrencyTotal",
    "PortfolioError",
    "PortfolioReport",
    "Summary",
    "check",
    "load_mapping",
]
