"""Promises, plans, settlements and new schedules: agreed on, offered, moved, called off."""

from __future__ import annotations

import operator

from pydantic import Field

from domain.agreements.model import AgreementKind, Evidence, Via
from domain.agreements.terms import Authority, Name
from domain.events.values import Amount, Day, Event, Reference, Warrant


class PromiseMade(Event):
    """The borrower promised `amount_minor` by the end of `date`. `by` is who took it down: an agent's id, or a service.

    `currency` may be left out; when given it must be the loan's.
    """

    amount_minor: Amount
    date: Day
    by: Reference
    via: Via
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    evidence: Evidence | None = None
    warrant: Warrant | None = None


HOLIDAYS_TOLD = 120
"""More than the working days that are holidays in five years."""


class AgreedPayment(Event):
    due: Day
    amount_minor: Amount


class TermsAgreed(Event):
    """Terms of the strategy's catalogue, as `option` of it and as the offer engine gave the payments.

    `role` is what `by` may agree on alone. With `evidence` the borrower has said yes; without it this is an offer.
    `holidays`: days on which no payment is put should the dates move on later.
    """

    option: Name
    payments: tuple[AgreedPayment, ...] = Field(min_length=1, max_length=60)
    by: Reference
    role: Authority
    via: Via
    evidence: Evidence | None = None
    holidays: tuple[Day, ...] = Field((), max_length=HOLIDAYS_TOLD, exclude_if=operator.not_)
    warrant: Warrant | None = None


class PlanAgreed(TermsAgreed):
    """The debt in instalments."""


class SettlementAgreed(TermsAgreed):
    """Less than the debt, and the rest is forgiven when all of it has come."""


class RestructuringAgreed(TermsAgreed):
    """A new schedule in the place of the old one."""


class MadeOffer(Event):
    """An offer of the engine that the machine may make: of which kind, and the order that agrees on it."""

    kind: AgreementKind
    terms: TermsAgreed


class OffersMade(Event):
    """What the offer engine has for a borrower who asked: the answer to question `number`, best first."""

    number: int
    offers: tuple[MadeOffer, ...] = ()


class OfferApproved(Event):
    """`by`, who is another than proposed it, approves offer `number`."""

    number: int = Field(ge=1, le=1000, strict=True)
    by: Reference
    role: Authority
    warrant: Warrant | None = None


class OfferAccepted(Event):
    """The borrower says yes to offer `number`."""

    number: int = Field(ge=1, le=1000, strict=True)
    by: Reference
    via: Via
    evidence: Evidence
    warrant: Warrant | None = None


class DueDateMoved(Event):
    """The next unpaid due date of agreement `number` moves to `to`. `evidence`: how the borrower said yes to it."""

    number: int = Field(ge=1, le=1000, strict=True)
    to: Day
    by: Reference
    evidence: Evidence | None = None
    warrant: Warrant | None = None


class AgreementCancelled(Event):
    """A person calls off agreement `number`, or an offer that waits for its answer."""

    number: int = Field(ge=1, le=1000, strict=True)
    by: Reference
    warrant: Warrant | None = None
