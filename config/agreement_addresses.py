"""The address under which a borrower sees what can be agreed on about their loan."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from config.signed_addresses import SignedAddresses

PAGE = "agree"
LIVES = timedelta(days=30)


def agreement_address(addresses: SignedAddresses, lender: str, loan_id: str, now: datetime) -> str:
    """The same all day long, so that messages of one day carry one address."""
    until = datetime.combine(now.astimezone(UTC).date(), time(), UTC) + LIVES
    return addresses.address(PAGE, f"{lender}/{loan_id}", until)


def loan_of(name: str) -> tuple[str, str]:
    """Lender and loan id of such an address."""
    lender, _, loan_id = name.partition("/")
    return lender, loan_id
