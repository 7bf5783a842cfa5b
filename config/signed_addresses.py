"""Addresses that whoever was sent one may open, and nobody else can make: signed, with an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr


@dataclass(frozen=True)
class Subject:
    """What an address is about; `over` when its time is, which ends at `until`."""

    name: str
    over: bool
    until: datetime


class SignedAddresses:
    """`public_url` is where the web app is reached. Each `kind` of address has a signature of its own."""

    def __init__(self, secret: SecretStr, public_url: str) -> None:
        self._secret = secret.get_secret_value()
        self._public_url = public_url.rstrip("/")

    def address(self, kind: str, name: str, until: datetime) -> str:
        """The same for the same name and end. `name` is an id without personal data: the address shows it."""
        return f"{self._public_url}/{kind}/{self.token(kind, name, until)}"

    def token(self, kind: str, name: str, until: datetime) -> str:
        """The last part of such an address, or what a form of ours is to bring back unchanged."""
        return str(self._signer(kind).dumps([name, int(until.timestamp())]))

    def read(self, kind: str, token: str, now: datetime) -> Subject | None:
        """What a token was made for; None for one we did not make."""
        try:
            name, until = self._signer(kind).loads(token)
            end = datetime.fromtimestamp(until, UTC)
        except (BadData, ValueError, TypeError, OverflowError, OSError):
            return None
        return Subject(name, now >= end, end) if isinstance(name, str) else None

    def _signer(self, kind: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"recobro:{kind}")
