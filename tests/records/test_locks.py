"""Who waits for whom where there is no row yet that could be locked."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import NullPool, create_engine
from sqlmodel import Session

from records.locks import nobody_does, one_at_a_time
from tests.databases import PostgresServer


def test_who_looks_is_told_whether_somebody_does_and_never_waits(
    postgresql_server: Callable[[], PostgresServer],
) -> None:
    url = postgresql_server().url("postgres").replace("postgresql://", "postgresql+psycopg://")
    server = create_engine(url, poolclass=NullPool)

    with Session(server) as does, Session(server) as looks, Session(server) as looks_later:
        one_at_a_time(does, "statements")
        meanwhile = nobody_does(looks, "statements"), nobody_does(looks, "something else")
        does.commit()
        afterwards = nobody_does(looks_later, "statements")

    assert meanwhile == (False, True)
    assert afterwards


def test_those_who_look_do_not_wait_for_each_other(postgresql_server: Callable[[], PostgresServer]) -> None:
    url = postgresql_server().url("postgres").replace("postgresql://", "postgresql+psycopg://")
    server = create_engine(url, poolclass=NullPool)

    with Session(server) as one, Session(server) as other:
        both = nobody_does(one, "statements"), nobody_does(other, "statements")

    assert both == (True, True)
