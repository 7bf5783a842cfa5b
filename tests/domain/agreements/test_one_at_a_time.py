"""Messages, keys pressed on calls, payments and what people do at their desks, in every order: one agreement at a time,
none below its floor, and no demand while one is kept."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from domain.agreements.judging import next_unpaid
from domain.agreements.model import JUDGED, MESSAGES, AgreementKind, Via
from domain.contact import Channel, Purpose
from domain.conversation.model import AnswerKind
from domain.conversation.terms import ConversationTerms
from domain.events.borrower import CallChoice, CallWish, ReplyUnderstood
from domain.loan_state import LoanState
from domain.replies.labels import Intent
from tests.domain.simulated_loan import CATALOGUE
from tests.domain.test_collection_properties import CollectionMachine

INTENTS = st.lists(st.sampled_from(list(Intent)), min_size=1, max_size=2, unique=True)


class TalkingMachine(CollectionMachine):
    """The machine of all events, of a strategy that also answers what its borrower writes."""

    terms: ClassVar[Any] = {**CATALOGUE, "conversation": ConversationTerms(turns=20)}
    written = 0

    @rule(
        intents=INTENTS,
        ahead=st.none() | st.integers(-3, 40),
        says=st.sampled_from([None, None, "yes", "no"]),
        asks=st.sampled_from([False, False, True]),
    )
    def writes(self, intents: list[Intent], ahead: int | None, says: Any, asks: bool = False) -> None:
        self.written += 1
        before = self.loan.state
        day = before.facts.local_date(self.loan.now)
        event = ReplyUnderstood(
            message_id=f"twilio:SM{self.written}",
            channel=Channel.SMS,
            received_at=self.loan.now,
            intents=tuple(intents),
            confidence=0.9,
            promise_date=None if ahead is None else day + timedelta(days=ahead),
            promise_amount_minor=None if ahead is None or ahead % 2 else 5_000,
            says=says,
            text_sha256="0" * 64,
            asks_to_move=asks,
            day_named=None if ahead is None or not asks else day + timedelta(days=ahead),
        )
        self.hear(event)
        self._moved_only_by_a_yes_to_that_day(before, event)

    def _moved_only_by_a_yes_to_that_day(self, before: LoanState, event: ReplyUnderstood) -> None:
        """A yes moves the one payment that was asked about to the day that was read back; no other message does."""
        talk = before.conversation
        question = talk.moving if talk is not None else None
        known = {a.number: [i.due for i in a.instalments] for a in before.agreements}
        for agreement in self.loan.state.agreements[: len(known)]:
            dues = [i.due for i in agreement.instalments]
            if dues == known[agreement.number]:
                continue
            assert event.says == "yes"
            assert question is not None
            assert question.told
            assert not question.void
            changed = [new for old, new in zip(known[agreement.number], dues, strict=True) if old != new]
            assert changed == [question.to]
            assert agreement.move_evidence is not None
            assert agreement.move_evidence.message_id == event.message_id

    @rule(later=st.integers(1, 9), news=st.booleans())
    def moves_a_payment_by_writing(self, later: int, news: bool) -> None:
        state = self.loan.state
        agreement = state.agreement
        if agreement is None or agreement.kind is AgreementKind.PROMISE:
            return
        covered = next_unpaid(state, agreement)
        assert covered is not None
        ahead = (covered.instalment.due - state.facts.local_date(self.loan.now)).days + later
        self.writes([Intent.REQUEST_PLAN], ahead, None, True)
        if news:
            self.pay(f"m{self.written}", "stripe", 100, timedelta(), "EUR")
        self.writes([Intent.ACKNOWLEDGEMENT], None, "yes")

    @rule(ahead=st.integers(0, 20))
    def promises_and_confirms(self, ahead: int) -> None:
        self.writes([Intent.PROMISE_TO_PAY], ahead, None)
        self.writes([Intent.ACKNOWLEDGEMENT], None, "yes")

    @rule(wish=st.sampled_from(CallWish), ahead=st.none() | st.integers(0, 40), call=st.integers(1, 9))
    def presses_a_key(self, wish: CallWish, ahead: int | None, call: int) -> None:
        day = self.loan.state.facts.local_date(self.loan.now)
        on = None if ahead is None or wish is not CallWish.PROMISE else day + timedelta(days=ahead)
        self.hear(CallChoice(step="day-3", occurrence=call, wish=wish, promised_on=on))

    @invariant()
    def nothing_is_demanded_while_one_is_kept(self) -> None:
        for _, order, then in self.loan.contacts:
            if then.agreement is not None and order.purpose is Purpose.COLLECTION:
                assert order.step in MESSAGES, f"{order.step} went out while {then.agreement.kind} was kept"
            if order.purpose is Purpose.REPLY and order.template == AnswerKind.HOW_TO_PAY:
                assert order.with_link

    @invariant()
    def a_yes_is_recorded_with_every_agreement(self) -> None:
        for agreement in self.loan.state.agreements:
            if agreement.via is Via.MESSAGE and agreement.state in JUDGED:
                assert agreement.evidence is not None
        assert sum(agreement.live for agreement in self.loan.state.agreements) <= 1


TalkingMachine.TestCase.settings = settings(
    max_examples=int(os.environ.get("RECOBRO_EXAMPLES", "25")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMessagesPaymentsAndPeople = TalkingMachine.TestCase
