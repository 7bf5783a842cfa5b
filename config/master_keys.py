"""Master keys: what the records' and Temporal's encryption stands on, by key id, one of them active.

They come from `RECOBRO_ENCRYPTION__KEYS`, or, where the records are an SQLite file and nothing is set, from a key
file beside it that is made at first use. A master key encrypts nothing itself: each use derives a key of its own.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import logging
import os
import re
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import make_url

if TYPE_CHECKING:
    from config.encryption_settings import Encryption

KEY_BYTES = 32
NONCE_BYTES = 12
_LOG = logging.getLogger("recobro.config.master_keys")
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")


class BadKeys(ValueError):
    """Master keys that cannot be used; the text never holds a key."""


@dataclass(frozen=True)
class MasterKeys:
    """`keys` are 32 random bytes each, by id; `active` names the one that encrypts. All of them decrypt."""

    keys: dict[str, bytes] = field(repr=False)
    active: str
    file: Path | None = None
    """The key file they were read from, if any."""
    read_as: tuple[int, int, int] | None = field(default=None, repr=False, compare=False)
    """What told that file from an earlier and a later one: inode, time of change (ns) and size."""
    _ciphers: dict[tuple[str, str], AESGCM] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for key_id, key in self.keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise BadKeys(f"key id {key_id[:40]!r}: expected 1 to 40 letters, digits, dots, dashes or underscores")
            if len(key) != KEY_BYTES:
                raise BadKeys(f"key {key_id}: expected {KEY_BYTES} bytes, got {len(key)}")
        if self.active not in self.keys:
            raise BadKeys(f"the active key {self.active[:40]!r} is not among the keys ({', '.join(sorted(self.keys))})")

    def cipher(self, key_id: str, purpose: str) -> AESGCM:
        """AES-256-GCM under the key derived for `purpose`. Raises KeyError when the key id is not known."""
        known = self._ciphers.get((key_id, purpose))
        if known is None:
            known = self._ciphers[key_id, purpose] = AESGCM(self.derived(key_id, purpose))
        return known

    def derived(self, key_id: str, purpose: str) -> bytes:
        """32 bytes for `purpose` alone. Raises KeyError when the key id is not known."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"recobro {purpose}".encode()).derive(self.keys[key_id])


def new_key() -> tuple[str, str]:
    """A new master key: its id and itself in base64."""
    return f"k{secrets.token_hex(4)}", base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def use_throwaway_key() -> None:
    """Let this process and the ones it starts work on records that nobody keeps, if no key is set."""
    key_id, key = new_key()
    os.environ.setdefault("RECOBRO_ENCRYPTION__KEYS", json.dumps({key_id: key}))
    os.environ.setdefault("RECOBRO_ENCRYPTION__PAYLOADS", "false")


def read_key(key_id: str, text: str) -> bytes:
    """A key from base64, of either alphabet. Raises BadKeys."""
    try:
        return base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise BadKeys(f"key {key_id[:40]}: expected base64 of {KEY_BYTES} bytes") from None


def configured_keys(given: Encryption) -> MasterKeys | None:
    """The keys the settings hold; None when they hold none. Raises BadKeys."""
    if not given.keys:
        return None
    try:
        keys = {key_id: read_key(key_id, key.get_secret_value()) for key_id, key in given.keys.items()}
        if given.active_key is None and len(keys) > 1:
            raise BadKeys(f"of several keys one is active: set RECOBRO_ENCRYPTION__ACTIVE_KEY ({', '.join(keys)})")
        return MasterKeys(keys, given.active_key or next(iter(keys)))
    except BadKeys as error:
        raise BadKeys(f"RECOBRO_ENCRYPTION: {error}") from None


def master_keys(given: Encryption, database_url: str) -> MasterKeys:
    """The configured keys, else those in the key file beside an SQLite database. Raises BadKeys.

    Elsewhere keys must be configured: one made by itself would be lost with the machine it was made on, and all
    personal data with it.
    """
    keys = configured_keys(given)
    if keys is not None:
        return keys
    path = beside(database_url, ".master-keys.json")
    if path is None:
        raise BadKeys(
            "records on a database server need a master key: make one with `starter.py keys generate`, keep it safe, "
            "and set RECOBRO_ENCRYPTION__KEYS"
        )
    return key_file(path)


def beside(database_url: str, suffix: str) -> Path | None:
    """The path of an SQLite database with `suffix` instead of its own; None for other databases."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database).with_suffix(suffix)


def key_file(path: Path) -> MasterKeys:
    """The keys in a file that only its owner can read; it is made when there is none. Raises BadKeys."""
    while True:
        try:
            return _read(path)
        except FileNotFoundError:
            key_id, key = new_key()
            _create(path, {"active": key_id, "keys": {key_id: key}})


def current(keys: MasterKeys) -> MasterKeys:
    """The keys as their file holds them now, to which another process may have added one; those of the settings, and of
    a file that is gone or cannot be read, as they are: what runs goes on, and says so once for each such file."""
    if keys.file is None:
        return keys
    state = None
    try:
        state = _state(keys.file)
        return keys if state == keys.read_as else _read(keys.file)
    except FileNotFoundError:
        return keys
    except (BadKeys, OSError) as error:
        _warn(keys.file, state, str(error) if isinstance(error, BadKeys) else f"{keys.file}: {error.strerror}")
        return keys


@cache
def _warn(_file: Path, _state: tuple[int, int, int] | None, why: str) -> None:
    _LOG.warning("%s; the keys read before stay in use", why)


def add_to_key_file(keys: MasterKeys) -> MasterKeys:
    """Make a new key in the file that `keys` came from, and make it the active one."""
    assert keys.file is not None
    key_id, key = new_key()
    every = {**keys.keys, key_id: read_key(key_id, key)}
    beside = keys.file.with_name(keys.file.name + ".new")
    beside.unlink(missing_ok=True)
    _create(beside, {"active": key_id, "keys": {name: base64.b64encode(one).decode() for name, one in every.items()}})
    beside.replace(keys.file)
    return _read(keys.file)


def _create(path: Path, content: dict[str, object]) -> None:
    """Write it whole or not at all; whoever comes second keeps what the first wrote."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _state(path: Path) -> tuple[int, int, int]:
    told = path.stat()
    return told.st_ino, told.st_mtime_ns, told.st_size


def _read(path: Path) -> MasterKeys:
    try:
        # Before it is read: what replaces it meanwhile is another one, and read again.
        state = _state(path)
        found = json.loads(path.read_text(encoding="utf-8"))
        keys = {key_id: read_key(key_id, key) for key_id, key in found["keys"].items()}
        return MasterKeys(keys, found["active"], path, state)
    except FileNotFoundError:
        raise
    except BadKeys as error:
        raise BadKeys(f"{path}: {error}") from None
    except OSError as error:
        raise BadKeys(f"{path}: the key file cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadKeys(f'{path}: no key file: expected {{"active": ID, "keys": {{ID: BASE64}}}}') from None
