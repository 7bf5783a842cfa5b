"""What the offer engine is asked: all it looks at of a case, as plain values. Amounts are minor units."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.agreements.limits import kind_refused
from domain.agreements.model import AgreementKind
from domain.agreements.terms import Authority
from domain.loan_state import LoanState

OFFERED_KINDS = (AgreementKind.PLAN, AgreementKind.SETTLEMENT, AgreementKind.RESTRUCTURING)


class OfferRequest(BaseModel):
    """All that the engine looks at beside the strategy. `not_now` says for each kind why none can be made at all.

    `bearable_minor`: what the borrower can pay each time; None: not known.
    """

    model_config = ConfigDict(frozen=True)

    lender: str
    loan_id: str
    strategy: str
    currency: str
    balance_minor: int
    days_past_due: int
    today: date
    authority: Authority
    bearable_minor: int | None = None
    not_now: dict[AgreementKind, str] = {}
    holidays: tuple[date, ...] = ()


def request_as_known(
    state: LoanState, at: AwareDatetime, authority: Authority, bearable_minor: int | None = None
) -> OfferRequest:
    """What the engine has to know of a loan at `at`; the holidays it steps over are still to be added."""
    refused = {kind: why for kind in OFFERED_KINDS if (why := kind_refused(state, kind)) is not None}
    return OfferRequest(
        lender=state.facts.lender,
        loan_id=state.facts.loan_id,
        strategy=state.strategy.key,
        currency=state.facts.currency,
        balance_minor=state.balance_minor,
        days_past_due=state.facts.days_past_due(at),
        today=state.facts.local_date(at),
        authority=authority,
        bearable_minor=bearable_minor,
        not_now=refused,
    )
