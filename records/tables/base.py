"""What every table shares: one metadata with predictable constraint names."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import MetaData
from sqlmodel import SQLModel

Json = dict[str, Any]
"""A JSON object; its shape belongs to whoever wrote it, the database does not look inside."""


class Record(SQLModel):
    """Parent of all tables. Constraint names are fixed so that migrations can name them on every database."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
