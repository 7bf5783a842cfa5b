"""Warrants: proof that an order to a loan comes from Recobro itself, where whoever gives it has signed in.

Temporal carries orders from whoever can reach it. Who may agree on what is known to Recobro's pages, API and command
line alone; they sign what they order with a key derived from the master keys, and a worker takes an authority beyond
the machine's from a signed order only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from config.master_keys import MasterKeys, current

_PURPOSE = "warrants"


class Warrants:
    """Signs with the active master key and believes every one that is known, so keys can be changed."""

    def __init__(self, keys: MasterKeys) -> None:
        self._keys = keys

    def sign(self, workflow_id: str, update: str, order: Mapping[str, object]) -> str:
        """`<key id>.<HMAC-SHA256>` of this order to this loan; `order` as JSON values, every field that is set."""
        self._keys = current(self._keys)
        return f"{self._keys.active}.{self._mac(self._keys.active, workflow_id, update, order)}"

    def holds(self, workflow_id: str, update: str, order: Mapping[str, object], warrant: str) -> bool:
        """Whether `warrant` was given for exactly this order to this loan."""
        key_id, _, mac = warrant.rpartition(".")
        if key_id not in self._keys.keys:
            # Another process may have added it to the key file since.
            self._keys = current(self._keys)
        if key_id not in self._keys.keys:
            return False
        return hmac.compare_digest(self._mac(key_id, workflow_id, update, order), mac)

    def _mac(self, key_id: str, workflow_id: str, update: str, order: Mapping[str, object]) -> str:
        said = json.dumps([workflow_id, update, order], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        digest = hmac.digest(self._keys.derived(key_id, _PURPOSE), said.encode(), hashlib.sha256)
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
