"""Webhooks: stored before they are answered, kept due until nothing is left to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, tuple_
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import Session, col, select

from records.clock import FURTHEST_PLAN
from records.locks import all_at_a_time, one_at_a_time
from records.person_keys import of
from records.sealed import PrivateBytes
from records.tables import Lease, Person, Webhook
from records.tables.sealing import day_key

_INSERT = insert(Webhook.__table__)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Stored:
    id: int
    duplicate: bool


def store(
    session: Session,
    *,
    provider: str,
    event_key: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    received_at: datetime,
    due_at: datetime,
    verified: bool,
) -> Stored:
    """Keep a delivery once per (provider, event_key).

    `received_at` is the time of the world it came from; `due_at` is by the time that those who relay share
    (`records.clock`). They differ when a campaign is rehearsed on skipped time.
    """
    one_at_a_time(session, _lock(provider, event_key))
    known = session.exec(select(Webhook.id).where(Webhook.provider == provider, Webhook.event_key == event_key)).first()
    if known is not None:
        return Stored(known, duplicate=True)
    webhook = Webhook(
        provider=provider,
        event_key=event_key,
        url=url,
        body=body,
        headers=dict(headers),
        received_at=received_at,
        verified=verified,
        signals=[],
        next_try_at=due_at,
    )
    session.add(webhook)
    session.flush()
    assert webhook.id is not None
    return Stored(webhook.id, duplicate=False)


@dataclass(frozen=True)
class Proven:
    """A delivery whose signature was checked, as it is to be kept."""

    provider: str
    event_key: str
    url: str
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime


def store_many(session: Session, deliveries: Sequence[Proven], due_at: datetime) -> list[bool]:
    """As `store`, many at once; for each, in their order, whether it is new and not a duplicate."""
    all_at_a_time(session, {_lock(one.provider, one.event_key) for one in deliveries})
    named = tuple_(col(Webhook.provider), col(Webhook.event_key))
    wanted = [(one.provider, one.event_key) for one in deliveries]
    known = {
        (provider, key)
        for provider, key in session.execute(select(Webhook.provider, Webhook.event_key).where(named.in_(wanted)))
    }
    keys, new, rows = of(session), [], []
    for one, name in zip(deliveries, wanted, strict=True):
        new.append(name not in known)
        if name in known:
            continue
        known.add(name)
        rows.append(
            {
                "provider": one.provider,
                "event_key": one.event_key,
                "url": one.url,
                "body": PrivateBytes(one.body, keys.named(day_key(one.received_at))),
                "headers": dict(one.headers),
                "received_at": one.received_at,
                "verified": True,
                "signals": [],
                "relay_attempts": 0,
                "next_try_at": due_at,
            }
        )
    if rows:
        session.connection().execute(_INSERT, rows)
    return new


def _lock(provider: str, event_key: str) -> str:
    return f"webhook:{provider}:{event_key}"


def get(session: Session, webhook_id: int) -> Webhook:
    """A webhook by its id, locked for this transaction. Raises KeyError."""
    webhook = session.get(Webhook, webhook_id, with_for_update=True)
    if webhook is None:
        raise KeyError(webhook_id)
    return webhook


def get_many(session: Session, ids: Sequence[int]) -> Sequence[Webhook]:
    """As `get`, many in the order of their ids; those that are gone are left out."""
    wanted = select(Webhook).where(col(Webhook.id).in_(ids)).order_by(col(Webhook.id))
    return session.exec(wanted.with_for_update().execution_options(populate_existing=True)).all()


def unrecorded(session: Session, at: datetime, limit: int = 100) -> list[int]:
    """Ids of those due at `at` whose news is not yet in the records, in the order they came in."""
    waiting = select(Webhook.id).where(_due(at), col(Webhook.recorded_at).is_(None))
    return [each for each in session.exec(waiting.order_by(col(Webhook.id)).limit(limit)) if each is not None]


GIVEN_UP_AT = 5
"""Attempts after which nobody waits any longer for a webhook to be read: after some eight seconds."""


@dataclass(frozen=True)
class Unheard:
    """The ids of the oldest and the newest webhook whose news nobody has read yet."""

    oldest: int
    newest: int


def unheard(session: Session) -> Unheard | None:
    """What came in and is not in the records yet; what fails again and again is left to the people who are told.

    One failure says little: a connection that was cut leaves a STOP unread for half a second.
    """
    waiting = select(func.min(Webhook.id), func.max(Webhook.id)).where(
        col(Webhook.relayed_at).is_(None),
        col(Webhook.recorded_at).is_(None),
        col(Webhook.verified),
        Webhook.relay_attempts < GIVEN_UP_AT,
    )
    oldest, newest = session.exec(waiting).one()
    return None if oldest is None or newest is None else Unheard(oldest, newest)


def unsignalled(session: Session, at: datetime, limit: int = 100) -> list[tuple[int, list[dict[str, Any]]]]:
    """Ids of those due at `at` that still owe signals, and these, in the order they came in."""
    owing = select(Webhook.id, Webhook.signals).where(_due(at), col(Webhook.recorded_at).is_not(None))
    found = session.exec(owing.order_by(col(Webhook.id)).limit(limit))
    return [(each, list(signals)) for each, signals in found if each is not None]


def owed(session: Session) -> Iterator[dict[str, Any]]:
    """Every signal that a loan is still to be told, due or not, in the order they came in."""
    owing = select(Webhook.signals).where(col(Webhook.relayed_at).is_(None), col(Webhook.recorded_at).is_not(None))
    for signals in session.exec(owing.order_by(col(Webhook.id))):
        yield from signals


def _due(at: datetime) -> ColumnElement[bool]:
    due = or_(col(Webhook.next_try_at) <= at, col(Webhook.next_try_at) > at + FURTHEST_PLAN)
    return and_(col(Webhook.relayed_at).is_(None), col(Webhook.verified), due)


def next_due_at(session: Session, at: datetime) -> datetime | None:
    """When the next webhook that is not yet relayed falls due, as seen at `at`; None when all are.

    One that lies further ahead than anything is ever put off is due now.
    """
    first = session.exec(
        select(func.min(Webhook.next_try_at)).where(col(Webhook.relayed_at).is_(None), Webhook.verified)
    ).one()
    return at if first is not None and first > at + FURTHEST_PLAN else first


def mark_recorded(
    session: Session,
    webhook_id: int,
    at: datetime,
    *,
    outcome: str,
    signals: Sequence[dict[str, Any]],
    persons: Collection[int] = (),
    pieces: int = 1,
) -> None:
    """Its news stands in the records; what is left to do is to send `signals`, in order.

    From now on its body is sealed under the key of the one of `persons` it was about. One about several is not kept:
    each of them may ask what is known of them, and may be erased. Nor is one of several `pieces` of news, some of
    which may be of people nobody knows here.
    """
    webhook = get(session, webhook_id)
    one_alone = len(persons) == 1 and pieces <= 1
    person = session.get(Person, next(iter(persons))) if one_alone else None
    if persons and not one_alone:
        webhook.body = b""
    if person is not None and (key_id := of(session).standing(person.key_id)) is not None:
        webhook.person_ref, webhook.body = person.id, PrivateBytes(webhook.body, key_id)
        # The same bytes under another key are no change in the eyes of the ORM.
        flag_modified(webhook, "body")
    webhook.recorded_at, webhook.outcome, webhook.signals = at, outcome, list(signals)
    webhook.relayed_at = None if signals else at
    session.add(webhook)
    session.flush()


def mark_signalled(session: Session, webhook_id: int, signal: dict[str, Any], at: datetime) -> None:
    """This signal is done with; after the last one the webhook is relayed."""
    webhook = get(session, webhook_id)
    webhook.signals = [owed for owed in webhook.signals if owed != signal]
    webhook.relay_error = None
    webhook.relayed_at = None if webhook.signals else at
    session.add(webhook)
    session.flush()


def mark_failed(session: Session, webhook_id: int, *, error: str, next_try_at: datetime) -> None:
    """An attempt failed; `error` is a short cause without personal data."""
    webhook = get(session, webhook_id)
    webhook.relay_attempts += 1
    webhook.relay_error = error[:200]
    webhook.next_try_at = next_try_at
    session.add(webhook)
    session.flush()


def wait(session: Session, webhook_id: int, *, why: str, until: datetime) -> None:
    """Nothing failed: it is looked at again then. `why` as of `mark_failed`."""
    webhook = get(session, webhook_id)
    webhook.relay_error, webhook.next_try_at = why[:200], until
    session.add(webhook)
    session.flush()


def take_lease(session: Session, name: str, holder: str, *, at: datetime, lasts: timedelta) -> bool:
    """Become or stay the only holder of `name` until `at` + `lasts`. False while another holds it.

    A lease for longer than twice `lasts` was taken by a clock ahead of ours, and nobody would ever renew it: it is
    void. One for a little more than `lasts` was renewed while we waited here.
    """
    one_at_a_time(session, f"lease:{name}")
    lease = session.get(Lease, name)
    if lease is not None and lease.holder != holder and at < lease.until <= at + 2 * lasts:
        return False
    lease = lease or Lease(name=name, holder=holder, until=at)
    lease.holder, lease.until = holder, at + lasts
    session.add(lease)
    session.flush()
    return True


def give_up_lease(session: Session, name: str, holder: str) -> None:
    """Let another process take over at once."""
    lease = session.get(Lease, name)
    if lease is not None and lease.holder == holder:
        session.delete(lease)
        session.flush()


def by_key(session: Session, provider: str, key: str) -> Webhook | None:
    """What is kept under an event key."""
    return session.exec(select(Webhook).where(Webhook.provider == provider, Webhook.event_key == key)).first()


def unknown(session: Session, provider: str, keys: Collection[str]) -> set[str]:
    """Of these event keys, those under which nothing is kept."""
    kept = select(Webhook.event_key).where(Webhook.provider == provider, col(Webhook.event_key).in_(keys))
    known: set[str] = set(session.exec(kept).all())
    return set(keys) - known


def last_received(session: Session, provider: str, before: datetime) -> datetime | None:
    """When the latest of what a provider posted before `before` came in.

    What we fetched ourselves says nothing of that: it is kept without the host that a provider calls.
    """
    found = select(Webhook.received_at).where(
        Webhook.provider == provider, Webhook.received_at < before, ~col(Webhook.url).startswith("/")
    )
    return session.exec(found.order_by(col(Webhook.id).desc()).limit(1)).first()


def newest(session: Session) -> int:
    """The id of the webhook stored last; 0 when there is none."""
    return session.exec(select(func.max(Webhook.id))).one() or 0


def relayed_up_to(session: Session, last: int) -> bool:
    """Whether every webhook up to this id is relayed."""
    waiting = select(Webhook.id).where(col(Webhook.relayed_at).is_(None), col(Webhook.id) <= last).limit(1)
    return session.exec(waiting).first() is None
