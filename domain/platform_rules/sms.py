"""Text messages: who may appear as the sender, and what carriers do not take."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from domain.contact import Actor, Channel, Reason
from domain.platform_rules.model import CategoryRule, SmsRules

_NUMBER = re.compile(r"\+?[0-9][0-9 ()-]*")


def is_name(sender: str) -> bool:
    """Whether a sender is a name rather than a number."""
    return _NUMBER.fullmatch(sender.strip()) is None


def sender_refusal(
    sender: str | None, registered: Iterable[str], country: str, day: date, rules: SmsRules
) -> Reason | None:
    """Why text messages to `country` cannot leave under `sender` on `day` (there); None when they can.

    Registration is letter by letter: CREDIALBA is not Credialba. `sender` None: it is not known which name a
    messaging service picks; then at least one name must be registered there.
    """
    rule = next((one for one in rules.senders if one.country == country and day >= one.since), None)
    if rule is None:
        return None
    names = frozenset(registered)
    if sender is None:
        return None if names else rule.reason
    return rule.reason if is_name(sender) and sender not in names else None


def one_way_warning(sender: str | None, rules: SmsRules) -> Reason | None:
    """That nobody can answer STOP to a name."""
    return rules.one_way.reason if sender is not None and is_name(sender) else None


def category_warnings(
    countries: Iterable[str], actor: Actor, channels: Iterable[Channel], carrier: str, rules: SmsRules
) -> tuple[CategoryRule, ...]:
    """What the carrier does not take of this sender in these countries, in the order of the data."""
    where, by = frozenset(countries), frozenset(channels)
    return tuple(
        rule
        for rule in rules.categories
        if rule.carrier == carrier and rule.channel in by and actor in rule.binds and rule.countries & where
    )
