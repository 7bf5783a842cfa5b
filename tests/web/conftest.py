from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from tests.databases import database, database_url, postgresql_server, sqlite_template
from web import passwords

__all__ = ["database", "database_url", "postgresql_server", "sqlite_template"]


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Hundreds of sign-ins at 64 MiB each would be half of these tests' time; test_passwords.py keeps the real ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield
