"""A lender's own pack: rules beside the law's, so stricter by their nature, and refused where they read laxer.

A laxer rule would change nothing, since the law's binds as well; but whoever wrote it believes it does.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from domain.contact_rules.model import (
    AfterContactRule,
    BannedRule,
    CapRule,
    ChannelRule,
    ConsentRule,
    GapRule,
    HolidayRule,
    HoursRule,
    Period,
    Rule,
    Scope,
)
from domain.contact_rules.pack import CalendarChange, CalendarEffect, Pack, broken


class LenderPack(BaseModel):
    """What a lender adds to the pack of a country; ids begin with `<COUNTRY>.lender.`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: str = Field(pattern=r"^[A-Z]{2}$")
    version: str = Field(pattern=r"^[A-Za-z0-9.-]{1,40}$")
    hours: tuple[HoursRule, ...] = ()
    holidays: tuple[HolidayRule, ...] = ()
    caps: tuple[CapRule, ...] = ()
    gaps: tuple[GapRule, ...] = ()
    after_contact: tuple[AfterContactRule, ...] = ()
    authorised: tuple[ConsentRule, ...] = ()
    banned: tuple[BannedRule, ...] = ()
    calendar: tuple[CalendarChange, ...] = ()

    def added_to(self, pack: Pack) -> Pack:
        """The law's pack with these rules beside its own.

        Raises PydanticCustomError, with the rule at fault: laxer than a rule of the law, or an id of its own.
        """
        own: tuple[ChannelRule, ...] = (
            *self.hours,
            *self.holidays,
            *self.caps,
            *self.gaps,
            *self.after_contact,
            *self.authorised,
            *self.banned,
        )
        for name in (*(rule.id for rule in own), *(change.id for change in self.calendar)):
            if not name.startswith(f"{self.country}.lender."):
                raise broken(name, f"expected an id that begins with {self.country}.lender.")
        for change in self.calendar:
            if change.effect is not CalendarEffect.ADD:
                raise broken(change.id, "would be laxer than the calendar: expected the effect add")
        for rule in own:
            found = laxer_than(rule, pack)
            if found is not None:
                raise broken(rule.id, f"would be laxer than {found.id} ({found.source}: {found.text})")
        return Pack.model_validate(
            {
                **{name: getattr(pack, name) for name in Pack.model_fields},
                "version": f"{pack.version}+{self.version}",
                **{
                    name: (*getattr(pack, name), *getattr(self, name))
                    for name in LenderPack.model_fields
                    if name not in ("country", "version")
                },
            }
        )


def laxer_than(rule: ChannelRule, pack: Pack) -> Rule | None:
    """The pack's rule that `rule` seems to loosen; None: it tightens, or stands beside."""
    if isinstance(rule, HoursRule):
        return next((law for law in pack.hours if _meet(rule, law) and _wider(rule, law)), None)
    if isinstance(rule, CapRule):
        return next((law for law in pack.caps if _meet(rule, law) and _more(rule, law)), None)
    if isinstance(rule, GapRule):
        return next(
            (law for law in pack.gaps if _meet(rule, law) and rule.channels <= law.channels and rule.dates < law.dates),
            None,
        )
    if isinstance(rule, AfterContactRule):
        return next((law for law in pack.after_contact if _meet(rule, law) and _shorter(rule, law)), None)
    return None


def _meet(rule: ChannelRule, law: ChannelRule) -> bool:
    """Whether both can bind the same contact."""
    regions, others = set(rule.regions), set(law.regions)
    return (
        bool(rule.channels & law.channels)
        and bool(rule.binds & law.binds)
        and not law.only_with
        and (not regions or not others or bool(regions & others))
        and not (regions and regions <= set(law.except_regions))
        and (rule.valid_until is None or law.valid_from is None or rule.valid_until >= law.valid_from)
        and (law.valid_until is None or rule.valid_from is None or rule.valid_from <= law.valid_until)
    )


def _wider(rule: HoursRule, law: HoursRule) -> bool:
    if rule.open is None or not set(rule.days) & set(law.days):
        return False
    return law.open is None or rule.open.start < law.open.start or rule.open.end > law.open.end


def _more(rule: CapRule, law: CapRule) -> bool:
    """More than the law allows of contacts that the law counts as well, in no longer a period."""
    spans = {Period.DAY: 1}
    return (
        rule.channels <= law.channels
        and rule.counts <= law.counts
        and (law.scope is Scope.PERSON or rule.scope is law.scope)
        and (rule.each_channel or not law.each_channel)
        and spans.get(rule.per, 7) <= spans.get(law.per, 7)
        and rule.max > law.max
    )


def _shorter(rule: AfterContactRule, law: AfterContactRule) -> bool:
    if not (rule.trigger <= law.trigger and rule.channels <= law.channels):
        return False
    if rule.silent_dates and rule.silent_dates < law.silent_dates:
        return True
    return (
        rule.further_same_day is not None
        and law.further_same_day is not None
        and rule.further_same_day > law.further_same_day
    )
