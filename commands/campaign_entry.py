"""Entering a checked portfolio into a campaign, once and for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from sqlmodel import Session, col, select

from commands.console import Refused, amount
from config.jurisdictions import SHIPPED
from config.strategies import find_strategy, list_strategies
from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records import campaigns, portfolio
from records.database import Database
from records.portfolio_channels import ChannelsAtOdds
from records.portfolio_loans import RefusedLoan
from records.tables import Campaign, CampaignLoan, CampaignState, Loan

_PAGE = 500


@dataclass(frozen=True)
class Order:
    campaign_id: str
    name: str
    lender: str
    source_file: str


@dataclass(frozen=True)
class Held:
    """What the campaign holds. `resumed`: it existed before, and then no loan was added.

    `waiting` are loans it has yet to start, `started` those it did, `open` of these have not ended; `refused`
    names every loan of the file that it does not hold, `channels_at_odds` whoever's own word the file is not. Of a
    resumed one `changed` names the rows with another amount, currency or due date than their loans were entered with,
    and `ended` the other rows of loans that it does not collect any more.
    """

    campaign_id: str
    state: CampaignState
    resumed: bool
    held: int
    waiting: int
    started: int
    open: int
    refused: tuple[RefusedLoan, ...]
    channels_at_odds: tuple[ChannelsAtOdds, ...] = ()
    changed: tuple[RefusedLoan, ...] = ()
    ended: tuple[RefusedLoan, ...] = ()

    @property
    def passed_over(self) -> bool:
        """Whether it was resumed and does not do what whoever handed the file over may have expected."""
        return self.resumed and bool(self.refused or self.changed or not (self.waiting or self.open))


class NothingHeld(Exception):
    """Every loan was refused, so there is no campaign."""

    def __init__(self, refused: tuple[RefusedLoan, ...]) -> None:
        super().__init__("no loan could be taken")
        self.refused = refused


def choose_strategy(name: str | None, currencies: Collection[str]) -> Strategy:
    """The strategy named, or the only one for the portfolio's currency; one for any currency is taken by name alone.

    Raises Refused, StrategyError.
    """
    if name is not None:
        return find_strategy(name)
    current = [found.strategy for found in list_strategies() if "@" not in found.path.name]
    fitting = [strategy for strategy in current if set(currencies) <= {strategy.currency}]
    if len(fitting) != 1:
        known = ", ".join(strategy.name for strategy in fitting or current)
        raise Refused(f"--strategy: say which one ({known}); the portfolio is in {', '.join(sorted(currencies))}")
    return fitting[0]


def enter(
    database: Database,
    order: Order,
    strategy: Strategy,
    loans: Iterable[PortfolioLoan],
    *,
    bank: str,
    banks: Mapping[str, str] = {},
    rules: Path = SHIPPED,
    due_dates_counted: bool = False,
) -> Held:
    """Create the campaign with its loans, or find it as it was created. Raises CampaignExists, NothingHeld, Refused.

    `loans` come highest priority first and are taken once; with `due_dates_counted` their due dates are counted back
    from the day of the check, so that another one is no news of a loan. A campaign holds the loans of its first start:
    the same file started again adds none. Where reading them raises, nothing is entered.
    """
    now = datetime.now(UTC)
    with database.reading() as session:
        known = session.get(Campaign, order.campaign_id)
    if known is not None:
        with database.reading() as session:
            _create(session, order, strategy, now)
            return _as_it_was(session, known, loans, due_dates_counted)
    refused: list[RefusedLoan] = []
    fitting = _by_currency(loans, strategy, refused)
    with database.writing() as session:
        campaign = _create(session, order, strategy, now)
        if campaign.total:
            # Another process created it between our look and our transaction.
            return _as_it_was(session, campaign, loans, due_dates_counted)
        entered = portfolio.enter_in_order(
            session, campaign, fitting, strategy=strategy, at=now, bank=bank, banks=banks, rules=rules
        )
        every_refusal = tuple(sorted((*refused, *entered.refused), key=lambda one: one.line))
        if entered.held == 0:
            raise NothingHeld(every_refusal)
        held, odds = entered.held, entered.channels_at_odds
        return Held(order.campaign_id, campaign.state, False, held, held, 0, 0, every_refusal, odds)


def _create(session: Session, order: Order, strategy: Strategy, now: datetime) -> Campaign:
    return campaigns.create(
        session,
        campaign_id=order.campaign_id,
        name=order.name,
        lender=order.lender,
        strategy_key=strategy.key,
        source_file=order.source_file,
        at=now,
    )


def _by_currency(
    every: Iterable[PortfolioLoan], strategy: Strategy, refused: list[RefusedLoan]
) -> Iterator[PortfolioLoan]:
    """The loans in the strategy's currency; the others are noted in `refused`."""
    for loan in every:
        if strategy.currency in (None, loan.currency):
            yield loan
        else:
            reason = f"is in {loan.currency}, strategy {strategy.key} is for {strategy.currency}"
            refused.append(RefusedLoan(loan.loan_id, loan.line, reason))


def _as_it_was(session: Session, campaign: Campaign, every: Iterable[PortfolioLoan], due_dates_counted: bool) -> Held:
    if campaign.state is CampaignState.STOPPED:
        raise Refused(f"campaign {campaign.id!r} was stopped: start the file under another --id")
    progress = campaigns.progress(session, campaign.id)
    strangers, changed, ended = _rows_passed_over(session, campaign, every, due_dates_counted)
    return Held(
        campaign.id,
        campaign.state,
        True,
        progress.total,
        progress.waiting,
        progress.started,
        progress.open,
        strangers,
        changed=changed,
        ended=ended,
    )


def _rows_passed_over(
    session: Session, campaign: Campaign, every: Iterable[PortfolioLoan], due_dates_counted: bool
) -> tuple[tuple[RefusedLoan, ...], tuple[RefusedLoan, ...], tuple[RefusedLoan, ...]]:
    """Rows of loans it does not hold, those that say something new of its loans, and others of loans that ended."""
    strangers: list[RefusedLoan] = []
    changed: list[RefusedLoan] = []
    ended: list[RefusedLoan] = []
    rest = iter(every)
    while page := list(islice(rest, _PAGE)):
        found = session.exec(
            select(Loan)
            .join(CampaignLoan, col(CampaignLoan.loan_ref) == col(Loan.id))
            .where(CampaignLoan.campaign_id == campaign.id, col(Loan.loan_id).in_([handed.loan_id for handed in page]))
        ).all()
        here = {loan.loan_id: loan for loan in found}
        for handed in page:
            row = partial(RefusedLoan, handed.loan_id, handed.line)
            loan = here.get(handed.loan_id)
            if loan is None:
                strangers.append(row(f"is not among the loans campaign {campaign.id} was started with"))
                continue
            ending = f"has ended as {loan.end_kind}" if loan.end_kind is not None else None
            same = (handed.currency, handed.amount_due_minor) == (loan.currency, loan.amount_due_minor)
            if loan.campaign_id != campaign.id:
                ended.append(row(f"was handed over again to campaign {loan.campaign_id}"))
            elif not same or (handed.due_date != loan.due_date and not due_dates_counted):
                entered = f"was entered with {amount(loan.amount_due_minor, loan.currency)} due {loan.due_date}"
                changed.append(row(f"{entered} and {ending}" if ending else entered))
            elif ending:
                ended.append(row(ending))
    strangers, changed, ended = (sorted(rows, key=lambda row: row.line) for rows in (strangers, changed, ended))
    return tuple(strangers), tuple(changed), tuple(ended)
