"""That an operator has read a platform's policy: kept in the audit trail, once for each lender."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from records import audit
from records.tables import Audit

WHATSAPP_ACKNOWLEDGED = "whatsapp_policy_acknowledged"


def acknowledge_whatsapp(session: Session, lender: str, *, actor: str, rule: str, source: str, at: datetime) -> None:
    """Keep that `actor` was shown WhatsApp's policy for `lender` and went on."""
    audit.append(
        session,
        at=at,
        actor=actor[:120],
        action=WHATSAPP_ACKNOWLEDGED,
        lender=lender,
        details={"rule": rule, "source": source},
    )


def whatsapp_acknowledged(session: Session, lender: str) -> bool:
    """Whether WhatsApp's policy was shown and acknowledged for `lender`."""
    found = session.exec(
        select(col(Audit.id)).where(Audit.action == WHATSAPP_ACKNOWLEDGED, Audit.lender == lender).limit(1)
    ).first()
    return found is not None
