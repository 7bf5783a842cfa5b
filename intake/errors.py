"""What is wrong with a file: cells that are bad, and what stops everything."""

from typing import NamedTuple


class PortfolioError(ValueError):
    """The file or its mapping cannot be used at all. The message is one line for the operator."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class CellError(NamedTuple):
    """One bad cell, or one bad row when `column` is "(row)"."""

    line: int
    """Line in the file; the header of a CSV file is line 1. Row number in a spreadsheet."""
    column: str
    """Column name as the file writes it; the field's name when the value was computed."""
    value: str
    """The cell as it stands in the file. May be personal data: never log it."""
    reason: str
