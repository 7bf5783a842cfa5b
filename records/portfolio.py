"""Handing a portfolio over to a campaign, in bulk."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import insert
from sqlmodel import Session

from config.jurisdictions import SHIPPED
from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records import mandates, person_keys, strategies
from records.known_spellings import KnownSpellings
from records.locks import one_at_a_time
from records.portfolio_channels import ChannelsAtOdds, note_channels
from records.portfolio_consents import enter_consents
from records.portfolio_loans import RefusedLoan, enter_loans
from records.portfolio_people import enter_people, under_another_number
from records.portfolio_stops import carry_stops, close_wrong_numbers
from records.tables import Campaign, CampaignLoan

_PAGE = 250


@dataclass(frozen=True)
class Entered:
    """`held` counts the loans the campaign now holds from this call; `refused` names each of the others."""

    held: int
    refused: tuple[RefusedLoan, ...]
    channels_at_odds: tuple[ChannelsAtOdds, ...] = ()


def enter_portfolio(
    session: Session,
    campaign: Campaign,
    loans: Iterable[PortfolioLoan],
    *,
    strategy: Strategy,
    at: datetime,
    bank: str = "xs2a",
    banks: Mapping[str, str] = {},
    rules: Path = SHIPPED,
) -> Entered:
    """As `enter_in_order`, highest priority first, then by line, whatever the order given."""
    ordered = sorted(loans, key=lambda loan: (-loan.priority, loan.line))
    return enter_in_order(session, campaign, ordered, strategy=strategy, at=at, bank=bank, banks=banks, rules=rules)


def enter_in_order(
    session: Session,
    campaign: Campaign,
    loans: Iterable[PortfolioLoan],
    *,
    strategy: Strategy,
    at: datetime,
    bank: str = "xs2a",
    banks: Mapping[str, str] = {},
    rules: Path = SHIPPED,
) -> Entered:
    """Enter loans into the records and into `campaign`, a page of them in memory at a time.

    A loan that a live campaign holds, or that is in collection, is refused and left as it was. A loan known
    from before starts a new entry with the amount and due date now handed over. Contact data that is absent
    in the file does not erase what is known, but for the place of somebody who moved: `records.portfolio_people`.
    To the channels that a person agreed to by their own word a file adds none: `domain.authorisation`. `banks` name
    the provider of the consents in the file by country, `bank` that of every other country. The mandates that rows
    name are kept; a loan whose mandate reference means another mandate is refused. `rules` is the folder of the
    jurisdiction packs, by which the place of somebody who moved is judged.

    Whoever is new, or whose telephone is, has the ways closed that others at that number closed:
    `records.portfolio_stops`.

    A loan known under another customer number is refused, and nothing of its row is kept. What the person closed and
    what counts against contacting them stand under the number it is known by; to carry them over is not sound: the
    other number may be another human being's, and what was copied would outlive the erasure of where it came from.
    So is one whose id, or whose person's, is known with other zeros in front: `records.known_spellings`; and a new one
    under a number that is known as somebody else's. Rows of one person agree: `intake.same_people` sees to it.
    Entering the same loans again into the same campaign changes nothing.
    """
    one_at_a_time(session, f"portfolio:{campaign.lender}")
    pinned = strategies.keep(session, strategy, at)
    refused: list[RefusedLoan] = []
    at_odds: list[ChannelsAtOdds] = []
    held = 0
    seen: set[str] = set()
    position = campaign.total
    actor = f"campaign {campaign.id}"
    with_new_number = array("q")
    spellings = KnownSpellings(session, campaign.lender)
    for page in _pages(loans):
        rows = []
        for loan in page:
            if loan.loan_id in seen:
                refused.append(RefusedLoan(loan.loan_id, loan.line, "stands twice in the portfolio"))
            else:
                seen.add(loan.loan_id)
                rows.append(loan)
        strange = spellings.otherwise(rows) | under_another_number(session, campaign.lender, rows)
        refused += [
            RefusedLoan(loan.loan_id, loan.line, strange[loan.loan_id]) for loan in rows if loan.loan_id in strange
        ]
        rows = [loan for loan in rows if loan.loan_id not in strange]
        entered_people = enter_people(session, campaign.lender, rows, at, rules)
        people, keys, anew = entered_people.refs, entered_people.keys, entered_people.readdressed
        at_odds += entered_people.at_odds
        odd = mandates.enter(session, campaign.lender, rows, people, keys, at)
        refused += [RefusedLoan(loan.loan_id, loan.line, odd[loan.loan_id]) for loan in rows if loan.loan_id in odd]
        rows = [loan for loan in rows if loan.loan_id not in odd]
        enter_consents(session, people, keys, rows, lambda country: banks.get(country, bank), at)
        entered, page_refused = enter_loans(session, campaign, people, rows, strategy, pinned, at)
        refused += page_refused
        close_wrong_numbers(session, anew, actor=actor, at=at)
        with_new_number.extend(ref for ref, addressed in anew.items() if addressed.phone is not None)
        places = []
        for loan in rows:
            if loan.loan_id in entered:
                position += 1
                places.append(
                    {
                        "campaign_id": campaign.id,
                        "loan_ref": entered[loan.loan_id],
                        "position": position,
                        "priority": loan.priority,
                    }
                )
        if places:
            session.execute(insert(CampaignLoan), places)
        held += len(places)
        person_keys.of(session).let_go(keys.values())
    campaign.total = position
    session.add(campaign)
    session.flush()
    note_channels(session, campaign, at_odds, at)
    carry_stops(session, with_new_number, actor=actor, at=at)
    return Entered(held=held, refused=tuple(refused), channels_at_odds=tuple(sorted(at_odds, key=lambda one: one.line)))


def _pages(loans: Iterable[PortfolioLoan]) -> Iterator[Sequence[PortfolioLoan]]:
    rest = iter(loans)
    while page := list(islice(rest, _PAGE)):
        yield page
