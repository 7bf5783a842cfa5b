"""Entering a checked portfolio into a campaign, once and for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session, col, select

from commands.console import Refused
from config.jurisdictions import SHIPPED
from config.strategies import find_strategy, list_strategies
from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records import campaigns, portfolio
from records.database import Database
from records.portfolio_channels import ChannelsAtOdds
from records.portfolio_loans import RefusedLoan
from records.tables import Campaign, CampaignLoan, CampaignState, Loan


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
    names every loan of the file that it does not hold, `channels_at_odds` whoever's own word the file is not.
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
) -> Held:
    """Create the campaign with its loans, or find it as it was created. Raises CampaignExists, NothingHeld, Refused.

    `loans` come highest priority first and are taken once. A campaign holds the loans of its first start: the same file
    started again adds none. Where reading them raises, nothing is entered.
    """
    now = datetime.now(UTC)
    with database.reading() as session:
        known = session.get(Campaign, order.campaign_id)
    if known is not None:
        with database.reading() as session:
            _create(session, order, strategy, now)
            return _as_it_was(session, known, loans)
    refused: list[RefusedLoan] = []
    fitting = _by_currency(loans, strategy, refused)
    with database.writing() as session:
        campaign = _create(session, order, strategy, now)
        if campaign.total:
            # Another process created it between our look and our transaction.
            return _as_it_was(session, campaign, loans)
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


def _as_it_was(session: Session, campaign: Campaign, every: Iterable[PortfolioLoan]) -> Held:
    if campaign.state is CampaignState.STOPPED:
        raise Refused(f"campaign {campaign.id!r} was stopped: start the file under another --id")
    progress = campaigns.progress(session, campaign.id)
    here = set(
        session.exec(
            select(Loan.loan_id)
            .join(CampaignLoan, col(CampaignLoan.loan_ref) == col(Loan.id))
            .where(CampaignLoan.campaign_id == campaign.id)
        ).all()
    )
    reason = f"is not among the loans campaign {campaign.id} was started with"
    strangers = (RefusedLoan(loan.loan_id, loan.line, reason) for loan in every if loan.loan_id not in here)
    missing = tuple(sorted(strangers, key=lambda one: one.line))
    still_open = progress.started - sum(progress.ends.values())
    return Held(
        campaign.id, campaign.state, True, progress.total, progress.waiting, progress.started, still_open, missing
    )
