"""WhatsApp's own terms: the window for free text, opt-in, limits of a portfolio, quality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.contact import Actor, Reason
from domain.platform_rules.model import WhatsAppRules


class Form(StrEnum):
    FREE_TEXT = "free_text"
    TEMPLATE = "template"


class Category(StrEnum):
    """What a template was approved as. Any promotion makes it marketing."""

    UTILITY = "utility"
    AUTHENTICATION = "authentication"
    MARKETING = "marketing"


class Quality(StrEnum):
    """How a template or number stands; a paused or disabled one is not sent."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    PAUSED = "paused"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


class WhatsAppSend(BaseModel):
    """A wish to write to one person. `last_inbound` is their last message or call to us on WhatsApp.

    `opted_in` is None where no opt-in is on record. `category` and `quality` are those of the template.
    """

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    form: Form
    country: str
    actor: Actor = Actor.CREDITOR
    acknowledged: bool = False
    opted_in: bool | None = None
    last_inbound: AwareDatetime | None = None
    category: Category = Category.UTILITY
    quality: Quality = Quality.UNKNOWN


class Sent(BaseModel):
    """One message that left outside the person's window; `person` is any stable key, never an address."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    person: str


def allowed_form(at: datetime, last_inbound: datetime | None, rules: WhatsAppRules) -> Form:
    """Free text until, but not at, the end of the window; the window is open from the message on."""
    if last_inbound is None or at < last_inbound:
        return Form.TEMPLATE
    inside = at - last_inbound < timedelta(hours=rules.window.hours)
    return Form.FREE_TEXT if inside else Form.TEMPLATE


def refusals(send: WhatsAppSend, rules: WhatsAppRules) -> tuple[Reason, ...]:
    """Everything in WhatsApp's terms that speaks against this message; empty: it may go, within the limits.

    Whoever writes to us on WhatsApp has opted in for the answer. Nothing on record counts as no.
    """
    against: list[Reason] = []
    if send.actor in rules.refused_actors:
        against.append(rules.agency.reason)
    if not send.acknowledged:
        against.append(rules.policy.reason)
    form = allowed_form(send.at, send.last_inbound, rules)
    if form is Form.TEMPLATE and send.form is Form.FREE_TEXT:
        against.append(rules.window.reason)
    if form is Form.TEMPLATE and not send.opted_in:
        against.append(rules.opt_in.reason)
    if send.form is Form.TEMPLATE:
        if send.quality in (Quality.PAUSED, Quality.DISABLED):
            against.append(rules.quality.reason)
        if send.category is Category.MARKETING and send.country in rules.marketing.countries:
            against.append(rules.marketing.reason)
    return tuple(against)


def tier_reached(
    sent: Iterable[Sent], person: str, at: datetime, tier: int | None, rules: WhatsAppRules
) -> Reason | None:
    """Why a message outside the person's window must wait at `at`: the portfolio's number of people is used up.

    `sent` are such messages of all numbers of the portfolio. A person who was written to in the moving window
    takes no further place. `tier` None: unlimited. Raises ValueError for a number that is no tier.
    """
    if tier not in rules.tier.tiers:
        known = ", ".join("unlimited" if each is None else str(each) for each in rules.tier.tiers)
        raise ValueError(f"{tier} is no tier of WhatsApp's: expected one of {known}")
    if tier is None:
        return None
    people = _people(sent, at, rules)
    return rules.tier.reason if person not in people and len(people) >= tier else None


def tier_room_at(sent: Iterable[Sent], at: datetime, tier: int | None, rules: WhatsAppRules) -> datetime:
    """The first moment from `at` on at which one more person may be written to."""
    if tier is None:
        return at
    last: dict[str, datetime] = {}
    for one in sent:
        if at - timedelta(hours=rules.tier.hours) < one.at <= at:
            last[one.person] = max(one.at, last.get(one.person, one.at))
    if len(last) < tier:
        return at
    leaving = sorted(last.values())
    return leaving[len(leaving) - tier] + timedelta(hours=rules.tier.hours)


def pair_not_before(sent_to_person: Sequence[datetime], at: datetime, rules: WhatsAppRules) -> datetime:
    """The first moment from `at` on at which one number may write to one person again.

    The burst is a bucket that fills by one message in `seconds`; in a moving hour there is a limit as well.
    """
    rule = rules.pair
    earlier = sorted(moment for moment in sent_to_person if moment <= at)
    refill = timedelta(seconds=rule.seconds)
    # The moment at which the bucket would be full again if nothing more were sent.
    full_at = earlier[0] if earlier else at
    for moment in earlier:
        full_at = max(full_at, moment) + refill
    earliest = max(at, full_at - rule.burst * refill + refill) if earlier else at
    hour = [moment for moment in earlier if moment > earliest - timedelta(hours=1)]
    if len(hour) >= rule.per_hour:
        earliest = max(earliest, hour[-rule.per_hour] + timedelta(hours=1))
    return earliest


def _people(sent: Iterable[Sent], at: datetime, rules: WhatsAppRules) -> set[str]:
    since = at - timedelta(hours=rules.tier.hours)
    return {one.person for one in sent if since < one.at <= at}
