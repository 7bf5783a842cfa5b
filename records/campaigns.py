"""Campaigns: which loans to start, in what order, and how far it came."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select, update

from records import audit
from records.tables import Audit, Campaign, CampaignLoan, CampaignState, Loan, LoanState

_STOPPED = "campaign_stopped"
_NOTED = {CampaignState.STOPPED: _STOPPED, CampaignState.PAUSED: "campaign_paused"}


class UnknownCampaign(LookupError):
    """No campaign has this id."""


class CampaignExists(ValueError):
    """Another campaign has this id."""


@dataclass(frozen=True)
class Place:
    """A loan that waits for its start, at `position` of the campaign (from 1)."""

    position: int
    lender: str
    loan_id: str


@dataclass(frozen=True)
class Progress:
    """Counts of loans: `total` = `waiting` + `started` + `refused` + `stopped`.

    `ends` are of the started ones, by kind. `handed_over_again` of them ended too and are another campaign's since: how
    they ended here, and what they brought, is not kept apart from what they are now.
    """

    total: int
    waiting: int
    started: int
    refused: int
    stopped: int
    ends: dict[str, int]
    handed_over_again: int = 0

    @property
    def open(self) -> int:
        """Started loans that have not ended."""
        return self.started - sum(self.ends.values()) - self.handed_over_again


def create(
    session: Session,
    *,
    campaign_id: str,
    name: str,
    lender: str,
    strategy_key: str,
    source_file: str,
    at: datetime,
) -> Campaign:
    """A new campaign, or the one created before with the same content. Raises CampaignExists."""
    known = session.get(Campaign, campaign_id)
    if known is not None:
        if (known.name, known.lender, known.strategy_key, known.source_file) == (
            name,
            lender,
            strategy_key,
            source_file,
        ):
            return known
        raise CampaignExists(f"campaign {campaign_id!r} exists already with other content")
    campaign = Campaign(
        id=campaign_id,
        name=name,
        lender=lender,
        strategy_key=strategy_key,
        source_file=source_file,
        created_at=at,
    )
    session.add(campaign)
    session.flush()
    return campaign


def get(session: Session, campaign_id: str) -> Campaign:
    """A campaign by its id. Raises UnknownCampaign."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise UnknownCampaign(f"no campaign {campaign_id!r}")
    return campaign


def listing(session: Session) -> Sequence[Campaign]:
    """All campaigns, oldest first."""
    return session.exec(select(Campaign).order_by(col(Campaign.created_at), col(Campaign.id))).all()


def set_state(
    session: Session,
    campaign: Campaign,
    state: CampaignState,
    *,
    at: datetime,
    order: int | None = None,
    until: datetime | None = None,
) -> None:
    """Note where a campaign stands. A stopped one lets go of the loans it has not started.

    `order`: the number of the order that brings it there; `until`: the end of a pause, exclusive.
    Works in `Database.writing` alone: each pause and stop stands in the audit trail, once.
    """
    action = _NOTED.get(state)
    if action is not None and (campaign.state is not state or _is_new(session, campaign, action, order)):
        details: dict[str, Any] = {"campaign_id": campaign.id}
        details |= {"order": order} if order is not None else {}
        details |= {"until": until.isoformat()} if until is not None else {}
        audit.append(session, at=at, actor="campaign workflow", action=action, lender=campaign.lender, details=details)
    campaign.state = state
    session.add(campaign)
    session.flush()
    if state is CampaignState.STOPPED:
        session.exec(
            update(CampaignLoan)
            .where(
                col(CampaignLoan.campaign_id) == campaign.id,
                col(CampaignLoan.started_at).is_(None),
                col(CampaignLoan.released_at).is_(None),
            )
            .values(released_at=at)
        )


def noted_orders(session: Session, campaign: Campaign) -> set[tuple[CampaignState, int | None]]:
    """The pauses and stops that the audit trail holds, each by the number of its order."""
    return {
        (state, line.details.get("order"))
        for state, action in _NOTED.items()
        for line in _lines(session, campaign, action)
    }


def _is_new(session: Session, campaign: Campaign, action: str, order: int | None) -> bool:
    noted = [line.details.get("order") for line in _lines(session, campaign, action)]
    return order is not None and order not in noted


def _lines(session: Session, campaign: Campaign, action: str) -> list[Audit]:
    """Oldest first."""
    return [line for line in audit.of_action(session, action) if line.details.get("campaign_id") == campaign.id]


def paused_until(session: Session, campaign: Campaign) -> datetime | None:
    """When the pause of a paused campaign is over for its loans, which may be past.

    None: it is not paused, or the end was not noted, as versions up to 0.1.0 noted none.
    """
    if campaign.state is not CampaignState.PAUSED:
        return None
    noted = _lines(session, campaign, _NOTED[CampaignState.PAUSED])
    until = noted[-1].details.get("until") if noted else None
    return datetime.fromisoformat(until) if isinstance(until, str) else None


def came_back_since_stop(session: Session, campaign: Campaign, loan: Loan) -> bool:
    """Whether a payment was taken back of the loan, which had ended, after its campaign was stopped.

    A stop that was not noted, as 0.1.0 noted none, is taken for the later.
    """
    back = [line.id for line in audit.of_loan(session, loan.lender, loan.loan_id) if line.action == "reopened"]
    if not back:
        return False
    stops = [line.id for line in _lines(session, campaign, _STOPPED)]
    return bool(stops) and (stops[-1] or 0) < (back[-1] or 0)


