from __future__ import annotations

import pytest

from web import passwords

SHIPPED = passwords._HASHER
"""Read before conftest.py puts a cheap one in its place."""


@pytest.fixture(autouse=True)
def _as_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", SHIPPED)
    passwords._nobodys.cache_clear()


def test_a_password_is_kept_as_argon2id_of_64_mebibytes() -> None:
    kept = passwords.hash_password("a long enough password")

    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(kept, "a long enough password")
    assert not passwords.matches(kept, "another password")
    assert not passwords.matches(None, "nobody has this password")


def test_a_hash_of_weaker_parameters_is_dated() -> None:
    weak = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$4yMHPLNSsyPyPDqkfWDF8w"

    assert passwords.is_dated(weak)
    assert not passwords.is_dated(passwords.hash_password("a long enough password"))
