"""How borrowers behave: pure rules over the odds, no service, no log, no wall clock.

A late debt is paid when its accumulated hazard reaches a threshold drawn once for it (a unit exponential).
Hazard accrues only on days when the account holds what is owed, more in the days after pay. A message that
is read adds a lump of hazard at the moment of the reaction: it can bring a payment forward, never delay it,
and the same world without the message is the exact counterfactual.
"""

import math
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from .account import Account, draw_income
from .chance import stream, unit
from .clock import DAY, HOUR, MINUTE, Moment, at_local, local
from .odds import Odds

HORIZON_DAYS = 240


@dataclass(frozen=True)
class Borrower:
    """What is true of a person for as long as the world stands."""

    key: str
    zone: str
    late_propensity: float
    kind_draw: float
    hard_core: bool
    phone: str  # "mobile", "dead" or "landline"
    wrong_number: bool
    mailbox_dead: bool
    consent_given: bool
    consent_ends_in_days: int
    account: Account


@dataclass
class Jump:
    """A reaction to a message: at this moment, this much more of a month's hazard."""

    at: Moment
    excess: float
    link_id: str | None


@dataclass
class Debt:
    """What one loan's borrower has in mind about it. Amount outstanding in minor units."""

    loan_id: str
    outstanding: int
    due: str  # ISO date
    since: Moment  # hazard accrues from here
    kind: str = "on_time"  # "on_time", "fast", "slow", "stuck", "never"
    on_time_at: Moment | None = None
    spell: int = 0
    failed: bool = False  # the latest attempt to pay did
    jumps: list[Jump] = field(default_factory=list)
    messages: int = 0
    late_messages: int = 0  # that arrived after the due date: one episode
    links_read: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Intent:
    """A payment to come: when, and the link whose message moved the person, if one did."""

    at: Moment
    moved_by_link: str | None = None
    moved: bool = False


def draw_borrower(
    odds: Odds, seed: int, key: str, country: str, currency: str, amount_minor: int, as_of: Moment, zone: str
) -> Borrower:
    rng = stream(seed, key, "traits")
    propensity = rng.betavariate(odds.number("person.late_propensity_a"), odds.number("person.late_propensity_b"))
    phone_draw = rng.random()
    dead = odds.number("reach.sms_dead")
    landline = dead + odds.number("reach.sms_landline")
    phone = "dead" if phone_draw < dead else "landline" if phone_draw < landline else "mobile"
    kind_draw = rng.random()
    hard_core = rng.random() < odds.number("late.hard_core_of_stuck")
    wrong = rng.random() < odds.number("reach.wrong_number")
    mailbox_dead = rng.random() >= odds.number("reach.email_delivered")
    consent = rng.random() < odds.number("consent.given_before")
    expires_soon = rng.random() < odds.number("consent.expires_within_90d")
    valid = int(odds.number("consent.valid_days"))
    ends = rng.randint(3, 90) if expires_soon else rng.randint(91, max(92, valid))
    income = draw_income(odds, seed, key, country, currency, amount_minor)
    account = Account(odds, seed, key, country, income, local(as_of, zone).date(), zone)
    return Borrower(key, zone, propensity, kind_draw, hard_core, phone, wrong, mailbox_dead, consent, ends, account)


@lru_cache(maxsize=16)
def _hours(weights: tuple[float, ...]) -> tuple[tuple[float, ...], float]:
    total = sum(weights)
    reached, running = [], 0.0
    for weight in weights:
        running += weight / total
        reached.append(running)
    return tuple(reached), max(weights)


