"""How many people and how fast WhatsApp lets us write, by the contact ledger at the moment of dispatch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from config.messaging_settings import Meta
from config.platform_rules import load_whatsapp
from domain.contact import Reason
from domain.platform_rules import (
    Choice,
    Form,
    PoolNumber,
    Quality,
    Sent,
    allowed_form,
    choose_sender,
    pair_not_before,
    rest_ends,
    tier_reached,
    tier_room_at,
)
from providers.messaging.whatsapp_cloud import PROVIDER
from records import platforms, whatsapp_sends
from records.locks import one_at_a_time
from records.tables import Person

_PAIR_LOOKBACK = timedelta(hours=2)
_ASK_AGAIN = timedelta(hours=1)
_TIER_LOCK = "whatsapp:tier"


@dataclass(frozen=True)
class Held:
    """WhatsApp takes the message at `until` and no earlier, as far as our own ledger tells."""

    until: datetime
    reason: Reason


class WhatsAppLimits:
    """All lenders of one installation write from one business portfolio, so they share its tier."""

    def __init__(self, tier: int | None, meta: Meta | None = None) -> None:
        """`tier` is Meta's for the portfolio; None: unlimited. `meta` names the numbers that write."""
        self._tier = tier
        self._numbers = meta.numbers if meta is not None else ()
        self._share = meta.tier_share if meta is not None else 1.0

    def held(self, session: Session, person: Person, at: datetime) -> Held | None:
        """What holds a message to `person` back at `at`; None: it may go.

        Call it in the person's writing transaction: for a message outside the person's window it also waits for
        every other such message, since the tier is counted over all people.
        """
        rules = load_whatsapp()
        earlier = whatsapp_sends.to_person(session, person, at - _PAIR_LOOKBACK, at)
        free = pair_not_before(earlier, at, rules)
        if free > at:
            return Held(free, rules.pair.reason)
        window = timedelta(hours=rules.window.hours)
        last = whatsapp_sends.last_inbound(session, person, at - window, at)
        answers = allowed_form(at, last, rules) is Form.FREE_TEXT
        if not answers and any(number.tier is not None for number in self._numbers):
            one_at_a_time(session, _TIER_LOCK)
        if self._numbers and (choice := self.choose(session, person, at, answers)).sender is None:
            return self._no_number(session, at, choice)
        if self._tier is None or answers:
            return None
        one_at_a_time(session, _TIER_LOCK)
        period = timedelta(hours=rules.tier.hours)
        sent = [Sent(at=when, person=who) for when, who in whatsapp_sends.outside_window(session, at, period, window)]
        reached = tier_reached(sent, str(person.id), at, self._tier, rules)
        return None if reached is None else Held(tier_room_at(sent, at, self._tier, rules), reached)

    def choose(self, session: Session, person: Person, at: datetime, answers: bool = False) -> Choice:
        """The number that writes to `person`; with `answers`, inside their window, where no tier counts."""
        if not self._numbers:
            return Choice(sender=None)
        pool = self.pool(session, at, counting=not answers)
        counted: frozenset[str] = frozenset()
        if not answers and any(number.tier is not None for number in pool):
            key = str(person.id)
            counted = frozenset(sender for sender, people in self._used(session, at).items() if key in people)
        known = whatsapp_sends.last_sender(session, person)
        return choose_sender(pool, str(person.id), known, counted, at, self._share)

    def number_for(self, session: Session, person: Person, at: datetime) -> str | None:
        """The number for a message that `held` lets go; None: the carrier's only one."""
        rules = load_whatsapp()
        last = whatsapp_sends.last_inbound(session, person, at - timedelta(hours=rules.window.hours), at)
        return self.choose(session, person, at, allowed_form(at, last, rules) is Form.FREE_TEXT).sender

    def pool(self, session: Session, at: datetime, *, counting: bool = True) -> tuple[PoolNumber, ...]:
        """Every number as it stands: what the settings say, what Meta told of it, and how much of it is used."""
        held = platforms.senders(session, PROVIDER)
        tiers = counting and any(number.tier is not None for number in self._numbers)
        used = self._used(session, at) if tiers else {}
        numbers = []
        for number in self._numbers:
            told = [held[name] for name in (number.id, number.number.lstrip("+")) if name in held]
            red = any(one.quality == Quality.RED for one in told)
            newest = max(told, key=lambda one: one.at, default=None)
            numbers.append(
                PoolNumber(
                    sender=number.id,
                    tier=number.tier if counting else None,
                    used=len(used.get(number.id, ())),
                    quality=Quality.RED if red else Quality(newest.quality) if newest else Quality.UNKNOWN,
                    rested_until=max((one.rested_until for one in told if one.rested_until), default=None),
                )
            )
        return tuple(numbers)

    def _used(self, session: Session, at: datetime) -> dict[str, frozenset[str]]:
        rules = load_whatsapp()
        window, period = timedelta(hours=rules.window.hours), timedelta(hours=rules.tier.hours)
        return whatsapp_sends.people_by_sender(session, at, period, window)

    def _no_number(self, session: Session, at: datetime, choice: Choice) -> Held:
        rules = load_whatsapp()
        if choice.full:
            return Held(at + timedelta(minutes=30), rules.tier.reason)
        ends = rest_ends(self.pool(session, at, counting=False), at)
        return Held(min(ends or at + _ASK_AGAIN, at + _ASK_AGAIN), rules.senders.reason)
