"""What all webhook signatures share: several valid secrets at once, and comparison in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from pydantic import SecretStr

Secrets = SecretStr | Sequence[SecretStr]
"""One secret, or all that are valid while one is being replaced. An empty one proves nothing and is left out."""


def keys(secrets: Secrets) -> list[bytes]:
    """The secrets as bytes of their text."""
    each = (secrets,) if isinstance(secrets, SecretStr) else secrets
    texts = (secret.get_secret_value() for secret in each)
    return [text.encode(errors="surrogatepass") for text in texts if text]


def any_same(expected: Iterable[str], given: Iterable[str]) -> bool:
    """Whether one of the signatures given is one of those expected; every pair is compared, none of them faster."""
    offered = [signature.encode(errors="surrogatepass") for signature in given]
    pairs = [hmac.compare_digest(one.encode(), other) for one in expected for other in offered]
    return any(pairs)
