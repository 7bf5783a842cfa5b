"""One door to the records: SQLite in a file by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError
from sqlmodel import Session

from config.encryption_settings import Encryption
from config.master_keys import MasterKeys, beside, master_keys
from config.settings import load_encryption
from records import last_work, person_keys
from records.person_keys import KeysMissing, PersonKeys

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_SECONDS: float = 15
_LOOK_AGAIN_SECONDS = 0.001
_CONNECT_SECONDS = "4"
"""A host that is away does not refuse; the operating system alone would wait two minutes. The URL may say otherwise;
what scrapes the metrics waits ten seconds for an answer that says so."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class BadDatabaseUrl(ValueError):
    """The database URL cannot be used; the text never holds its password."""


class SchemaOutOfDate(RuntimeError):
    """The database's tables are not those of this version; the text says what to run."""


class Database:
    """Sessions on one database; safe to share between threads, and between processes by URL.

    `url` is an SQLAlchemy URL: `sqlite:///var/recobro.db` or `postgresql+psycopg://...` (`postgresql://` and
    `postgres://` mean the same). On SQLite the migrations apply themselves at first use. On PostgreSQL they
    do not: sessions raise SchemaOutOfDate until `migrate()` was called once. `busy_seconds` is how long a
    transaction on SQLite waits for another one before it fails.

    Personal columns are sealed under people's own keys (`records.person_keys`), these under the master keys of
    `RECOBRO_ENCRYPTION__*` unless `master` gives others. Sessions raise KeysMissing when the keys are not here.
    """

    def __init__(
        self,
        url: str,
        *,
        busy_seconds: float = BUSY_SECONDS,
        master: Callable[[], MasterKeys] | None = None,
    ) -> None:
        self._engine = _engine(url, busy_seconds)
        given = load_encryption()
        self._keys_engine = _keys_engine(url, given, busy_seconds)
        self.keys = PersonKeys(self._keys_engine, master or partial(master_keys, given, url))
        person_keys.use(self._engine, self.keys)
        self._checked = False
        self._lock = threading.Lock()
        self._writer = threading.Lock()
        self._busy_seconds = busy_seconds

    @property
    def embedded(self) -> bool:
        """Whether this is an SQLite file that Recobro looks after by itself."""
        return self._engine.dialect.name == "sqlite"

    @property
    def where(self) -> str:
        """Which database this is, as `place_of` tells it."""
        return place_of(self._engine.url)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one consistent state of the database; nothing done in it is kept.

        On PostgreSQL each statement sees the latest committed state.
        """
        self._ensure_schema()
        with self._engine.connect() as connection, Session(connection, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Session]:
        """One transaction: committed at the end of the block, undone if the block raises.

        A commit outlives the death of the process; with `durable`, which waits for the disk, that of the
        machine too. PostgreSQL always waits.

        SQLite takes its write lock at the start, so two processes queue instead of failing half way.
        """
        self._ensure_schema()
        with self._turn(), self._engine.connect().execution_options(writing=True, durable=durable) as connection:
            with Session(connection, expire_on_commit=False) as session:
                session.connection()
                last_work.begin(session)
                yield session
                last_work.finish(session)
                session.commit()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite looks for its lock again after ever longer sleeps; threads here hand it over without."""
        mine = self.embedded and self._writer.acquire(timeout=self._busy_seconds)
        try:
            yield
        finally:
            if mine:
                self._writer.release()

    def check(self) -> None:
        """Raise unless the database answers and its tables are up to date."""
        self._ensure_schema()
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def migrate(self) -> None:
        """Bring the tables to this version. Several processes may call it at once."""
        from alembic import command

        with self._engine.connect() as connection:
            if self.embedded:
                # Rebuilding a table in batch mode drops the old one, which foreign keys would refuse.
                _mind_foreign_keys(connection, False)
            try:
                options = connection.execution_options(writing=True)
                with options.begin():
                    if not self.embedded:
                        options.execute(text("SELECT pg_advisory_xact_lock(727268)"))
                    self._check_keys(options)
                    command.upgrade(alembic_config(options), "head")
                    if self.embedded and options.exec_driver_sql("PRAGMA foreign_key_check").first():
                        raise SchemaOutOfDate("the migration left rows without what they refer to; it was undone")
            finally:
                if self.embedded:
                    connection.rollback()
                    _mind_foreign_keys(connection, True)
        self._checked = True

    def outdated(self) -> str | None:
        """What is wrong with the tables' version, in a line; None when it is this program's. Changes nothing."""
        current, wanted = self._revision(), _head()
        if current == wanted:
            return None
        found = "has no tables of Recobro" if current is None else f"is at version {current}"
        return f"the database {found}, this program needs {wanted}"

    def schema_differences(self) -> list[Any]:
        """What a new migration would have to change: empty when the migrations equal the tables in code."""
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        from records.tables import Record

        with self._engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences: list[Any] = compare_metadata(context, Record.metadata)
            return differences

    def dispose(self) -> None:
        """Close all connections; the next session opens new ones."""
        self._engine.dispose()
        self._keys_engine.dispose()

    def _ensure_schema(self) -> None:
        if self._checked:
            return
        with self._lock:
            if self._checked:
                return
            outdated = self.outdated()
            if outdated is None:
                with self._engine.connect() as connection:
                    self._check_keys(connection)
                self._checked = True
            elif self.embedded:
                self.migrate()
            else:
                raise SchemaOutOfDate(f"{outdated}: run `starter.py database migrate`")

    def _check_keys(self, connection: Connection) -> None:
        """Make the store of people's keys for new records; raise KeysMissing when it does not fit these."""
        if not self.keys.is_prepared():
            sealed = "key_id" in {column["name"] for column in _columns(connection, "person")}
            if sealed and connection.execute(text("SELECT 1 FROM person WHERE key_id IS NOT NULL LIMIT 1")).first():
                where = self._keys_engine.url.render_as_string(hide_password=True)
                raise KeysMissing(f"people's keys are not at {where}: restore them, or say where they are")
            self.keys.prepare()
        self.keys.index("check", "")

    def _revision(self) -> str | None:
        with self._engine.connect() as connection:
            try:
                return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            except (ProgrammingError, OperationalError) as error:
                if "no such table" in str(error.orig) or "does not exist" in str(error.orig):
                    return None
                raise


