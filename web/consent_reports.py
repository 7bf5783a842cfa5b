"""News of consents that their source tells by itself: over, or good until another day."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from domain.webhook_news import ConsentNews
from records import consents, people
from records.tables import ConsentStatus, LoanState
from web.consequence import Consequence, about, note
from web.ports import OwedSignal, SignalName


def record_consent(session: Session, news: ConsentNews, at: datetime) -> Consequence:
    """End the consent, or keep its last day and let the loans of who gave it know. One not valid here stays so."""
    rows = [row for row in consents.by_id(session, news.provider, news.consent_id) if row.status is ConsentStatus.VALID]
    if not rows:
        return Consequence(outcome="unknown_consent")
    signals: list[OwedSignal] = []
    outcome = "consent_over" if news.over is not None else "consent_ends"
    for row in rows:
        person = people.get(session, row.person_ref)
        theirs = people.loans_of(session, person)
        details: dict[str, JsonValue] = {"kind": news.kind}
        if news.over is not None:
            consents.end(session, row, ConsentStatus.EXPIRED, because=news.over, at=at)
        elif news.valid_until is not None and news.valid_until != row.valid_until:
            row.valid_until, row.changed_at = news.valid_until, at
            session.add(row)
            details["until"] = news.valid_until.isoformat()
            payload: dict[str, JsonValue] = {"valid_until": news.valid_until.isoformat()}
            signals += [
                OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=SignalName.CONSENT_GIVEN, payload=payload)
                for loan in theirs
                if loan.state is LoanState.IN_COLLECTION
            ]
        else:
            continue
        for loan in theirs[:1]:
            note(session, at, news.provider, outcome, loan.lender, loan.loan_id, details)
    return Consequence(outcome=outcome, signals=tuple(signals), person_refs=about(rows[0].person_ref))
