"""Where the web app asks what may be offered, and agrees on it: the same for the API, for people and for borrowers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from config.personal_text import says_how_to_reach
from domain.access import Caller, PersonCaller, Role, ServiceCaller
from domain.agreements.model import AgreementKind, Via
from domain.agreements.offers import Offer, OfferRequest, Offers, agreeing, offers, request_of
from domain.agreements.terms import Authority
from domain.events.control import CaseDecision
from domain.loan_state import LoanState
from records import agreements, cases, offer_log
from records.database import Database
from records.tables import Loan
from web.ports import LoanNotRunning, LoanOrders, OrderRefused
from workflows.messages import Answer

_Answer = TypeVar("_Answer")
BORROWER = "borrower"
PERSONAL_NOTE = "a note holds no telephone number, e-mail address, account or identity number: say it without"


@dataclass(frozen=True)
class By:
    """Who acts, as the loan and the audit trail name them, and what they may agree on alone."""

    actor: str
    authority: Authority


PAGE_VISITOR = By(BORROWER, Authority.MACHINE)
"""A borrower alone with a page gets what the machine may agree on."""


def acting(caller: Caller) -> By:
    """Authority comes from who has signed in, never from what they say: a service acts as the machine."""
    match caller:
        case PersonCaller(role=Role.SUPERVISOR):
            return By(caller.actor, Authority.SUPERVISOR)
        case PersonCaller(role=Role.AGENT):
            return By(caller.actor, Authority.AGENT)
        case ServiceCaller():
            return By(caller.actor, Authority.MACHINE)
    raise PermissionError("whoever this is agrees on nothing")


@dataclass(frozen=True)
class Said:
    """The borrower's yes: its words and the message, call or page they came by. At least one is given."""

    words: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class Chosen:
    """An offer as somebody names it; `payments`, where given, are those that they saw."""

    kind: AgreementKind
    option: str
    percent: int | None = None
    payments: tuple[tuple[date, int], ...] | None = None

    def among(self, found: Offers) -> Offer:
        """The offer. Raises OrderRefused where it is not (or no longer) made."""
        for offer in found.offers:
            if (offer.kind, offer.option) != (self.kind, self.option) or self.percent not in (None, offer.percent):
                continue
            seen = tuple((payment.due, payment.amount_minor) for payment in offer.payments)
            if self.payments in (None, seen):
                return offer
        why = next((line for line in found.left_out if line.startswith(f"{self.kind} {self.option}:")), None)
        why = why or next((line for line in found.left_out if line.startswith(f"{self.kind}:")), None)
        raise OrderRefused(why or f"no such {self.kind} is offered")


@dataclass(frozen=True)
class Asked:
    """A loan as it stands at `at`, and what may be offered."""

    state: LoanState
    at: datetime
    request: OfferRequest
    found: Offers


async def noted(
    database: Database,
    case_id: str,
    note: str,
    by: str,
    order: Callable[[], Awaitable[_Answer]],
    *,
    refused: type[Exception],
    not_running: type[Exception],
) -> _Answer:
    """The answer to a decision, whose note the records keep.

    `refused`: the error of a loan that takes no such decision, or no second one: the note that waited before this one
    stands again. Where none did this one waits on, since another press of the same button may have been accepted; the
    next who decides replaces it. `not_running`: the error where nobody hears it.
    """

    def keep(*, accepted: bool) -> cases.WaitingNote | None:
        with database.writing() as session:
            return cases.keep_note(session, case_id, note, by=by, accepted=accepted)

    def put_back(before: cases.WaitingNote) -> None:
        with database.writing() as session:
            cases.put_back_note(session, case_id, note, by=by, before=before)

    def drop() -> None:
        with database.writing() as session:
            cases.drop_note(session, case_id, by=by)

    before = await asyncio.to_thread(keep, accepted=False)
    try:
        answer = await order()
    except refused:
        if before is not None:
            await asyncio.to_thread(put_back, before)
        raise
    except not_running:
        await asyncio.to_thread(drop)
        raise
    await asyncio.to_thread(keep, accepted=True)
    return answer


