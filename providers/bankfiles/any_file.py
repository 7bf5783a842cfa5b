"""A bank's file of whatever kind: ISO 20022, MT940, or CSV by a mapping."""

from __future__ import annotations

from config.statement_mapping import StatementMapping
from domain.bank_news import BankFile, FileUnreadable
from providers.bankfiles import iso20022
from providers.bankfiles.csv_file import read_csv
from providers.bankfiles.mt940_file import looks_like_mt940, read_mt940

MOST_BYTES = 256 * 1024 * 1024


def read_any(body: bytes, mapping: StatementMapping | None) -> tuple[BankFile, ...]:
    """What the file tells. Raises FileUnreadable. With a mapping it is CSV, whatever it looks like."""
    if mapping is not None:
        return (read_csv(body, mapping),)
    if iso20022.looks_like_xml(body):
        return iso20022.read(body)
    if looks_like_mt940(body):
        return read_mt940(body)
    raise FileUnreadable("neither XML of ISO 20022 nor MT940: a CSV file needs --mapping")
