"""One data key for each person, wrapped by a master key, in a store of its own.

The store is apart from the records so that it can be backed up apart and for a shorter time: once a person's key is
destroyed, what records, replicas and old backups still hold of them is noise. On SQLite it is a file beside the
records (`<name>.person-keys.db`), on PostgreSQL the schema `recobro_keys`, or wherever
`RECOBRO_ENCRYPTION__PERSON_KEYS_URL` says.

A sealed text is `v1.<key id>.<base64 of nonce and AES-256-GCM>`, bound to its column and key id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from config.master_keys import KEY_BYTES, NONCE_BYTES, MasterKeys, current

SCHEMA = "recobro_keys"
_LOG = logging.getLogger("recobro.records.person_keys")
_PURPOSE = "person keys"
_INDEX = "index"
_NO_INDEX = "the store of people's keys has no index key"
_MARK = b"v1."
_CACHED = 4_096
# What another process erased is unreadable here after this at the latest.
_CACHED_SECONDS = 60.0

_METADATA = MetaData(schema=SCHEMA)
_KEYS = Table(
    "person_key",
    _METADATA,
    Column("key_id", String(40), primary_key=True),
    Column("master_id", String(40), nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
)


class KeysMissing(RuntimeError):
    """Sealed records whose keys or master key are not here; the text says what to do."""


class PersonKeys:
    """Makes, keeps and destroys data keys, and seals with them; safe to share between threads.

    Unwrapped keys stay in memory, at most 4,096 of them and each for a minute at most.
    """

    def __init__(self, engine: Engine, master: Callable[[], MasterKeys]) -> None:
        self._engine = engine.execution_options(
            schema_translate_map={SCHEMA: None if engine.dialect.name == "sqlite" else SCHEMA}
        )
        self._master_of = master
        self._master: MasterKeys | None = None
        self._cache: OrderedDict[str, tuple[float, bytes, AESGCM]] = OrderedDict()
        self._lock = threading.Lock()
        self._ready = False

    @property
    def master(self) -> MasterKeys:
        """The master keys; read at the first need, and again when their file has changed."""
        self._master = self._master_of() if self._master is None else current(self._master)
        return self._master

    def use_master(self, master: MasterKeys) -> None:
        """Wrap with these from now on."""
        self._master = master

    def prepare(self) -> bool:
        """Make the store if there is none. False when it was there, with its index key."""
        with self._writing() as connection:
            if connection.dialect.name != "sqlite":
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            _METADATA.create_all(connection)
            made = self._named(connection, _INDEX)
        self._ready = True
        return made

    def is_prepared(self) -> bool:
        """Whether the store is there."""
        with self._engine.connect() as connection:
            schema = None if connection.dialect.name == "sqlite" else SCHEMA
            if not connection.dialect.has_table(connection, _KEYS.name, schema=schema):
                return False
            return connection.execute(select(_KEYS.c.key_id).where(_KEYS.c.key_id == _INDEX)).first() is not None

    def new(self) -> str:
        """A new key, kept before anything is sealed with it; its id."""
        return self.new_many(1)[0]

    def new_many(self, number: int) -> list[str]:
        """As `new`, many at once."""
        if not number:
            return []
        made = {secrets.token_urlsafe(12): secrets.token_bytes(KEY_BYTES) for _ in range(number)}
        with self._writing() as connection:
            connection.execute(insert(_KEYS), [self._row(key_id, key) for key_id, key in made.items()])
        for key_id, key in made.items():
            self._remember(key_id, key)
        return list(made)

    def named(self, key_id: str) -> str:
        """The key of that name, made when there is none."""
        if self._find(key_id) is None:
            with self._writing() as connection:
                self._named(connection, key_id)
        return key_id

    def beginning_with(self, prefix: str) -> list[str]:
        """The ids of the keys that begin so, in their order."""
        with self._engine.connect() as connection:
            wanted = select(_KEYS.c.key_id).where(_KEYS.c.key_id.startswith(prefix, autoescape=True))
            return list(connection.execute(wanted.order_by(_KEYS.c.key_id)).scalars())

    def standing(self, key_id: str | None) -> str | None:
        """`key_id` while there is such a key; None for one that was destroyed, as for none.

        Raises KeysMissing where this store cannot tell: one without its index key is not these records' own.
        """
        if key_id is not None and self._find(key_id) is None:
            self.index("check", "")
            return None
        return key_id

    def gone(self, key_ids: Collection[str]) -> frozenset[str]:
        """Those that were destroyed; many at once, and as the store holds it, not the memory. Raises KeysMissing as
        `standing` does."""
        with self._engine.connect() as connection:
            wanted = select(_KEYS.c.key_id).where(_KEYS.c.key_id.in_([*key_ids, _INDEX]))
            found = frozenset(connection.execute(wanted).scalars())
        if _INDEX not in found:
            raise KeysMissing(_NO_INDEX)
        return frozenset(key_ids) - found

    def destroy(self, key_ids: Iterable[str]) -> int:
        """Destroy keys for good; how many there were. What they sealed cannot be read again."""
        gone = list(key_ids)
        with self._writing() as connection:
            count = connection.execute(delete(_KEYS).where(_KEYS.c.key_id.in_(gone), _KEYS.c.key_id != _INDEX)).rowcount
        with self._lock:
            for key_id in gone:
                self._cache.pop(key_id, None)
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            if busy:
                _LOG.warning("a destroyed key stays in the -wal file until nobody reads the file of keys any more")
        return count

    def let_go(self, key_ids: Iterable[str]) -> None:
        """Keep these out of memory until they are needed again; for one who goes through many people once."""
        with self._lock:
            for key_id in key_ids:
                self._cache.pop(key_id, None)

    def rewrap(self, page: int = 1000) -> int:
        """Wrap every key under the active master key that another one wraps; how many. May be repeated."""
        moved = 0
        while True:
            with self._writing() as connection:
                rows = connection.execute(
                    select(_KEYS).where(_KEYS.c.master_id != self.master.active).limit(page)
                ).all()
                for row in rows:
                    fresh = self._row(row.key_id, self._unwrapped(row.key_id, row.master_id, row.wrapped))
                    connection.execute(update(_KEYS).where(_KEYS.c.key_id == row.key_id).values(**fresh))
            moved += len(rows)
            if len(rows) < page:
                return moved

    def counts(self) -> dict[str, int]:
        """How many keys each master key wraps."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(_KEYS.c.master_id, func.count()).group_by(_KEYS.c.master_id)).all()
        return {master_id: count for master_id, count in rows}

    def seal(self, key_id: str, label: str, value: bytes) -> bytes:
        """`value` sealed for the place `label`. Raises KeysMissing when the key was destroyed."""
        found = self._find(key_id)
        if found is None:
            raise KeysMissing("a person's key was destroyed; nothing new can be kept under it")
        nonce = os.urandom(NONCE_BYTES)
        return _MARK + key_id.encode() + b"." + nonce + found[1].encrypt(nonce, value, _bound(key_id, label))

    def open(self, label: str, sealed: bytes) -> bytes | None:
        """What was sealed; None once its key is destroyed. Raises KeysMissing for what was changed or moved."""
        mark, _, rest = sealed.partition(b".")
        named, _, body = rest.partition(b".")
        if mark + b"." != _MARK:
            raise KeysMissing("the records hold a personal value that is not encrypted: migrate the database again")
        key_id = named.decode("ascii", "replace")
        found = self._find(key_id)
        if found is None:
            return None
        try:
            return found[1].decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], _bound(key_id, label))
        except (InvalidTag, ValueError):
            raise KeysMissing(f"a sealed {label} was changed or moved in the database") from None

    def seal_text(self, key_id: str, label: str, value: str) -> str:
        sealed = self.seal(key_id, label, value.encode())
        head = len(_MARK) + len(key_id) + 1
        return sealed[:head].decode() + base64.b64encode(sealed[head:]).decode()

    def open_text(self, label: str, sealed: str) -> str | None:
        head, _, body = sealed.rpartition(".")
        try:
            opened = self.open(label, head.encode() + b"." + base64.b64decode(body, validate=True))
        except binascii.Error:
            raise KeysMissing(f"a sealed {label} was changed in the database") from None
        return None if opened is None else opened.decode()

    def index(self, label: str, value: str) -> str:
        """A keyed fingerprint (HMAC-SHA256) by which equal values are found; it says nothing without the key."""
        found = self._find(_INDEX)
        if found is None:
            raise KeysMissing(_NO_INDEX)
        return hmac.new(found[0], f"{label}\n{value}".encode(), hashlib.sha256).hexdigest()

    def _find(self, key_id: str) -> tuple[bytes, AESGCM] | None:
        with self._lock:
            known = self._cache.get(key_id)
            if known is not None and known[0] > time.monotonic():
                self._cache.move_to_end(key_id)
                return known[1], known[2]
        with self._engine.connect() as connection:
            row = connection.execute(select(_KEYS).where(_KEYS.c.key_id == key_id)).first()
        return None if row is None else self._remember(key_id, self._unwrapped(key_id, row.master_id, row.wrapped))

    def _remember(self, key_id: str, key: bytes) -> tuple[bytes, AESGCM]:
        cipher = AESGCM(key)
        with self._lock:
            self._cache[key_id] = (time.monotonic() + _CACHED_SECONDS, key, cipher)
            self._cache.move_to_end(key_id)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return key, cipher

    def _named(self, connection: Connection, key_id: str) -> bool:
        if connection.execute(select(_KEYS.c.key_id).where(_KEYS.c.key_id == key_id)).first() is not None:
            return False
        try:
            with connection.begin_nested():
                connection.execute(insert(_KEYS), [self._row(key_id, secrets.token_bytes(KEY_BYTES))])
        except IntegrityError:
            return False
        return True

    def _row(self, key_id: str, key: bytes) -> dict[str, object]:
        nonce, master = os.urandom(NONCE_BYTES), self.master
        wrapped = master.cipher(master.active, _PURPOSE).encrypt(nonce, key, key_id.encode())
        return {"key_id": key_id, "master_id": master.active, "wrapped": nonce + wrapped}

    def _unwrapped(self, key_id: str, master_id: str, wrapped: bytes) -> bytes:
        if master_id not in self.master.keys:
            # Another process may have added it to the key file since.
            self._master = self._master_of()
        try:
            cipher = self.master.cipher(master_id, _PURPOSE)
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], key_id.encode())
        except KeyError:
            raise KeysMissing(
                f"people's data is encrypted under master key {master_id!r}, which is not here: "
                f"add it to RECOBRO_ENCRYPTION__KEYS"
            ) from None
        except InvalidTag:
            raise KeysMissing(
                f"master key {master_id!r} is not the one people's data was encrypted under, or their keys were changed"
            ) from None

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._engine.execution_options(writing=True, durable=True).begin()


def sealed_under(key_id: str) -> bytes:
    """How everything begins that is sealed under a key."""
    return _MARK + key_id.encode() + b"."


def key_named(sealed: bytes) -> str:
    """The id of the key that what begins so is sealed under."""
    return sealed.removeprefix(_MARK).partition(b".")[0].decode("ascii", "replace")


def _bound(key_id: str, label: str) -> bytes:
    return f"recobro records 1\n{key_id}\n{label}".encode()


_OF: WeakKeyDictionary[Dialect, PersonKeys] = WeakKeyDictionary()


def use(engine: Engine, keys: PersonKeys) -> None:
    """From now on sealed columns of this engine's tables are sealed with these keys."""
    _OF[engine.dialect] = keys


def of_dialect(dialect: Dialect) -> PersonKeys:
    """The keys of the database a statement runs on. Raises KeysMissing."""
    found = _OF.get(dialect)
    if found is None:
        raise KeysMissing("this database was opened without keys: use records.database.Database")
    return found


def of(session: Session) -> PersonKeys:
    """The keys of a session's database."""
    return of_dialect(session.get_bind().dialect)
