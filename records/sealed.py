"""Columns whose values are sealed under a person's own key.

They read as plain values. Writing takes a value that names its key (`Private`), which the hooks in
`records.tables.sealing` see to for rows written through the ORM; a plain value is refused, so that nothing personal can
reach the database unsealed by oversight.
"""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from records.person_keys import of_dialect


class Private(str):
    """A text with the id of the key it is to be sealed under."""

    key_id: str

    def __new__(cls, value: str, key_id: str) -> Self:
        made = super().__new__(cls, value)
        made.key_id = key_id
        return made


class PrivateBytes(bytes):
    """Bytes with the id of the key they are to be sealed under."""

    key_id: str

    def __new__(cls, value: bytes, key_id: str) -> Self:
        made = super().__new__(cls, value)
        made.key_id = key_id
        return made


class NotPrivate(TypeError):
    """A personal value was to be written without its key; the text never holds it."""


class Sealed(TypeDecorator[str]):
    """A text, sealed for the place `label`; None once its key is destroyed."""

    impl = Text
    cache_ok = True

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Private):
            raise NotPrivate(f"{self.label} is written or compared without its key")
        return of_dialect(dialect).seal_text(value.key_id, self.label, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else of_dialect(dialect).open_text(self.label, value)


class SealedBytes(TypeDecorator[bytes]):
    """Bytes, sealed for the place `label`; empty once their key is destroyed."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, PrivateBytes):
            raise NotPrivate(f"{self.label} is written or compared without its key")
        return of_dialect(dialect).seal(value.key_id, self.label, value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else of_dialect(dialect).open(self.label, bytes(value)) or b""
