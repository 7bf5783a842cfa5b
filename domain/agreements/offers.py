"""The offer engine: what may be offered to a borrower, by whom, and which rule allows it.

One pure function. Whoever offers (the machine, an agent, a page) asks it with a request that holds all it looks at, so
the same case gets the same offers, and a request that was kept gives the same answer again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from statistics import median

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.agreements.limits import Terms, last_day_of_offer, needed, percent_of, remission, rule_of, terms_of, unmet
from domain.agreements.model import AgreementKind, Evidence, Via
from domain.agreements.requests import OFFERED_KINDS, request_as_known
from domain.agreements.requests import OfferRequest as OfferRequest
from domain.agreements.schedule import SATURDAY, Row, due_dates, repayment
from domain.agreements.terms import Authority, Option, PlanOption, RestructuringOption, SettlementOption
from domain.agreements.working_days import public_holidays
from domain.events.agreements import HOLIDAYS_TOLD, PlanAgreed, RestructuringAgreed, SettlementAgreed, TermsAgreed
from domain.loan_state import LoanState
from domain.payable import payable, smallest_payable
from domain.strategy import Strategy

LONGEST_SCHEDULE = timedelta(days=366 * 5 + 100)
MOVES_ON_AT_MOST = timedelta(days=120)
"""How far behind the last payment holidays are told to the agreement, in case its dates move on."""
MONTHS_LOOKED_AT = 3
BEARABLE_SHARE = 2
"""Half of what is usually there: a payment must leave something to live on."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class OfferedPayment(_Value):
    due: date
    amount_minor: int
    interest_minor: int = 0
    principal_minor: int
    left_minor: int


class Offer(_Value):
    """What may be agreed on. `needs` may agree alone; with `approval` the asker must have it approved by another
    person. The borrower's yes is good until the end of `valid_until`."""

    kind: AgreementKind
    option: str
    rule: str
    needs: Authority
    approval: bool
    balance_minor: int
    total_minor: int
    remission_minor: int = 0
    added_minor: int = 0
    fees_frozen: bool = False
    percent: int | None = None
    payments: tuple[OfferedPayment, ...]
    valid_until: date

    @property
    def interest_minor(self) -> int:
        """What is read as interest: `added_minor` counts from the debt with what of it nobody can be asked for."""
        return sum(payment.interest_minor for payment in self.payments)


class Offers(_Value):
    """The offers, and why options of the catalogue are not among them."""

    offers: tuple[Offer, ...]
    left_out: tuple[str, ...]


def request_of(
    state: LoanState, at: AwareDatetime, authority: Authority, bearable_minor: int | None = None
) -> OfferRequest:
    """What the engine has to know of a loan at `at`."""
    return with_holidays(
        request_as_known(state, at, authority, bearable_minor), state.facts.country, state.facts.region
    )


def with_holidays(request: OfferRequest, country: str, region: str | None) -> OfferRequest:
    """The request with the public holidays its schedules may meet."""
    days = public_holidays(country, region, request.today, request.today + LONGEST_SCHEDULE)
    return request.model_copy(update={"holidays": days})


def offers(request: OfferRequest, strategy: Strategy) -> Offers:
    """Every offer the strategy's catalogue has for this case, in the catalogue's order.

    The machine gets only what it may agree on alone; a person also what another has to approve.
    """
    found: list[Offer] = []
    left_out: list[str] = []
    for kind in OFFERED_KINDS:
        terms = terms_of(strategy, kind)
        if terms is None:
            continue
        if kind in request.not_now:
            left_out.append(f"{kind}: {request.not_now[kind]}")
            continue
        for option in terms.options:
            why = unmet(option, request.balance_minor, request.days_past_due)
            made = [] if why else list(_of_option(request, strategy, kind, terms, option))
            fit = [o for o in made if not o.approval or request.authority is not Authority.MACHINE]
            found += fit
            if not fit:
                left_out.append(f"{kind} {option.id}: {why or _why_none(request, bool(made))}")
    return Offers(offers=tuple(found), left_out=tuple(left_out))


def _why_none(request: OfferRequest, made: bool) -> str:
    if made:
        return f"beyond what the {request.authority} may agree on"
    return "no payments within the option's limits" + (
        "" if request.bearable_minor is None else _at_most(request.bearable_minor)
    )


def _at_most(minor: int) -> str:
    return f" of at most {minor}"


def without_bearable(made: Offers, bearable_minor: int) -> Offers:
    """The answer to a request as it may be shown to who is not to know what the borrower can bear."""
    told = (why.removesuffix(_at_most(bearable_minor)) for why in made.left_out)
    return made.model_copy(update={"left_out": tuple(told)})


