"""Chance that depends only on the seed and on what is asked, never on the order of questions."""

import hashlib
import random

Key = str | int | float


def unit(*key: Key) -> float:
    """A number in [0, 1), the same for the same key."""
    text = "|".join(map(str, key)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big") / 2**56


def stream(*key: Key) -> random.Random:
    """A generator of its own for the key, for draws from a distribution."""
    return random.Random("|".join(map(str, key)))  # nosec B311 # a pretend world must repeat itself


def name(prefix: str, length: int, *key: Key) -> str:
    """An identifier like those providers give: a prefix and hexadecimal digits."""
    text = "|".join(map(str, key)).encode()
    return prefix + hashlib.blake2b(text, digest_size=32).hexdigest()[:length]