def place_of(url: URL) -> str:
    """Which database a URL means, for people: an SQLite file's whole path, or the URL without password and options."""
    if url.get_backend_name() == "sqlite" and url.database:
        return str(Path(url.database).absolute())
    return url.set(query={}).render_as_string(hide_password=True)


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings for running on an open connection, inside its transaction."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _mind_foreign_keys(connection: Connection, on: bool) -> None:
    """Must come between transactions, where SQLAlchemy would begin one: within one SQLite ignores it."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    assert not raw.in_transaction
    raw.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def _columns(connection: Connection, table: str) -> list[Any]:
    known = inspect(connection)
    return list(known.get_columns(table)) if known.has_table(table) else []


def _head() -> str:
    """The newest migration, by the names of their files: every process asks, and Alembic takes a fifth of a start."""
    return max(file.name for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))[:4]


def _engine(url: str, busy_seconds: float) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadDatabaseUrl("the database URL cannot be read: expected sqlite:///FILE or postgresql://...") from None
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise BadDatabaseUrl("an SQLite database needs a file: expected sqlite:///FILE")
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            parsed, connect_args={"timeout": busy_seconds}, pool_size=8, max_overflow=32, hide_parameters=True
        )
        event.listen(engine, "connect", partial(_prepare_sqlite, busy_seconds))
        event.listen(engine, "begin", partial(_begin_sqlite, busy_seconds))
        return engine
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg").update_query_dict(
                {"connect_timeout": parsed.query.get("connect_timeout", _CONNECT_SECONDS)}
            ),
            pool_pre_ping=True,
            max_overflow=32,
            hide_parameters=True,
        )
        event.listen(engine, "handle_error", _drop_details)
        return engine
    raise BadDatabaseUrl(
        f"database {parsed.drivername!r} is not supported: expected sqlite:///FILE or postgresql://..."
    )


def _keys_engine(url: str, given: Encryption, busy_seconds: float) -> Engine:
    file = beside(url, ".person-keys.db")
    engine = _engine(given.person_keys_url or (url if file is None else f"sqlite:///{file}"), busy_seconds)
    if engine.dialect.name == "sqlite":
        # A destroyed key must not stay in the file's unused pages.
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA secure_delete=ON"))
    return engine


def _drop_details(context: ExceptionContext) -> None:
    """PostgreSQL's DETAIL repeats the row that failed, with names and numbers; errors travel into logs."""
    error, cause = context.sqlalchemy_exception, context.original_exception
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    if error is not None and primary is not None:
        cause.args = (primary,)
        error.args = (f"({type(cause).__name__}) {primary}",)


def _prepare_sqlite(busy_seconds: float, connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transaction handling would begin late and without the write lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            # Turning a new file to WAL does not honour busy_timeout while another process does the same.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(busy_seconds: float, connection: Connection) -> None:
    options = connection.get_execution_options()
    # Straight to the driver: these statements belong to every transaction.
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(f"PRAGMA synchronous={'FULL' if options.get('durable') else 'NORMAL'}")
    if not options.get("writing"):
        driver.execute("BEGIN")
        return
    driver.execute("PRAGMA busy_timeout=0")
    try:
        if not _write_lock_taken(driver, time.monotonic() + busy_seconds):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")


def _write_lock_taken(driver: sqlite3.Connection, until: float) -> bool:
    """Begin with the write lock. SQLite itself would look for it again after sleeps of up to a tenth of a second,
    which is longer than other processes hold it, and so makes the unlucky wait for many of them.
    """
    while time.monotonic() < until:
        try:
            driver.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                return False
        time.sleep(_LOOK_AGAIN_SECONDS)
    return False
