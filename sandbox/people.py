"""Invents the people behind the loans: name, telephone, e-mail, account numbers. Nothing of them is real."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from faker import Faker

from .chance import name as chance_name
from .chance import stream
from .places import COUNTRIES, PHONES, US_AREAS

IBAN_BODY_DIGITS = {"ES": 20, "PT": 21, "FR": 23, "DE": 18}


@lru_cache(maxsize=32)
def _faker(locale: str) -> Faker:
    return Faker(locale, use_weighting=False)


def full_name(seed: int, key: str, country: str) -> str:
    fake = _faker(COUNTRIES[country][2])
    fake.seed_instance(f"{seed}|{key}")
    return f"{fake.first_name()} {fake.last_name()}"


def email_for(seed: int, key: str, name: str) -> str:
    """At example.com, which nobody can own."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain) or ["person"]
    return f"{'.'.join(words)}.{chance_name('', 6, seed, key, 'mail')}@example.com"


def phone_for(seed: int, key: str, country: str, zone: str, taken: Callable[[str], bool]) -> str:
    """E.164, valid in the country's plan. `taken` tells numbers in use: the next free of this person's own
    sequence is chosen, so only people whose numbers collide depend on who came first."""
    for attempt in range(1000):
        rng = stream(seed, key, "phone", attempt)
        if country == "US":
            areas = US_AREAS.get(zone, US_AREAS["America/New_York"]).split()
            if attempt > 20:  # small states have few fictional numbers of their own
                areas = " ".join(US_AREAS.values()).split()
            number = f"+1{rng.choice(areas)}55501{rng.randrange(100):02d}"
        else:
            prefix, digits = PHONES[country]
            number = f"{prefix}{rng.randrange(10**digits):0{digits}d}"
        if not taken(number):
            return number
    raise RuntimeError(f"no free telephone number left in {country}")


def _iban_check(country: str, body: str) -> str:
    numeric = "".join(str(int(c, 36)) for c in f"{body}{country}00")
    return f"{98 - int(numeric) % 97:02d}"


def _spanish_account(digits: str) -> str:
    """Bank and branch, two control digits, account."""

    def control(text: str) -> str:
        weights = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)
        rest = 11 - sum(int(c) * w for c, w in zip(text, weights, strict=True)) % 11
        return "0" if rest == 11 else "1" if rest == 10 else str(rest)

    office, account = digits[:8], digits[8:18]
    return office + control("00" + office) + control(account) + account


def bank_numbers(seed: int, key: str, country: str) -> tuple[str | None, str]:
    """IBAN where the country has them, and the national number."""
    digits = f"{stream(seed, key, 'iban').randrange(10**25):025d}"
    if country == "ES":
        body = _spanish_account("0000" + digits[:14])
    elif country in IBAN_BODY_DIGITS:
        body = digits[: IBAN_BODY_DIGITS[country]]
    elif country == "GB":
        body = "SAND" + digits[:14]
    else:
        return None, digits[:18]
    return f"{country}{_iban_check(country, body)}{body}", body
