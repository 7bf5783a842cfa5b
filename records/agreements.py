"""Agreements as the records keep them: each as its loan last told it, with the words that accepted it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from domain.agreements import model
from records.tables import Agreement, AgreementEvidence, AgreementInstalment, InboundMessage, Loan


def keep(
    session: Session,
    loan: Loan,
    agreement: model.Agreement,
    paid_minor: Sequence[int],
    *,
    of_entry: int,
    at: datetime,
) -> Agreement:
    """Write an agreement as it stands now, and what all of the loan's agreements together change in its debt."""
    assert loan.id is not None
    evidence, moved = agreement.evidence, agreement.move_evidence
    values: dict[str, Any] = {
        "kind": agreement.kind,
        "state": agreement.state,
        "made_at": agreement.made_at,
        "made_by": agreement.by,
        "via": agreement.via,
        "balance_minor": agreement.balance_minor,
        "total_minor": agreement.total_minor,
        "remission_minor": agreement.remission_minor,
        "added_minor": agreement.added_minor,
        "adjustment_minor": agreement.adjustment_minor,
        "grace_days": agreement.grace_days,
        "tolerance_minor": agreement.tolerance_minor,
        "fees_frozen": agreement.fees_frozen,
        "option": agreement.option,
        "rule": agreement.rule,
        "version": agreement.version,
        "revision": agreement.revision,
        "proposed_by": agreement.proposed_by,
        "approved_by": agreement.approved_by,
        "expires_at": agreement.expires_at,
        "evidence_at": evidence.at if evidence else None,
        "evidence_message_id": evidence.message_id if evidence else None,
        "evidence_sha256": evidence.text_sha256 if evidence else None,
        "move_at": moved.at if moved else None,
        "move_message_id": moved.message_id if moved else None,
        "move_sha256": moved.text_sha256 if moved else None,
        "ended_at": agreement.ended_at,
        "changed_at": at,
    }
    row = find(session, loan, agreement.number, entry=of_entry)
    if row is None:
        row = Agreement(loan_ref=loan.id, entry=of_entry, number=agreement.number, **values)
    else:
        row.sqlmodel_update(values)
    session.add(row)
    session.flush()
    _keep_instalments(session, loan, row, agreement, paid_minor)
    for yes in (evidence, moved):
        if yes is not None:
            _keep_words_of_message(session, loan, yes)
    if of_entry == loan.entry:
        loan.adjusted_minor = _adjustments(session, loan)
        session.add(loan)
        session.flush()
    return row


def void(session: Session, loan: Loan, *, at: datetime) -> None:
    """What is in force or offered in the loan's current entry is over: the loan left collection."""
    over = {*model.LIVE, model.AgreementState.PROPOSED}
    for row in of_loan(session, loan):
        if row.entry == loan.entry and row.state in over:
            row.state, row.ended_at, row.changed_at = model.AgreementState.VOID, at, at
            row.adjustment_minor = 0
            session.add(row)
    session.flush()
    loan.adjusted_minor = _adjustments(session, loan)
    session.add(loan)
    session.flush()


def find(session: Session, loan: Loan, number: int, *, entry: int | None = None) -> Agreement | None:
    """An agreement of the loan's current entry, or of another, by its number."""
    return session.exec(
        select(Agreement).where(
            Agreement.loan_ref == loan.id,
            Agreement.entry == (loan.entry if entry is None else entry),
            Agreement.number == number,
        )
    ).first()


def in_force(session: Session, loan: Loan) -> Agreement | None:
    """The one that is kept now in the loan's current entry."""
    live = [row for row in of_loan(session, loan) if row.entry == loan.entry and row.state in model.LIVE]
    return live[-1] if live else None


def forgiven_minor(session: Session, loan: Loan) -> int:
    """What settlements of the loan's current entry that were completed have forgiven, minor units."""
    done = (
        row for row in of_loan(session, loan) if row.entry == loan.entry and row.state is model.AgreementState.COMPLETED
    )
    return sum(-row.adjustment_minor for row in done if row.kind is model.AgreementKind.SETTLEMENT)


