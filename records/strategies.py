"""Strategies as they were when loans were pinned to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from domain.strategy import Strategy
from records.tables import Loan, StrategySnapshot


def digest(strategy: Strategy) -> str:
    """The SHA-256 of a strategy's content, hex."""
    canonical = json.dumps(strategy.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def keep(session: Session, strategy: Strategy, at: datetime) -> str:
    """Keep a copy of `strategy` unless the same content is kept already; returns its digest."""
    key = digest(strategy)
    if session.get(StrategySnapshot, key) is None:
        session.add(
            StrategySnapshot(
                digest=key,
                name=strategy.name,
                version=strategy.version,
                data=strategy.model_dump(mode="json"),
                kept_at=at,
            )
        )
        session.flush()
    return key


_READ: dict[str, Strategy] = {}
"""Strategies by their digest, which is of their content: a campaign starts many loans with the same."""
_READ_AT_MOST = 256


def load(session: Session, key: str) -> Strategy:
    """The strategy kept under a digest. Raises KeyError when there is none and this process has not read it before."""
    known = _READ.get(key)
    if known is not None:
        return known
    snapshot = session.get(StrategySnapshot, key)
    if snapshot is None:
        raise KeyError(key)
    if len(_READ) >= _READ_AT_MOST:
        _READ.clear()
    _READ[key] = Strategy.model_validate(snapshot.data)
    return _READ[key]


def of_loan(session: Session, loan: Loan) -> Strategy:
    """The strategy a loan is pinned to."""
    return load(session, loan.strategy_digest)


def pinned(session: Session, of: Sequence[tuple[str, str]]) -> list[tuple[tuple[str, str, int], str]]:
    """Of loans by lender and loan id: lender, loan id and entry, and the digest of the strategy they are pinned to."""
    rows = session.exec(
        select(Loan.lender, Loan.loan_id, Loan.entry, Loan.strategy_digest).where(
            tuple_(col(Loan.lender), col(Loan.loan_id)).in_(of)
        )
    ).all()
    return [((lender, loan_id, entry), digest) for lender, loan_id, entry, digest in rows]


def pin(session: Session, loan: Loan, strategy: Strategy, at: datetime) -> None:
    """Move a loan to another strategy or version."""
    loan.strategy_digest = keep(session, strategy, at)
    loan.strategy_name = strategy.name
    loan.strategy_version = strategy.version
    session.add(loan)
    session.flush()
