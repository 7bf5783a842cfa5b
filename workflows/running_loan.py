"""A loan while its workflow runs: its state, and what becomes of what it hears. The rules are the domain's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.agreements.judging import grace_moves_on
    from domain.agreements.moving import forgets_money_seen
    from domain.agreements.promise import promise_told_again
    from domain.collection import apply, not_acted_on, refuse
    from domain.entering import enter
    from domain.events.agreements import PromiseMade
    from domain.events.loan_event import LoanEvent
    from domain.loan_state import LoanState
    from domain.migration import migrate
    from domain.payable import smallest_payable
    from domain.payment_claims import claim_began_to_hold
    from domain.planning import plan
    from domain.standing_clock import pass_time
    from domain.strategy import Strategy
    from workflows.messages import LoanInput, read_signal

RESTS_COUNT_AS_PAID = "2026-11-30-rests-count-as-paid"
"""Of runs that began with it a rest of less than can be asked for is not owed: see `domain/payable.py`."""
ECHOES_MAKE_NO_PROMISE = "2026-11-30-echoes-make-no-promise"
"""Of runs that met an echo before, it opened the promise anew: see `promise_told_again`."""
CASES_KEPT_APART = "2026-12-01-cases-kept-apart"
"""Of runs that met such cases before, one case took in what another was about, or none opened: see
`LoanState.cases_kept_apart`."""
MOVED_DATES_LOOK_ANEW = "2026-12-01-moved-dates-look-anew"
"""Of runs that met it before, money seen for the day before a due date moved still brought its link at once."""
GRACE_MOVES_ON = "2026-12-01-grace-moves-on"
"""With the number of an agreement: of runs that met its last day of grace before, it ended on a day on which no money
arrives. Each has its own, so that what is agreed on later is not judged as one that was over before."""
CLAIMS_HOLD = "2026-12-01-claims-hold"
"""Of runs that met it before, borrowers who said that they had paid were reminded while nobody had looked."""


class RunningLoan:
    """`state` as it is now, `news`: how often anything changed it, and `begins_at`, while that lies ahead."""

    def __init__(self, given: LoanInput) -> None:
        now = workflow.now()
        begins = max(now, given.not_before or now)
        self.state = _as_begun(given.state or enter(given.facts, given.strategy, begins))
        self.news = 0
        self.begins_at: datetime | None = begins if begins > now else None
        self._kept: list[tuple[str, object]] = []
        self._grace_known: set[int] = set()
        for signal in given.signals:
            self.hear(signal.name, signal.payload)

    def begin(self) -> None:
        """Its moment has come: hear what came before that."""
        self.begins_at = None
        for name, payload in self._kept:
            self.hear(name, payload)

    def hear(self, name: str, payload: object) -> None:
        """Act on a signal; one that cannot be acted on is kept as refused."""
        if self.begins_at is not None:
            self._kept.append((name, payload))
            return
        try:
            event = read_signal(name, payload)
            if self._was_told(event):
                return
            refused = event if isinstance(event, str) else self.apply(event)
        except Exception as error:
            # Its words may name a person. No message may fail the loan, nor stop it for ever.
            workflow.logger.error("signal %s could not be acted on: %s", name, type(error).__name__)
            self.state = not_acted_on(self.state, name, type(error).__name__, workflow.now())
            self.news += 1
            return
        if refused is not None:
            self.state = refuse(self.state, name, refused, workflow.now())

    def _was_told(self, event: object) -> bool:
        """A signal is delivered at least once: a promise that is over is not made anew by its own echo."""
        again = isinstance(event, PromiseMade) and promise_told_again(self.state, event)
        return again and workflow.patched(ECHOES_MAKE_NO_PROMISE)

    def learn_to_plan(self) -> None:
        """Before it is planned, or a contact that waits is held against the plan."""
        self._learn(lambda state: plan(state, workflow.now()))

    def pass_time(self) -> None:
        """What has come about by the clock alone, while a contact waits."""
        self._learn_grace(lambda state: (pass_time(state, workflow.now()), None))
        self.state = pass_time(self.state, workflow.now())

    def _learn(self, rule: Callable[[LoanState], tuple[LoanState, object]]) -> None:
        """Go by each later rule from where it first makes a difference: only such runs are marked."""
        self._learn_cases(rule)
        self._learn_grace(rule)

    def _learn_cases(self, rule: Callable[[LoanState], tuple[LoanState, object]]) -> None:
        moved_both_ways = any(payment.refunded_minor or payment.reversed for payment in self.state.payments)
        if self.state.cases_kept_apart or not (self.state.cases or self.state.words or moved_both_ways):
            return
        apart = self.state.model_copy(update={"cases_kept_apart": True})
        (after, then), (after_apart, then_apart) = rule(self.state), rule(apart)
        same = after == after_apart.model_copy(update={"cases_kept_apart": False}) and then == then_apart
        if not same and workflow.patched(CASES_KEPT_APART):
            self.state = apart

    def _learn_grace(self, rule: Callable[[LoanState], tuple[LoanState, object]]) -> None:
        """Go by `GRACE_MOVES_ON` from where it first makes a difference to an agreement."""
        for number in grace_moves_on(self.state):
            if number in self._grace_known:
                continue
            known = self.state.grace_by_calendar
            calendar = self.state.model_copy(update={"grace_by_calendar": (*known, number)})
            (after, then), (after_calendar, then_calendar) = rule(self.state), rule(calendar)
            if after == after_calendar.model_copy(update={"grace_by_calendar": known}) and then == then_calendar:
                continue
            self._grace_known.add(number)
            if not workflow.patched(f"{GRACE_MOVES_ON}-{number}"):
                self.state = calendar

    def apply(self, event: LoanEvent | None) -> str | None:
        """Change the state by it; why it is refused, or None."""
        if event is None:
            return None
        self._learn(lambda state: apply(state, event, workflow.now()))
        before = self.state
        self.state, refused = apply(before, event, workflow.now())
        if claim_began_to_hold(before, self.state) and not workflow.patched(CLAIMS_HOLD):
            before = before.model_copy(update={"claims_hold": False})
            self.state, refused = apply(before, event, workflow.now())
        self._look_anew(before)
        self.news += 1
        return refused

    def _look_anew(self, before: LoanState) -> None:
        """Money that was seen for a due date which just moved is looked for again."""
        if forgets_money_seen(before, self.state) and not workflow.patched(MOVED_DATES_LOOK_ANEW):
            self.state = self.state.model_copy(update={"funds_seen_at": before.funds_seen_at})

    def check(self, event: LoanEvent) -> None:
        """Refuse an update before it leaves a trace in the history."""
        _, refused = apply(self.state, event, workflow.now())
        if refused is not None:
            raise ApplicationError(f"refused: {refused}")

    def obey(self, event: LoanEvent) -> None:
        if (refused := self.apply(event)) is not None:
            raise ApplicationError(f"refused: {refused}")

    def move_to(self, strategy: Strategy) -> None:
        self._learn_grace(lambda state: (migrate(state, strategy, workflow.now()), None))
        self.state = migrate(self.state, strategy, workflow.now())
        self.news += 1


def _as_begun(state: LoanState) -> LoanState:
    """With the rules by which this run began, whatever its input says: it may have begun with an earlier version, which
    did not read that. No other loan's history gains an event."""
    state = state.model_copy(update={"cases_kept_apart": False})
    if smallest_payable(state.facts.currency) == 1:
        return state
    return state.model_copy(update={"rests_count_as_paid": workflow.patched(RESTS_COUNT_AS_PAID)})