def as_made(session: Session, row: Agreement) -> model.Agreement:
    """The agreement as its loan told it the last time.

    Without what the records do not hold: which payments it was made in the knowledge of, grace given anew, whether it
    stands still, and what was said of it.
    """
    return model.Agreement(
        number=row.number,
        kind=row.kind,
        state=row.state,
        made_at=row.made_at,
        by=row.made_by,
        via=row.via,
        instalments=tuple(
            model.Instalment(
                number=each.number, due=each.due, amount_minor=each.amount_minor, moved=each.moved, missed=each.missed
            )
            for each in instalments_of(session, row)
        ),
        balance_minor=row.balance_minor,
        grace_days=row.grace_days,
        tolerance_minor=row.tolerance_minor,
        option=row.option,
        rule=row.rule,
        fees_frozen=row.fees_frozen,
        evidence=_evidence(row.evidence_at, row.evidence_message_id, row.evidence_sha256),
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        expires_at=row.expires_at,
        remission_minor=row.remission_minor,
        added_minor=row.added_minor,
        version=row.version,
        revision=row.revision,
        move_evidence=_evidence(row.move_at, row.move_message_id, row.move_sha256),
        ended_at=row.ended_at,
    )


def _evidence(at: datetime | None, message_id: str | None, sha256: str | None) -> model.Evidence | None:
    return None if at is None else model.Evidence(at=at, message_id=message_id, text_sha256=sha256)


def was_in_force(agreement: Agreement) -> bool:
    """As the property of the same name of the loan's own agreements."""
    return agreement.expires_at is None


def of_loan(session: Session, loan: Loan) -> Sequence[Agreement]:
    """All agreements of a loan over all entries, oldest first."""
    return session.exec(
        select(Agreement).where(Agreement.loan_ref == loan.id).order_by(col(Agreement.entry), col(Agreement.number))
    ).all()


def instalments_of(session: Session, agreement: Agreement) -> Sequence[AgreementInstalment]:
    return session.exec(
        select(AgreementInstalment)
        .where(AgreementInstalment.agreement_ref == agreement.id)
        .order_by(col(AgreementInstalment.number))
    ).all()


def keep_words(
    session: Session, loan: Loan, words: str, *, at: datetime, message_id: str | None = None
) -> AgreementEvidence:
    """Keep what the borrower said, sealed; the loan's agreement refers to it by its hash."""
    assert loan.id is not None
    sha256 = hashlib.sha256(words.encode("utf-8")).hexdigest()
    known = session.exec(
        select(AgreementEvidence).where(
            AgreementEvidence.loan_ref == loan.id,
            AgreementEvidence.sha256 == sha256,
            AgreementEvidence.message_id == message_id,
        )
    ).first()
    if known is not None:
        return known
    kept = AgreementEvidence(loan_ref=loan.id, at=at, message_id=message_id, sha256=sha256, text=words)
    session.add(kept)
    session.flush()
    return kept


def words(session: Session, loan: Loan, sha256: str | None) -> str | None:
    """The words of that hash that the loan's borrower said; None where they were not kept, or are gone."""
    found = select(AgreementEvidence).where(AgreementEvidence.loan_ref == loan.id, AgreementEvidence.sha256 == sha256)
    kept = session.exec(found).first() if sha256 is not None else None
    return kept.text if kept is not None else None


def _keep_words_of_message(session: Session, loan: Loan, evidence: model.Evidence) -> None:
    """The yes that came in a message stays with the agreement as long as that does, however long messages are kept."""
    provider, _, message_id = (evidence.message_id or "").partition(":")
    if not message_id or evidence.text_sha256 is None:
        return
    said = session.exec(
        select(InboundMessage).where(
            InboundMessage.provider == provider,
            InboundMessage.provider_message_id == message_id,
            InboundMessage.person_ref == loan.person_ref,
        )
    ).first()
    text = said.text if said is not None else None
    if text is not None and hashlib.sha256(text.encode("utf-8")).hexdigest() == evidence.text_sha256:
        keep_words(session, loan, text, at=evidence.at, message_id=evidence.message_id)


def _keep_instalments(
    session: Session, loan: Loan, row: Agreement, agreement: model.Agreement, paid_minor: Sequence[int]
) -> None:
    assert row.id is not None
    assert loan.id is not None
    for instalment, paid in zip(agreement.instalments, paid_minor, strict=True):
        values: dict[str, Any] = {
            "due": instalment.due,
            "amount_minor": instalment.amount_minor,
            "paid_minor": paid,
            "missed": instalment.missed,
            "moved": instalment.moved,
        }
        kept = session.get(AgreementInstalment, (row.id, instalment.number))
        if kept is None:
            kept = AgreementInstalment(agreement_ref=row.id, number=instalment.number, loan_ref=loan.id, **values)
        else:
            kept.sqlmodel_update(values)
        session.add(kept)
    session.flush()


def _adjustments(session: Session, loan: Loan) -> int:
    found = session.exec(
        select(func.coalesce(func.sum(Agreement.adjustment_minor), 0)).where(
            Agreement.loan_ref == loan.id, Agreement.entry == loan.entry
        )
    ).one()
    return int(found)
