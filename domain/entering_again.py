"""A loan whose workflow was lost with Temporal's store enters once more in the same hand-over."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.contact_orders import CONSENT
from domain.conversation.model import Conversation
from domain.entering import enter
from domain.loan_parts import StepRecord
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.standing_clock import settle_hold
from domain.strategy import Strategy


class Counted(BaseModel):
    """How far the lost workflow had counted, by the records: no number that stands there may be used again.

    `entries` is how many ledger entries it wrote; the others are the highest numbers of its cases, agreements, answers
    to the borrower, payment links (`offers` of the balance watch, `links_asked` by the borrower), requests for a
    consent and receipts of its ends. `own_pause_until` and `campaign_pause_until`: its pauses, which may be over.
    """

    model_config = ConfigDict(frozen=True)

    entries: int = 0
    cases: int = 0
    agreements: int = 0
    answers: int = 0
    offers: int = 0
    links_asked: int = 0
    consents_asked: int = 0
    ends: int = 0
    broken_promises: int = 0
    own_pause_until: AwareDatetime | None = None
    campaign_pause_until: AwareDatetime | None = None


def enter_again(facts: LoanFacts, strategy: Strategy, now: datetime, counted: Counted) -> LoanState:
    """The loan at the step its days past due call for, counting on where its lost workflow stopped."""
    own, of_campaign = (
        until if until is not None and until > now else None
        for until in (counted.own_pause_until, counted.campaign_pause_until)
    )
    state = enter(facts, strategy, now)
    if counted.consents_asked:
        # Nobody knows for which consent they were asked: not again for this one, unless a person wants it.
        asked = StepRecord(step=CONSENT, occurrence=counted.consents_asked, result="before_entry", at=now)
        state = state.model_copy(update={"records": (*state.records, asked), "consent_asked_for": facts.consent_until})
    state = state.model_copy(
        update={
            "entries_written": counted.entries,
            "case_count": counted.cases,
            "agreements_before": counted.agreements,
            "conversation": Conversation(answers=counted.answers) if counted.answers else None,
            "offers_made": counted.offers,
            "links_asked": counted.links_asked,
            "ends_count": counted.ends,
            "broken_promises": counted.broken_promises,
            "paused_until": max((until for until in (own, of_campaign) if until is not None), default=None),
            "own_pause_until": own,
            "campaign_pause_until": of_campaign,
        }
    )
    return settle_hold(state, now)