class Mind:
    """Decides for borrowers under one set of odds and one seed."""

    def __init__(self, odds: Odds, seed: int) -> None:
        self.odds, self.seed = odds, seed
        n = odds.number
        self._weights = tuple(odds.numbers("pay.hour_weights"))
        self._fast = -math.log(1 - n("late.hazard_fast_daily"))
        self._slow = -math.log(1 - n("late.hazard_slow_daily")) / n("late.mean_weight_slow")
        self._buckets = [-math.log(1 - n(f"late.cure_month_{b}")) / 30 / n("late.mean_weight_30") for b in (30, 60, 90)]
        self._pay_factor, self._pay_days = n("late.payday_factor"), int(n("late.payday_days"))
        self._timing = n("text.timing_share")
        self._horizon, self._cap = int(n("text.horizon_days")), n("text.horizon_cap")

    def hour_of_day(self, *key: str | int) -> float:
        """An hour as people pay bills, 0-24 by the person's own clock."""
        reached, _ = _hours(self._weights)
        draw = unit(self.seed, *key)
        hour = next((i for i, r in enumerate(reached) if draw < r), 23)
        return hour + unit(self.seed, *key, "minute")

    def enrol(self, who: Borrower, debt: Debt, as_of: Moment, grade: str | None = None) -> None:
        """Settles what kind of lateness awaits a debt that is unpaid at `as_of`."""
        today = local(as_of, who.zone).toordinal()
        due = date.fromisoformat(debt.due).toordinal()
        factor = self.odds.table("person.grade_late_factor").get(grade or "", 1.0)
        late_draw = unit(self.seed, debt.loan_id, "late")
        debt.since = as_of
        if today <= due and late_draw >= min(0.95, who.late_propensity * factor):
            debt.on_time_at = self._on_time(who, debt, as_of, today, due)
            if debt.on_time_at is not None:
                return
            debt.kind = "fast"  # willing, and without the money until after the due date
        else:
            debt.kind = self._kind(who, max(0, today - due))
        debt.since = max(as_of, at_local(date.fromordinal(due + 1), 0, who.zone))

    def _kind(self, who: Borrower, days_late: int) -> str:
        """Which kind of lateness, given that so many days have passed unpaid."""
        kinds = self.odds.table("late.kinds")
        survived = min(days_late, 29)
        weights = {
            "fast": kinds["fast"] * math.exp(-self._fast * survived),
            "slow": kinds["slow"] * math.exp(-self._slow * survived),
            "stuck": kinds["stuck"],
        }
        draw = who.kind_draw * sum(weights.values())
        kind = "stuck"
        for name, weight in weights.items():
            if draw < weight:
                kind = name
                break
            draw -= weight
        return "never" if kind == "stuck" and who.hard_core else kind

    def _on_time(self, who: Borrower, debt: Debt, as_of: Moment, today: int, due: int) -> Moment | None:
        """When someone who is not late pays; None if there is no money on any day up to the due date."""
        rng = stream(self.seed, debt.loan_id, "early")
        early = 0
        if rng.random() >= self.odds.number("pay.on_due_day"):
            early = 1 + int(rng.gammavariate(2, self.odds.number("pay.early_days_mean") / 2))
        early %= due - today + 1
        wished = due - early
        for day in [*range(wished, due + 1), *range(wished - 1, today - 1, -1)]:
            moment = at_local(date.fromordinal(day), self.hour_of_day(debt.loan_id, "hour", day), who.zone)
            if moment <= as_of:
                moment = as_of + HOUR
            if who.account.at(moment) >= debt.outstanding:
                return moment
        return None

    def hazard(self, who: Borrower, debt: Debt, due: int, day: int) -> float:
        """Of the local day: nothing without the money, more in the days after pay."""
        if debt.kind == "never" or who.account.noon(day) < debt.outstanding:
            return 0.0
        late = day - due
        if late < 1:
            return 0.0
        after_pay = who.account.days_since_pay(day) < self._pay_days
        if late < 30:
            if debt.kind == "fast":
                return self._fast
            return self._slow * (self._pay_factor if after_pay else 1.0) if debt.kind == "slow" else 0.0
        month = self._buckets[min(2, late // 30 - 1)]
        return month * (self._pay_factor if after_pay else 1.0)

    def _lump(self, who: Borrower, debt: Debt, due: int, day: int, timed: bool) -> float:
        """A month's hazard as a message finds it: in part by the money there at this moment."""
        ahead = sum(self.hazard(who, debt, due, d) for d in range(day, day + self._horizon))
        steady = (1 - self._timing) * min(self._cap, ahead)
        if not timed:
            return steady
        return steady + self._timing * min(self._cap, self._horizon * self.hazard(who, debt, due, day))

    def next_payment(self, who: Borrower, debt: Debt, not_before: Moment) -> Intent | None:
        """The payment this debt is heading for as things stand; None within the horizon."""
        if debt.outstanding <= 0 or debt.kind == "never":
            return None
        if debt.kind == "on_time":
            return Intent(max(debt.on_time_at, not_before + MINUTE)) if debt.on_time_at else None
        due = date.fromisoformat(debt.due).toordinal()
        start = local(debt.since, who.zone)
        first = start.toordinal()
        threshold = -math.log(1 - unit(self.seed, debt.loan_id, "threshold", debt.spell))
        if debt.spell:
            threshold *= self.odds.number("pay.rest_threshold")
        jumps: dict[int, list[Jump]] = {}
        for jump in sorted(debt.jumps, key=lambda j: j.at):
            jumps.setdefault(local(jump.at, who.zone).toordinal(), []).append(jump)
        reached, waiting = 0.0, 0.0
        for day in range(first, first + HORIZON_DAYS):
            for jump in jumps.get(day, ()):
                if jump.at < debt.since:
                    continue
                if who.account.at(jump.at) < debt.outstanding:
                    waiting += jump.excess
                    continue
                reached += jump.excess * self._lump(who, debt, due, day, timed=True)
                at = max(jump.at, not_before + MINUTE)
                if reached >= threshold and who.account.at(at) >= debt.outstanding:
                    return Intent(at, jump.link_id, moved=True)
            today = self.hazard(who, debt, due, day)
            if today and waiting:
                reached += waiting * self._lump(who, debt, due, day, timed=False)
                waiting = 0.0
            if day == first:
                today *= 1 - (start.hour + start.minute / 60) / 24
            reached += today
            if reached >= threshold:
                moment = self._moment(who, debt, day, max(not_before, debt.since))
                if moment is not None:
                    return Intent(moment)
        return None

    def _moment(self, who: Borrower, debt: Debt, day: int, after: Moment) -> Moment | None:
        """An hour of the local day at which the money is there; None if there is none left in it."""
        midnight = at_local(date.fromordinal(day), 0, who.zone)
        for n in range(3):
            moment = midnight + HOUR * self.hour_of_day(debt.loan_id, "hour", day, n)
            if moment > after and who.account.at(moment) >= debt.outstanding:
                return moment
        left = midnight + DAY - max(after, midnight)
        moment = max(after, midnight) + left * unit(self.seed, debt.loan_id, "rest", day)
        if after < moment < midnight + DAY and who.account.at(moment) >= debt.outstanding:
            return moment
        return None

    def reacts_at(self, debt: Debt, delivered: Moment, zone: str) -> Moment:
        """When a reader acts on a message: hours later, at an hour people pay at."""
        rng = stream(self.seed, debt.loan_id, "delay", debt.messages)
        _, highest = _hours(self._weights)
        moment = delivered
        for _ in range(6):
            hours = math.exp(
                rng.gauss(
                    math.log(self.odds.number("text.delay_hours_median")),
                    self.odds.number("text.delay_hours_sigma"),
                )
            )
            moment = delivered + HOUR * min(hours, 14 * 24)
            if rng.random() < self._weights[local(moment, zone).hour] / highest:
                break
        return moment

    def hear(self, who: Borrower, debt: Debt, delivered: Moment, channel: str, link_id: str | None) -> None:
        """A message has arrived with the person: it may be read, and may move them."""
        debt.messages += 1
        n = self.odds.number
        due_ends = at_local(date.fromordinal(date.fromisoformat(debt.due).toordinal() + 1), 0, who.zone)
        before = debt.late_messages
        if delivered >= due_ends:
            debt.late_messages += 1
        shares = {"sms": n("reach.sms_read"), "whatsapp": n("reach.wa_read"), "call": 1.0}
        share = shares.get(channel, n("reach.email_open"))
        if debt.outstanding <= 0 or unit(self.seed, debt.loan_id, "read", debt.messages) >= share:
            return
        brings_link = link_id is not None and link_id not in debt.links_read
        if link_id is not None and brings_link:
            debt.links_read.append(link_id)
        if debt.kind == "on_time":
            return
        reacts = self.reacts_at(debt, delivered, who.zone)
        reach = n("reach.sms_delivered") * n("reach.sms_read")
        if delivered < due_ends:
            converts = (1 - 1 / n("text.hr_predue")) / reach
            if (
                debt.kind == "fast"
                and reacts < due_ends
                and unit(self.seed, debt.loan_id, "predue", debt.messages) < converts
                and who.account.at(reacts) >= debt.outstanding
            ):
                debt.kind, debt.on_time_at = "on_time", reacts
            return
        if before == 0:
            factor = 1.0
        elif not brings_link:
            factor = n("text.plain_repeat")
        else:
            factor = n("text.repeat_decay") ** before if before < n("text.episode_max") else 0.0
        factors = {"sms": 1.0, "whatsapp": n("text.wa_factor"), "call": n("call.factor")}
        factor *= factors.get(channel, n("text.email_factor"))
        excess = (n("text.hr_late") - 1) / reach * factor
        if excess > 0:
            debt.jumps.append(Jump(reacts, excess, link_id))

    def paid_part(self, debt: Debt, at: Moment) -> None:
        """After a part payment or a failed one the person starts over with what is left."""
        debt.spell += 1
        debt.since = at
        debt.jumps = [j for j in debt.jumps if j.at > at]
        if debt.kind == "on_time":
            debt.kind = "fast"

    def without_money(self, debt: Debt, at: Moment) -> None:
        """The person meant to pay and could not: the money went elsewhere since. They wait for more."""
        if debt.kind == "on_time":
            debt.kind, debt.since = "fast", at
