"""Where a person's own words to a borrower are judged, kept and ordered: the same for pages and the command line."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from activities.own_words import Draft, Judged, WordsJudge, WordsRefused, until_for
from domain.ledger_entries import WordsState
from domain.loan_state import LoanState
from domain.own_words import LONGEST_WAIT, STANDS_FOR, WITHDRAWN
from records import audit, contacts, loans, own_words
from records.database import Database
from records.tables import Loan, OwnWords
from web.agreement_desk import By
from web.ports import LoanNotRunning, LoanOrders, OrderRefused

NOT_OUT_YET = frozenset({WordsState.WRITTEN, WordsState.WAITING})


@dataclass(frozen=True)
class Ordered:
    """The words are kept under `words_id` and the loan knows of them."""

    words_id: str
    detail: str


class WordsIdUsed(WordsRefused):
    """The id stands for other words already, or for these and another case; the text holds none of them.

    `unheard`: nobody knows yet whether the loan took those, so they may still go out.
    """

    def __init__(self, kept: OwnWords, by: By, draft: Draft, case_id: str | None) -> None:
        self.unheard = kept.state is WordsState.WRITTEN
        why = f"the id {kept.words_id} stands for other words already"
        if case_id not in (None, kept.case_id) and _same(kept, by, draft, None):
            why = (
                f"these words were written already under the id {kept.words_id}, and not for case {case_id}: settle "
                f"case {case_id} by `case decide`, or give a words_id of their own"
            )
        elif self.unheard:
            why += ", and they may still go out"
        super().__init__(why)


class WordsDesk:
    """`now` is our own clock; a loan whose clock is ahead of it, as in a rehearsal, is written to at its own time.

    Methods raise WordsRefused, OrderRefused, LoanNotRunning and TemporalUnavailable.
    """

    def __init__(
        self, database: Database, orders: LoanOrders, judge: Callable[[], WordsJudge], now: Callable[[], datetime]
    ) -> None:
        """`judge` is called at the first need: what it stands on is slow to read."""
        self._database, self._orders, self._now = database, orders, now
        self._make = judge
        self._made: WordsJudge | None = None

    @property
    def judge(self) -> WordsJudge:
        self._made = self._made or self._make()
        return self._made

    async def look(self, loan: Loan, draft: Draft) -> Judged:
        """How the words would go out now; nothing is kept."""
        state, at = await self._standing(loan)
        return await asyncio.to_thread(self._judged, loan, draft, at, state)

    async def send(
        self,
        loan: Loan,
        by: By,
        draft: Draft,
        words_id: str,
        *,
        case_id: str | None = None,
        until: datetime | None = None,
    ) -> Ordered:
        """Judge the words, keep them sealed, and tell the loan their id. Twice with one id is once.

        Words that are refused are not kept; those that the loan itself refuses are, with why. Raises WordsIdUsed for
        an id under which other words were sent.
        """
        if (known := await asyncio.to_thread(self._known, loan, by, draft, words_id, case_id)) is not None:
            return known
        state, at = await self._standing(loan)
        judged = await asyncio.to_thread(self._judged, loan, draft, at, state)
        ends = until or min(until_for(judged, at, STANDS_FOR), at + LONGEST_WAIT)
        if judged.not_before is not None and judged.not_before >= ends:
            raise WordsRefused(
                f"not before {judged.not_before:%Y-%m-%d %H:%M} UTC ({', '.join(judged.rules)}), "
                f"and that is later than until"
            )
        ends = await asyncio.to_thread(self._keep, loan, by, draft, judged, words_id, case_id, ends, at)
        order = {
            "words_id": words_id,
            "channel": judged.channel.value,
            "until": ends.isoformat(),
            "by": by.actor,
            "role": by.authority.value,
        }
        if case_id is not None:
            order["case_id"] = case_id
        try:
            answer = await self._orders.order(loan.lender, loan.loan_id, "write", order, f"words-{words_id}")
        except (OrderRefused, LoanNotRunning) as why:
            await asyncio.to_thread(self._refused, loan, words_id, str(why), at)
            raise
        return Ordered(words_id, answer.detail)

    async def withdraw(self, loan: Loan, by: By, words_id: str) -> Ordered:
        """Words that have not gone out are not sent. What leaves at this very moment is told as sent in the thread.

        Withdrawn twice is withdrawn once; so are words that were kept and never reached the loan.
        """
        kept = await asyncio.to_thread(self._kept, loan, words_id)
        if kept is None:
            raise WordsRefused(f"no words {words_id} to this borrower")
        if kept.state is WordsState.SENT:
            raise WordsRefused("these words were sent already")
        if kept.state is WordsState.NOT_SENT:
            return Ordered(words_id, f"these words were not sent ({kept.why})")
        order = {"words_id": words_id, "by": by.actor, "role": by.authority.value}
        try:
            answer = await self._orders.order(loan.lender, loan.loan_id, "withdraw_words", order)
        except LoanNotRunning:
            if kept.state is WordsState.WAITING:
                raise
            if not await asyncio.to_thread(self._refused, loan, words_id, WITHDRAWN, self._now()):
                raise
            await asyncio.to_thread(self._note_withdrawn, loan, by, words_id)
            return Ordered(words_id, f"words {words_id} are withdrawn")
        await asyncio.to_thread(self._note_withdrawn, loan, by, words_id)
        return Ordered(words_id, answer.detail)

    def waiting(self, loan: Loan) -> tuple[str, ...]:
        """The ids of the words that have not gone out yet, oldest first."""
        with self._database.reading() as session:
            every = own_words.of_loan(session, loan)
            return tuple(one.words_id for one in every if one.state in NOT_OUT_YET)

    async def _standing(self, loan: Loan) -> tuple[LoanState, datetime]:
        view = await self._orders.view(loan.lender, loan.loan_id)
        return view.state, max(self._now(), view.at)

    def _judged(self, loan: Loan, draft: Draft, at: datetime, state: LoanState) -> Judged:
        with self._database.reading() as session:
            current = loans.get(session, loan.lender, loan.loan_id)
            return self.judge.judge(session, current, draft, at, state.circumstance)

    def id_for(self, loan: Loan, by: By, draft: Draft) -> str:
        """The id of words that are given without one: the same to the same borrower by the same person are the same
        all day, so that whoever heard no answer can say it again; unless they were not sent."""
        first = words_id = _derived(loan, by, draft, self._now().date().isoformat())
        number = 1
        with self._database.reading() as session:
            while (kept := own_words.get(session, loan, words_id)) is not None and kept.state is WordsState.NOT_SENT:
                number += 1
                words_id = f"{first}-{number}"
        return words_id

    def id_of_form(self, loan: Loan, by: By, draft: Draft, words_id: str, case_id: str | None) -> str:
        """The id for words from a form of this id: another one, always the same, where the form's own stands for other
        words that were not sent."""
        kept = self._kept(loan, words_id)
        if kept is None or kept.state is not WordsState.NOT_SENT or _same(kept, by, draft, case_id):
            return words_id
        return _derived(loan, by, draft, words_id)

    def _known(self, loan: Loan, by: By, draft: Draft, words_id: str, case_id: str | None) -> Ordered | None:
        """What there is to say of words that the loan knows already. Raises WordsRefused for others, and for those not
        sent."""
        with self._database.reading() as session:
            kept = own_words.get(session, loan, words_id)
            if kept is None:
                return None
            if not _same(kept, by, draft, case_id):
                raise WordsIdUsed(kept, by, draft, case_id)
            if kept.state is WordsState.WRITTEN:
                return None
            if kept.state is WordsState.NOT_SENT:
                raise WordsRefused(f"these words were not sent ({kept.why}): write them anew")
            where = "were sent already" if kept.state is WordsState.SENT else "wait for their lawful moment already"
            return Ordered(words_id, f"these words {where}")

    def _kept(self, loan: Loan, words_id: str) -> OwnWords | None:
        with self._database.reading() as session:
            return own_words.get(session, loan, words_id)

    def _note_withdrawn(self, loan: Loan, by: By, words_id: str) -> None:
        with self._database.writing() as session:
            audit.append(
                session,
                at=self._now(),
                actor=by.actor,
                action="words_withdrawn",
                lender=loan.lender,
                loan_id=loan.loan_id,
                details={"words_id": words_id},
            )

    def _keep(
        self,
        loan: Loan,
        by: By,
        draft: Draft,
        judged: Judged,
        words_id: str,
        case_id: str | None,
        until: datetime,
        at: datetime,
    ) -> datetime:
        """Until when the words go: as they were kept first."""
        with self._database.writing(durable=True) as session:
            # Whoever sends them twice at the same moment finds the first.
            current, _ = contacts.lock_person(session, loan.lender, loan.loan_id)
            try:
                kept, new = own_words.keep(
                    session,
                    current,
                    words_id=words_id,
                    by=by.actor,
                    channel=judged.channel,
                    subject=judged.subject,
                    text=judged.text,
                    until=until,
                    case_id=case_id,
                    at=at,
                )
            except own_words.OtherWords as used:
                raise WordsIdUsed(used.kept, by, draft, case_id) from None
            if new:
                audit.append(
                    session,
                    at=at,
                    actor=by.actor,
                    action="words_written",
                    lender=loan.lender,
                    loan_id=loan.loan_id,
                    details={"words_id": words_id, "channel": judged.channel.value, "answers": judged.answers},
                )
            return kept.until

    def _refused(self, loan: Loan, words_id: str, why: str, at: datetime) -> bool:
        """Words that the loan never heard of are not sent; whether it had not."""
        with self._database.writing() as session:
            current = loans.get(session, loan.lender, loan.loan_id)
            kept = own_words.get(session, current, words_id)
            unheard = kept is not None and kept.state is WordsState.WRITTEN
            if unheard:
                own_words.settle(session, current, words_id, WordsState.NOT_SENT, at=at, why=why)
            return unheard


def _same(kept: OwnWords, by: By, draft: Draft, case_id: str | None) -> bool:
    """Whether a draft is what is kept; one that names no channel went out by the one that was taken for it, and one
    that names no case asks for nothing other: a form lists none that its words have settled."""
    subject = (draft.subject or "").strip() or None
    given = (by.actor, draft.channel or kept.channel, subject, draft.text.strip(), case_id or kept.case_id)
    return given == (kept.written_by, kept.channel, kept.subject, kept.text, kept.case_id)


def fresh_id() -> str:
    """An id nobody has used for words before."""
    return uuid.uuid4().hex


def _derived(loan: Loan, by: By, draft: Draft, within: str) -> str:
    named = (
        loan.lender,
        loan.loan_id,
        str(loan.entry),
        by.actor,
        draft.channel or "",
        draft.subject or "",
        within,
    )
    return hashlib.sha256("\n".join((*named, draft.text)).encode()).hexdigest()[:32]