def _of_option(
    request: OfferRequest, strategy: Strategy, kind: AgreementKind, terms: Terms, option: Option
) -> Iterator[Offer]:
    for percent, total in _totals(request, option):
        rows = _rows(request, option, total)
        if rows is None:
            continue
        paid = sum(row.amount_minor for row in rows)
        first = request.today + timedelta(days=option.first_within_days)
        dates = due_dates(first, len(rows), option.every, request.holidays)
        needs = needed(option, request.balance_minor, paid)
        yield Offer(
            kind=kind,
            option=option.id,
            rule=rule_of(strategy, kind, option),
            needs=needs,
            approval=not request.authority.alone(needs),
            balance_minor=request.balance_minor,
            total_minor=paid,
            remission_minor=remission(kind, request.balance_minor, paid),
            added_minor=max(paid - request.balance_minor, 0),
            fees_frozen=isinstance(option, PlanOption) and option.fees_frozen,
            percent=percent,
            payments=tuple(
                OfferedPayment(
                    due=due,
                    amount_minor=row.amount_minor,
                    interest_minor=row.interest_minor,
                    principal_minor=row.principal_minor,
                    left_minor=row.left_minor,
                )
                for due, row in zip(dates, rows, strict=True)
            ),
            valid_until=last_day_of_offer(request.today, terms.valid_days, dates[0]),
        )


def _totals(request: OfferRequest, option: Option) -> Iterator[tuple[int | None, int]]:
    """The whole debt, as far as it can be paid; of a settlement what each authority may go down to, rounded up to what
    can be paid, the dearest first, each once."""
    if not isinstance(option, SettlementOption):
        yield None, payable(request.balance_minor, request.currency)
        return
    smallest = smallest_payable(request.currency)
    for percent in dict.fromkeys((option.machine_percent, option.agent_percent, option.floor_percent)):
        total = -(-percent_of(request.balance_minor, percent) // smallest) * smallest
        if 0 < total < payable(request.balance_minor, request.currency):
            yield percent, total


def _rows(request: OfferRequest, option: Option, total_minor: int) -> tuple[Row, ...] | None:
    """As few payments as the borrower can bear; where that is not known, as many as there may be."""
    rate = option.rate_bp if isinstance(option, RestructuringOption) else 0
    least = 1 if isinstance(option, SettlementOption) else 2
    smallest = smallest_payable(request.currency)
    counts: Sequence[int] = range(least, option.instalments + 1)
    if request.bearable_minor is None and not isinstance(option, SettlementOption):
        counts = counts[::-1]
    for count in counts:
        if total_minor // smallest < count:
            continue
        rows = repayment(total_minor, count, option.every, rate, smallest)
        amounts = [row.amount_minor for row in rows]
        bearable = request.bearable_minor is None or max(amounts) <= request.bearable_minor
        if bearable and (min(amounts) >= option.least_minor or count == 1):
            return rows
    return None


_EVENTS: dict[AgreementKind, type[TermsAgreed]] = {
    AgreementKind.PLAN: PlanAgreed,
    AgreementKind.SETTLEMENT: SettlementAgreed,
    AgreementKind.RESTRUCTURING: RestructuringAgreed,
}


def agreeing(
    offer: Offer,
    *,
    by: str,
    role: Authority,
    via: Via,
    evidence: Evidence | None = None,
    holidays: Collection[date] = (),
) -> TermsAgreed:
    """The order that agrees on an offer as it was made; its name in the contract is the offer's kind.

    `holidays` are those of the offer's request: the ones that its dates might move on to go with the order.
    """
    payments = [{"due": payment.due, "amount_minor": payment.amount_minor} for payment in offer.payments]
    first, last = offer.payments[0].due, offer.payments[-1].due + MOVES_ON_AT_MOST
    stepped_over = sorted(day for day in holidays if first < day <= last and day.weekday() < SATURDAY)
    return _EVENTS[offer.kind].model_validate(
        {
            "option": offer.option,
            "payments": payments,
            "by": by,
            "role": role,
            "via": via,
            "evidence": evidence,
            "holidays": stepped_over[:HOLIDAYS_TOLD],
        }
    )


def bearable_amount(readings: Sequence[tuple[date, int]], today: date) -> int | None:
    """What a borrower can pay each month by the balances read with consent: half of the lowest monthly median of the
    last three months. None with readings in fewer than two of them."""
    since = today - timedelta(days=31 * MONTHS_LOOKED_AT)
    by_month: dict[tuple[int, int], list[int]] = {}
    for day, amount in readings:
        if since <= day <= today:
            by_month.setdefault((day.year, day.month), []).append(amount)
    if len(by_month) < 2:
        return None
    return max(int(min(median(amounts) for amounts in by_month.values())) // BEARABLE_SHARE, 0)
