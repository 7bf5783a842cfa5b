"""What a borrower's page reads back and keeps as their yes: a promise, an offer, another day for the next payment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from babel import Locale
from babel.numbers import NumberFormatError, get_currency_name, get_currency_symbol, parse_decimal
from pydantic import BaseModel, ConfigDict

from config.lender_settings import Lender
from config.localised import format_date_long, format_money
from domain.agreements.judging import left_of, next_unpaid
from domain.agreements.limits import terms_of
from domain.agreements.model import Agreement, AgreementKind, Via
from domain.agreements.moving import movable, to_refused
from domain.agreements.promise import promise_refused
from domain.events.agreements import PromiseMade
from domain.money import Money, minor_units, parse_major
from domain.replies.text import plain
from records.tables import Loan
from web.agreement_desk import PAGE_VISITOR, Asked, Said


class ReadBack(BaseModel):
    """What was read back to a borrower and waits for their yes; it comes back signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    kind: AgreementKind
    payments: tuple[tuple[date, int], ...]
    option: str | None = None
    percent: int | None = None
    less_minor: int | None = None
    more_minor: int | None = None
    """What a settlement forgives, and what a new schedule adds as interest."""
    moves: int | None = None
    """The agreement whose next payment moves to the day of the only payment here; its number and old day are told."""
    moved_from: date | None = None


@dataclass(frozen=True)
class Visit:
    """Whose page it is, and how it is written."""

    subject: str
    loan: Loan
    language: str
    locale: Locale
    words: dict[str, str]
    lender: Lender

    def money(self, minor: int) -> str:
        return format_money(Money(amount_minor=minor, currency=self.loan.currency), self.locale)

    def day(self, day: date) -> str:
        return format_date_long(day, self.locale)


def statement(visit: Visit, read: ReadBack) -> list[str]:
    """What the borrower says yes to, line by line: shown on the page, and kept as their words."""
    words = visit.words
    about = {"loan_id": visit.loan.loan_id, "lender": visit.lender.name}
    if read.moves is not None:
        ((due, amount),) = read.payments
        assert read.moved_from is not None
        moved = {"amount": visit.money(amount), "day": visit.day(read.moved_from), "to": visit.day(due)}
        return [words["i_move"].format(**about, **moved)]
    pays = [words["i_pay"].format(amount=visit.money(amount), day=visit.day(due)) for due, amount in read.payments]
    if read.kind is AgreementKind.PROMISE:
        ((due, amount),) = read.payments
        return [words["i_promise"].format(amount=visit.money(amount), day=visit.day(due), **about)]
    total, less, more = sum(amount for _, amount in read.payments), read.less_minor or 0, read.more_minor or 0
    kind = words[read.kind.value].lower()
    lines = [words["i_accept"].format(kind=kind, total=visit.money(total), **about), *pays]
    if more > 0:
        lines.append(words["i_interest"].format(more=visit.money(more)))
    if less > 0:
        lines.append(words["i_forgiven"].format(less=visit.money(less), due=visit.money(total + less)))
    return [*lines, words["i_otherwise"]]


def rests_on(asked: Asked, said: Said) -> Agreement | None:
    """The agreement that this very yes was given to, or to another day of it, whatever has become of it since."""
    for agreement in asked.state.agreements:
        given = (agreement.evidence, agreement.move_evidence)
        if any(each is not None and each.message_id == said.message_id for each in given):
            return agreement
    return None


def has_moved(asked: Asked, read: ReadBack) -> bool:
    """Whether the payment stands on the day it was to move to: pressed twice it counts once."""
    agreement = asked.state.agreement
    if read.moves is None or agreement is None or agreement.number != read.moves or not agreement.date_moved:
        return False
    return any(each.due == read.payments[0][0] and each.moved for each in agreement.instalments)


