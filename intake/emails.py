"""E-mail addresses that can exist: the syntax email-validator holds to, for whole columns.

Plain ASCII addresses are judged by patterns; those with other letters or punycode by the library, one by one.
"""

import polars as pl
from email_validator import EmailNotValidError, validate_email

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?:[A-Za-z0-9][A-Za-z0-9-]{{0,61}})?[A-Za-z]$"
_SIZES = r"^[^@]{1,64}@[^@]{1,253}$"
# A hyphen in third and fourth place is reserved for punycode.
_RESERVED_LABEL = r"(?:@|\.)[A-Za-z0-9-]{2}--[^@]*$"
_LONGEST = 254


def _odd(text: str) -> str | None:
    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False, strict=True)
    except (EmailNotValidError, ValueError):
        return None
    address = found.ascii_email or found.normalized
    domain = found.ascii_domain or found.domain
    return address if "." in domain and domain[-1].isalpha() and len(address) <= _LONGEST else None


def to_addresses(cells: pl.Series) -> pl.Series:
    """Each address with its domain in lower case; null where the cell cannot be one."""
    short = cells.set(cells.str.len_bytes() > 4 * _LONGEST, None)
    is_ascii = short.str.len_bytes() == short.str.len_chars()
    reserved = short.str.contains(_RESERVED_LABEL)
    plain = (
        is_ascii
        & ~reserved
        & (short.str.len_bytes() <= _LONGEST)
        & short.str.contains(_SIZES)
        & short.str.contains(_PLAIN)
    )
    local = short.str.extract(r"^([^@]*@)")
    domain = short.str.extract(r"@([^@]*)$").str.to_lowercase()
    addresses = (local + domain).set(~plain, None)
    odd = short.is_not_null() & (~is_ascii | reserved) & short.str.contains("@", literal=True)
    if odd.any():
        judged = {text: _odd(text) for text in short.filter(odd).unique()}
        found = pl.Series([judged[t] if o else None for t, o in zip(short, odd, strict=True)], dtype=pl.String)
        addresses = found.zip_with(odd, addresses)
    return addresses