def claim_page(session: Session, campaign_id: str, *, after: int = 0, limit: int = 100) -> list[Place]:
    """The next loans to start, in order, from the first position greater than `after`.

    A loan stays in the page until it is marked started or refused: after a crash ask again with `after` 0.
    """
    rows = session.exec(
        select(CampaignLoan.position, Loan.lender, Loan.loan_id)
        .join(Loan, col(Loan.id) == col(CampaignLoan.loan_ref))
        .where(
            CampaignLoan.campaign_id == campaign_id,
            CampaignLoan.position > after,
            col(CampaignLoan.started_at).is_(None),
            col(CampaignLoan.released_at).is_(None),
        )
        .order_by(col(CampaignLoan.position))
        .limit(limit)
    ).all()
    return [Place(position, lender, loan_id) for position, lender, loan_id in rows]


def mark_started(session: Session, campaign_id: str, positions: Sequence[int], *, at: datetime) -> None:
    """The workflows of these loans run."""
    here = (col(CampaignLoan.campaign_id) == campaign_id, col(CampaignLoan.position).in_(positions))
    session.exec(update(CampaignLoan).where(*here, col(CampaignLoan.started_at).is_(None)).values(started_at=at))
    session.exec(
        update(Loan)
        .where(col(Loan.id).in_(select(CampaignLoan.loan_ref).where(*here)), col(Loan.state) == LoanState.WAITING)
        .values(state=LoanState.IN_COLLECTION)
        .execution_options(synchronize_session=False)
    )


def mark_refused(session: Session, campaign_id: str, position: int, *, reason: str, at: datetime) -> None:
    """This loan will not be started by the campaign; another may take it."""
    session.exec(
        update(CampaignLoan)
        .where(col(CampaignLoan.campaign_id) == campaign_id, col(CampaignLoan.position) == position)
        .values(refused=reason[:200], released_at=at)
    )


def started_loans(session: Session, campaign_id: str, *, running: bool = True) -> list[tuple[str, str]]:
    """(lender, loan id) of the loans it started, in order; with `running` only those still in collection."""
    query = (
        select(Loan.lender, Loan.loan_id)
        .join(CampaignLoan, col(CampaignLoan.loan_ref) == col(Loan.id))
        .where(CampaignLoan.campaign_id == campaign_id, col(CampaignLoan.started_at).is_not(None))
        .order_by(col(CampaignLoan.position))
    )
    if running:
        query = query.where(Loan.state == LoanState.IN_COLLECTION, Loan.campaign_id == campaign_id)
    return [(lender, loan_id) for lender, loan_id in session.exec(query).all()]


def progress(session: Session, campaign_id: str) -> Progress:
    """How far a campaign came. Raises UnknownCampaign."""
    get(session, campaign_id)
    return progress_of(session, [campaign_id])[campaign_id]


def progress_of(session: Session, campaign_ids: Collection[str]) -> dict[str, Progress]:
    """How far each came, in three queries however many they are; one without loans has noughts."""
    started = col(CampaignLoan.started_at).is_not(None)
    place = case(
        (started, "started"),
        (col(CampaignLoan.refused).is_not(None), "refused"),
        (col(CampaignLoan.released_at).is_not(None), "stopped"),
        else_="waiting",
    ).label("place")
    totals = {id_: {"started": 0, "refused": 0, "stopped": 0, "waiting": 0} for id_ in campaign_ids}
    for id_, kind, number in session.exec(
        select(CampaignLoan.campaign_id, place, func.count())
        .where(col(CampaignLoan.campaign_id).in_(campaign_ids))
        .group_by(col(CampaignLoan.campaign_id), place)
    ).all():
        totals[id_][kind] += number
    ends: dict[str, dict[str, int]] = {id_: {} for id_ in campaign_ids}
    for id_, end, number in session.exec(
        select(CampaignLoan.campaign_id, Loan.end_kind, func.count())
        .join(Loan, col(CampaignLoan.loan_ref) == col(Loan.id))
        .where(
            col(CampaignLoan.campaign_id).in_(campaign_ids),
            started,
            Loan.campaign_id == CampaignLoan.campaign_id,
            Loan.state == LoanState.ENDED,
        )
        .group_by(col(CampaignLoan.campaign_id), col(Loan.end_kind))
    ).all():
        if end is not None:
            ends[id_][end] = number
    elsewhere = dict(
        session.exec(
            select(CampaignLoan.campaign_id, func.count())
            .join(Loan, col(CampaignLoan.loan_ref) == col(Loan.id))
            .where(
                col(CampaignLoan.campaign_id).in_(campaign_ids),
                started,
                Loan.campaign_id != CampaignLoan.campaign_id,
            )
            .group_by(col(CampaignLoan.campaign_id))
        ).all()
    )
    return {
        id_: Progress(total=sum(of.values()), **of, ends=ends[id_], handed_over_again=elsewhere.get(id_, 0))
        for id_, of in totals.items()
    }
