"""What Temporal keeps of arguments, results, summaries and failures is ciphertext; it only ever holds the ciphertext.

AES-256-GCM with a fresh nonce for each payload. The key id stands in the payload's metadata and is authenticated
with it. The active key encrypts, every known key decrypts, and what was written before encryption was switched on
is read as it is.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadCodec

from config.master_keys import NONCE_BYTES, MasterKeys, current, master_keys
from config.settings import Settings
from workflows.payload_json import EncodedFailures, compact_data_converter

_ENCODING = b"binary/encrypted"
_PURPOSE = "temporal payloads"


class CannotDecrypt(ValueError):
    """A payload whose key is not known here, or that was changed."""


class EncryptionCodec(PayloadCodec):
    """Encrypts and decrypts payloads; safe to share."""

    def __init__(self, keys: MasterKeys) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        self._keys = current(self._keys)
        key_id = self._keys.active
        cipher, named = self._keys.cipher(key_id, _PURPOSE), key_id.encode()
        encoded = []
        for payload in payloads:
            nonce = os.urandom(NONCE_BYTES)
            data = nonce + cipher.encrypt(nonce, payload.SerializeToString(), _bound_to(named))
            encoded.append(Payload(metadata={"encoding": _ENCODING, "encryption-key-id": named}, data=data))
        return encoded

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises CannotDecrypt."""
        return [self._decoded(payload) for payload in payloads]

    def _decoded(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != _ENCODING:
            return payload
        named = payload.metadata.get("encryption-key-id", b"")
        key_id = named.decode("utf-8", "replace")
        if key_id not in self._keys.keys:
            # Another process may have added it to the key file since.
            self._keys = current(self._keys)
        try:
            cipher = self._keys.cipher(key_id, _PURPOSE)
        except KeyError:
            raise CannotDecrypt(
                f"a payload is encrypted with key {key_id[:40]!r}, which is not among RECOBRO_ENCRYPTION__KEYS"
            ) from None
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, _bound_to(named)))
        except (InvalidTag, ValueError):
            raise CannotDecrypt(f"a payload of key {key_id[:40]!r} was changed after it was encrypted") from None


def _bound_to(key_id: bytes) -> bytes:
    return b"recobro payload 1\n" + key_id


def payload_codec(settings: Settings) -> EncryptionCodec | None:
    """The codec these settings ask for; None while payload encryption is off. Raises config.master_keys.BadKeys."""
    if not settings.encryption.encrypts_payloads:
        return None
    return EncryptionCodec(master_keys(settings.encryption, settings.database_url))


def data_converter(settings: Settings) -> DataConverter:
    """How every client, worker and codec server of Recobro talks to Temporal."""
    codec = payload_codec(settings)
    if codec is None:
        return compact_data_converter
    return dataclasses.replace(
        compact_data_converter,
        payload_codec=codec,
        failure_converter_class=EncodedFailures,
    )