def promised(visit: Visit, asked: Asked, amount: str, day: str) -> tuple[date, int] | str:
    """The day and the minor units, or in words what is wrong with them."""
    state, words = asked.state, visit.words
    terms = state.strategy.promises
    last = asked.request.today + timedelta(days=terms.days_ahead)
    minor = _minor(visit, amount)
    if minor is None or minor <= 0:
        return words["no_amount"]
    try:
        on = date.fromisoformat(day.strip())
    except ValueError:
        return words["no_day"].format(visit.day(last))
    if not asked.request.today <= on <= last:
        return words["no_day"].format(visit.day(last))
    if minor > state.balance_minor:
        return words["too_much"]
    if minor < min(terms.least_minor, state.payable_minor):
        return words["too_little"].format(visit.money(terms.least_minor))
    promise = PromiseMade(amount_minor=minor, date=on, by=PAGE_VISITOR.actor, via=Via.PAGE)
    return words["refused"] if promise_refused(state, promise, asked.at) is not None else (on, minor)


def _minor(visit: Visit, text: str) -> int | None:
    """An amount as people of that place write it; it is read back before it counts."""
    currency = visit.loan.currency
    figure = "".join(_own_names(currency, str(visit.locale)).sub("", plain(text)).split())
    try:
        return minor_units(parse_decimal(figure, locale=visit.locale, strict=True), currency)
    except (NumberFormatError, ValueError):
        pass
    try:
        return parse_major(figure, currency)
    except ValueError:
        return None


_SIGNS_NOT_IN_CLDR = {"PYG": ("₲", "gs"), "BOB": ("bs",), "UYU": ("$u",)}


@lru_cache(maxsize=64)
def _own_names(currency: str, locale: str) -> re.Pattern[str]:
    """What people of a locale write around a figure of `currency`: its code, its signs and the words of its name.

    Another currency's are not among them: what names one is no amount of this loan.
    """
    spoken = locale.partition("_")[0]
    signs = {get_currency_symbol(currency, locale=each) for each in (locale, spoken, "en")} | {currency}
    names = {get_currency_name(currency, count=count, locale=locale) for count in (1, 2)}
    if re.search(r"\b(?:peso|dollar)s?\b", get_currency_name(currency, locale="en"), re.IGNORECASE):
        signs.add("$")
    written = signs | {word for name in names for word in name.split()} | set(_SIGNS_NOT_IN_CLDR.get(currency, ()))
    known = "|".join(sorted((re.escape(plain(each).strip(". ")) for each in written), key=len, reverse=True))
    return re.compile(rf"^\s*(?:(?:{known})\.?\s*)+(?=\d)|(?<=\d)\s*(?:(?:{known})\.?\s*)+$")


def moved(visit: Visit, asked: Asked, day: str) -> ReadBack | str:
    """The next payment of what is in force on another day, or in words what is wrong with it."""
    found = movable(asked.state, asked.at)
    covered = None if isinstance(found, str) else next_unpaid(asked.state, found.agreement)
    if isinstance(found, str) or covered is None:
        return visit.words["changed"]
    try:
        to = date.fromisoformat(day.strip())
    except ValueError:
        return visit.words["no_day_move"].format(visit.day(found.first), visit.day(found.last))
    terms = terms_of(asked.state.strategy, found.agreement.kind)
    if terms is None or to_refused(found, to, terms.move_days) is not None:
        return visit.words["no_day_move"].format(visit.day(found.first), visit.day(found.last))
    return ReadBack(
        subject=visit.subject,
        kind=found.agreement.kind,
        payments=((to, left_of(asked.state, covered)),),
        moves=found.agreement.number,
        moved_from=found.instalment.due,
    )


def move_form(visit: Visit, asked: Asked) -> dict[str, str] | None:
    """Which payment may be moved, and between which days; None where none may."""
    found = movable(asked.state, asked.at)
    if isinstance(found, str):
        return None
    return {
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "until": visit.day(found.last),
        "day": visit.day(found.instalment.due),
    }


def promise_form(visit: Visit, asked: Asked) -> dict[str, str] | None:
    """What the form begins with; None where no promise would be taken."""
    state, today = asked.state, asked.request.today
    if not state.owes:
        return None
    whole = PromiseMade(amount_minor=state.payable_minor, date=today, by=PAGE_VISITOR.actor, via=Via.PAGE)
    if promise_refused(state, whole, asked.at) is not None:
        return None
    last = today + timedelta(days=state.strategy.promises.days_ahead)
    return {"first": today.isoformat(), "last": last.isoformat(), "until": visit.day(last)}