class AgreementDesk:
    """`now` is our own clock; a loan whose clock is ahead of it, as in a rehearsal, is asked at its own time.

    Methods raise OrderRefused, LoanNotRunning and TemporalUnavailable.
    """

    def __init__(self, database: Database, orders: LoanOrders, now: Callable[[], datetime]) -> None:
        self._database, self._orders, self._now = database, orders, now

    async def ask(
        self, loan: Loan, by: By, bearable_minor: int | None = None, *, by_another_site: bool = False
    ) -> Asked:
        """What may be offered. Request and answer are kept, once for the same request of the same asker.

        `by_another_site`: its page led the asker's browser here. It says nothing in their name: what it says the
        borrower can bear is not heard, and nothing is kept.
        """
        if by_another_site:
            bearable_minor = None
        view = await self._orders.view(loan.lender, loan.loan_id)
        at = max(self._now(), view.at)

        def engine() -> Asked:
            can_bear = bearable_minor
            if can_bear is None:
                with self._database.reading() as session:
                    can_bear = offer_log.bearable(session, loan, view.state.facts.local_date(at))
            request = request_of(view.state, at, by.authority, can_bear)
            found = offers(request, view.state.strategy)
            if by_another_site:
                return Asked(view.state, at, request, found)
            with self._database.writing() as session:
                if not offer_log.is_last(session, loan, request, by.actor):
                    offer_log.keep(session, loan, request, found, actor=by.actor, at=self._now())
            return Asked(view.state, at, request, found)

        return await asyncio.to_thread(engine)

    async def agree(
        self,
        loan: Loan,
        by: By,
        chosen: Chosen,
        *,
        via: Via,
        said: Said | None = None,
        bearable_minor: int | None = None,
        update_id: str | None = None,
    ) -> Answer:
        """Agree on an offer; without `said` it waits for the borrower's yes."""
        asked = await self.ask(loan, by, bearable_minor)
        offer = chosen.among(asked.found)
        event = agreeing(offer, by=by.actor, role=by.authority, via=via, holidays=asked.request.holidays).model_dump(
            mode="json", exclude_none=True
        )
        return await self._order(loan, chosen.kind.value, event, said, update_id)

    async def agree_once(
        self,
        loan: Loan,
        by: By,
        chosen: Chosen,
        update_id: str | None,
        *,
        via: Via,
        said: Said | None = None,
        bearable_minor: int | None = None,
    ) -> Answer:
        """As `agree`; what was agreed on under this id before, or is at this very moment, is answered as it was then.

        While an agreement is in force nothing is offered: so the answer is looked for before the offers are, and again
        where they are refused.
        """
        if update_id is None:
            return await self.agree(loan, by, chosen, via=via, said=said, bearable_minor=bearable_minor)
        known = await self._orders.answered(loan.lender, loan.loan_id, update_id)
        if known is not None:
            return known
        try:
            return await self.agree(
                loan, by, chosen, via=via, said=said, bearable_minor=bearable_minor, update_id=update_id
            )
        except OrderRefused:
            known = await self._orders.answered(loan.lender, loan.loan_id, update_id)
            if known is None:
                raise
            return known

    async def promise(
        self,
        loan: Loan,
        by: By,
        amount_minor: int,
        day: date,
        *,
        via: Via,
        said: Said | None = None,
        update_id: str | None = None,
    ) -> Answer:
        event = {"amount_minor": amount_minor, "date": day.isoformat(), "by": by.actor, "via": via.value}
        return await self._order(loan, "promise", event, said, update_id)

    async def approve(self, loan: Loan, by: By, number: int) -> Answer:
        order = {"number": number, "by": by.actor, "role": by.authority.value}
        return await self._orders.order(loan.lender, loan.loan_id, "approve_offer", order)

    async def accept(
        self, loan: Loan, by: By, number: int, *, via: Via, said: Said, update_id: str | None = None
    ) -> Answer:
        order = {"number": number, "by": by.actor, "via": via.value}
        return await self._order(loan, "accept_offer", order, said, update_id)

    async def move(
        self,
        loan: Loan,
        by: By,
        number: int,
        to: date,
        *,
        said: Said | None = None,
        update_id: str | None = None,
    ) -> Answer:
        """Move the next due date. What the borrower `said` is kept in the records; the new document shows both."""
        order: dict[str, Any] = {"number": number, "to": to.isoformat(), "by": by.actor}
        if said is not None:
            order |= {"evidence": await asyncio.to_thread(self._evidence, loan, said)}
        if update_id is not None:
            return await self._orders.order(loan.lender, loan.loan_id, "move_due_date", order, update_id)
        return await self._orders.order(loan.lender, loan.loan_id, "move_due_date", order)

    async def decide(self, loan: Loan, by: By, case_id: str, decision: CaseDecision, note: str) -> Answer:
        """The note stays in the records, sealed: the loan hears of the decision alone."""
        if says_how_to_reach(note):
            raise OrderRefused(PERSONAL_NOTE)
        order = {"case_id": case_id, "decision": decision.value, "by": by.actor}
        return await noted(
            self._database,
            case_id,
            note,
            by.actor,
            lambda: self._orders.order(loan.lender, loan.loan_id, "decide", order),
            refused=OrderRefused,
            not_running=LoanNotRunning,
        )

    async def cancel(self, loan: Loan, by: By, number: int) -> Answer:
        order = {"number": number, "by": by.actor}
        return await self._orders.order(loan.lender, loan.loan_id, "cancel_agreement", order)

    async def _order(
        self, loan: Loan, update: str, order: dict[str, Any], said: Said | None, update_id: str | None
    ) -> Answer:
        if said is not None:
            order = order | {"evidence": await asyncio.to_thread(self._evidence, loan, said)}
        return await self._orders.order(loan.lender, loan.loan_id, update, order, update_id)

    def _evidence(self, loan: Loan, said: Said) -> dict[str, Any]:
        """The words go into the records, sealed, before the loan hears of them."""
        at = self._now()
        told: dict[str, Any] = {"at": at.isoformat()}
        if said.message_id is not None:
            told["message_id"] = said.message_id
        if said.words is not None:
            with self._database.writing() as session:
                kept = agreements.keep_words(session, loan, said.words, at=at, message_id=said.message_id)
                told["text_sha256"] = kept.sha256
        return told
