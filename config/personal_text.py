"""What people write where nothing personal may stand: a note that goes to Temporal, a request named for ever.

Recognised are telephone numbers as they are written in the countries served (`phonenumbers`), e-mail addresses,
account numbers, and the numbers of identity documents and tax ids of those countries. Names of people are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher, PhoneNumberType

from config.logs import MASKS

COUNTRIES = ("ES", "MX", "CO", "CL", "PE", "AR", "BR", "EC", "PY", "UY", "US", "GB")
"""Whose telephone numbers are known without the code of their country."""
_SHORTEST_PHONE = 9
_DATE = re.compile(
    r"(?<![\d.-])(?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])(?P<dot>[/.-])(?:0?[1-9]|1[0-2])(?P=dot)20\d\d)(?![\d-])"
)
_DIGITS_ALONE = re.compile(r"(?<![\w+.@/-])(?<!\d[ (])(?!00)\d+(?![\w@]|[.,/-]\d| ?\(?\d)")
_NUMBER_OF = re.compile(
    r"\b(?:(?:tel[ée]?f?(?:ono|one)?|tfno|m[óo]vil|celular|cel|whatsapp|phone|mobile|fax"
    r"|dni|nie|nif|rut|curp|rfc|cpf|cuit|cuil|c\.?c|c\.?i|c[ée]dula|ssn|pas+aporte?|passport)\b"
    r"(?:\W{1,3}n[úu]m(?:ero)?\b)?[^\w+(]{0,3}(?:n[.ºo°]{1,2}\W{0,2})?[+(]?\d(?:[ .()/-]{0,2}\d){5}"
    r"|(?<!a )(?:cuenta|account|conta|clabe|cbu|cvu|tarjeta|card|cart[ãa]o)\b[^\w]{0,3}\d(?:[ -]?\d){9})",
    re.IGNORECASE,
)
_ACCOUNTS = (
    re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?\d{4}){3,7}", re.IGNORECASE),
    # Spain's numbers of before IBAN, and the numbers of cards.
    re.compile(r"(?<![\d-])\d{4}[ -]\d{4}[ -]\d{2}[ -]?\d{10}(?![\d-])"),
    re.compile(r"(?<![\d-])\d{4}(?:[ -]\d{4}){3}(?![\d-])"),
)
_IDENTITIES = (
    re.compile(r"\b[XYZ][ -]?\d{7}[ -]?[A-Z]\b", re.IGNORECASE),  # ES, foreigners
    re.compile(r"(?<![\d.])\d{1,2}\.\d{3}\.\d{3}-[\dK]\b", re.IGNORECASE),  # CL, UY
    re.compile(r"\b[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d\b", re.IGNORECASE),  # MX, CURP
    re.compile(r"\b[A-ZÑ&]{4}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[A-Z\d]{3}\b", re.IGNORECASE),  # MX, RFC
    re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"),  # BR
    re.compile(r"\b2[0-7]-\d{8}-\d\b"),  # AR
    re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),  # US
    re.compile(r"\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"),  # GB
)
_SPANISH = re.compile(r"(?<![\w.])(\d{2}\.?\d{3}\.?\d{3})[ -]?([A-Z])\b", re.IGNORECASE)
_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CHILEAN = re.compile(r"(?<![\w.-])(\d{7,8})-([\dK])(?![\w-])", re.IGNORECASE)


def says_how_to_reach(text: str, *, digits_alone: bool = False) -> bool:
    """Whether `text` holds a telephone number, an e-mail address, an account number or an identity number.

    `digits_alone`: a run of digits that stands alone, with nothing that says what it is of, is a request's number. A
    telephone number of ten digits and more without blanks is otherwise known where it is a mobile telephone's: the
    rest are as often amounts and ids.
    """
    if any(pattern.search(text) for pattern, kind in MASKS if kind != "[phone]"):
        return True
    undated = _DATE.sub(" ~ ", text)
    if _NUMBER_OF.search(undated):
        return True
    if digits_alone:
        undated = _DIGITS_ALONE.sub("~", undated)
    if any(pattern.search(undated) for pattern in (*_ACCOUNTS, *_IDENTITIES)) or _checked_identity(undated):
        return True
    return any(_is_told(match) for match in _phones(undated))


def digits_in(text: str) -> str:
    """The digits of `text` in their order, whatever stands between them."""
    return "".join(re.findall(r"\d", text))


def _checked_identity(text: str) -> bool:
    """Numbers that only their check digit tells from any other: Spain's with its letter, Chile's without dots."""
    spanish = any(
        _SPANISH_LETTERS[int(digits_in(found[1])) % len(_SPANISH_LETTERS)] == found[2].upper()
        for found in _SPANISH.finditer(text)
    )
    return spanish or any(_chilean_check(found[1]) == found[2].upper() for found in _CHILEAN.finditer(text))


def _chilean_check(digits: str) -> str:
    weighed = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(digits)))
    return "0123456789K0"[11 - weighed % 11]


def _phones(text: str) -> Iterator[phonenumbers.PhoneNumberMatch]:
    for country in COUNTRIES:
        yield from PhoneNumberMatcher(text, country, leniency=Leniency.VALID)


def _is_told(match: phonenumbers.PhoneNumberMatch) -> bool:
    written = match.raw_string
    if written.startswith(("+", "00")):
        return True
    if "/" in written or len(digits_in(written)) < _SHORTEST_PHONE:
        return False
    long_and_alone = written.isdigit() and len(written) > _SHORTEST_PHONE
    return not (long_and_alone and phonenumbers.number_type(match.number) == PhoneNumberType.FIXED_LINE)
