"""The channels that a lender's file says people agreed to, beside what they said by their own word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from domain.authorisation import channels_after_file
from domain.contact import Channel
from domain.portfolio import PortfolioLoan
from records import audit
from records.tables import Campaign, Person


@dataclass(frozen=True)
class ChannelsAtOdds:
    """A row that says a person agreed to other channels than by their own word, noted at `noted_at`.

    `holding` are those that are kept. `news`: the file before did not say the same.
    """

    loan_id: str
    line: int
    in_file: tuple[str, ...]
    noted: tuple[str, ...]
    noted_at: datetime | None
    holding: tuple[str, ...]
    news: bool


def take_channels(
    rows: Sequence[PortfolioLoan], known: Mapping[str, Person], named: Mapping[str, dict[str, Any]]
) -> list[ChannelsAtOdds]:
    """Put into `named` which channels the rows say were agreed to, all of one person's, and which of them hold."""
    last: dict[str, tuple[PortfolioLoan, frozenset[Channel]]] = {}
    for loan in sorted(rows, key=lambda loan: loan.line):
        if loan.authorised_channels is not None:
            told = frozenset(loan.authorised_channels)
            last[loan.person_id] = (loan, told & last[loan.person_id][1] if loan.person_id in last else told)
    at_odds = []
    for person_id, (loan, told) in last.items():
        data, person = named[person_id], known.get(person_id)
        in_file = data["authorised_channels"] = data["channels_in_file"] = sorted(told)
        if person is None or (noted := _channels(person.channels_noted)) is None:
            continue
        told_before = _channels(person.channels_in_file)
        holding = channels_after_file(
            told, noted=noted, holding=_channels(person.authorised_channels), told_before=told_before
        )
        data["authorised_channels"] = None if holding is None else sorted(holding)
        if told != noted:
            at_odds.append(
                ChannelsAtOdds(
                    loan_id=loan.loan_id,
                    line=loan.line,
                    in_file=tuple(in_file),
                    noted=tuple(sorted(noted)),
                    noted_at=person.channels_noted_at,
                    holding=tuple(sorted(holding or ())),
                    news=told != told_before,
                )
            )
    return at_odds


def note_channels(session: Session, campaign: Campaign, at_odds: Iterable[ChannelsAtOdds], at: datetime) -> None:
    for one in at_odds:
        if one.news:
            audit.append(
                session,
                at=at,
                actor=f"campaign {campaign.id}",
                action="person_channels_at_odds",
                lender=campaign.lender,
                loan_id=one.loan_id,
                details={"in_file": one.in_file, "noted": one.noted, "holding": one.holding},
            )


def _channels(kept: list[str] | None) -> frozenset[Channel] | None:
    return None if kept is None else frozenset(Channel(name) for name in kept)
