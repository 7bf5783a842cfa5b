"""What the records hold of one loan, as `loan show` and the API answer it; names and addresses only when asked."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from domain.contact import Channel
from domain.moments import iso
from records import agreements, audit, cases, contacts, links, loans, payments, people
from records.tables import Agreement, Campaign, CollectionCase, Contact, Loan, LoanState, Payment
from web.answers import (
    AgreementAnswer,
    CaseAnswer,
    ContactAnswer,
    ContactData,
    EvidenceAnswer,
    HistoryAnswer,
    InstalmentAnswer,
    LoanAnswer,
    PaymentAnswer,
)


def loan_record(session: Session, loan: Loan, *, contact_data: bool, history: bool) -> LoanAnswer:
    """What was not asked for (`contact_data`, `history`) is unset in the answer."""
    person = people.of_loan(session, loan)
    campaign = session.get(Campaign, loan.campaign_id) if loan.campaign_id else None
    told = LoanAnswer(
        lender=loan.lender,
        loan_id=loan.loan_id,
        person_id=person.person_id,
        workflow_id=f"loan-{loan.lender}-{loan.loan_id}",
        campaign_id=loan.campaign_id,
        campaign_name=campaign.name if campaign else None,
        strategy=f"{loan.strategy_name}@{loan.strategy_version}",
        state=loan.state.value,
        held_by_a_campaign=loans.is_held(session, loan) if loan.state is LoanState.WAITING else None,
        end=loan.end_kind,
        ended_at=_iso(loan.ended_at),
        entry=loan.entry,
        entered_at=_iso(loan.entered_at),
        due_date=loan.due_date.isoformat(),
        currency=loan.currency,
        amount_handed_over_minor=loan.amount_due_minor,
        balance_due_minor=payments.balance_due(session, loan),
        grade=loan.grade,
        country=person.country,
        region=person.region,
        city=person.city,
        authorised_channels=person.authorised_channels,
        language=person.language,
        timezone=person.timezone,
        channels_with_address=[
            channel.value for channel in Channel if people.address(session, person, channel) is not None
        ],
        opted_out=sorted(people.opted_out(session, person)),
        flags=sorted(people.flags(session, person)),
        payments=[_payment(row) for row in payments.of_loan(session, loan)],
        contacts=[_contact(row) for row in contacts.of_loan(session, loan)],
        open_payment_links=len(links.open_links(session, loan)),
        agreements=[agreement_record(session, row) for row in agreements.of_loan(session, loan)],
        cases=[case_record(row, loan, contact_data=contact_data) for row in cases.of_loan(session, loan)],
    )
    if contact_data:
        told.contact_data = ContactData(name=person.name, phone=person.phone, email=person.email)
    if history:
        told.history = [
            HistoryAnswer(at=iso(row.at), actor=row.actor, action=row.action, details=row.details)
            for row in audit.of_loan(session, loan.lender, loan.loan_id)
        ]
    return told


def agreement_record(session: Session, row: Agreement) -> AgreementAnswer:
    return AgreementAnswer(
        number=row.number,
        entry=row.entry,
        kind=row.kind.value,
        state=row.state.value,
        made_at=iso(row.made_at),
        made_by=row.made_by,
        via=row.via.value,
        option=row.option,
        rule=row.rule,
        balance_minor=row.balance_minor,
        total_minor=row.total_minor,
        remission_minor=row.remission_minor,
        added_minor=row.added_minor,
        grace_days=row.grace_days,
        tolerance_minor=row.tolerance_minor,
        fees_frozen=row.fees_frozen,
        version=row.version,
        revision=row.revision,
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        expires_at=_iso(row.expires_at),
        ended_at=_iso(row.ended_at),
        evidence=EvidenceAnswer(
            at=_iso(row.evidence_at),
            message_id=row.evidence_message_id,
            text_hash=row.evidence_sha256,
        )
        if row.evidence_at is not None
        else None,
        move_evidence=EvidenceAnswer(
            at=_iso(row.move_at),
            message_id=row.move_message_id,
            text_hash=row.move_sha256,
        )
        if row.move_at is not None
        else None,
        instalments=[
            InstalmentAnswer(
                number=each.number,
                due=each.due.isoformat(),
                amount_minor=each.amount_minor,
                paid_minor=each.paid_minor,
                missed=each.missed,
                moved=each.moved,
            )
            for each in agreements.instalments_of(session, row)
        ],
    )


def case_record(case: CollectionCase, loan: Loan, *, contact_data: bool) -> CaseAnswer:
    """The note is in somebody's own words, and so among what is told only when asked for."""
    return CaseAnswer(
        case_id=case.case_id,
        lender=loan.lender,
        loan_id=loan.loan_id,
        kind=case.kind,
        queue=case.queue,
        reason=case.reason,
        state=case.state.value,
        opened_at=iso(case.opened_at),
        sla_at=_iso(case.sla_at),
        assignments=len(case.assignments),
        decision=case.decision,
        decided_by=case.decided_by if case.decision is not None else None,
        decided_at=_iso(case.decided_at),
        note=case.note if contact_data and case.decision is not None else None,
    )


def _payment(row: Payment) -> PaymentAnswer:
    return PaymentAnswer(
        provider=row.provider,
        payment_id=row.payment_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        paid_at=iso(row.paid_at),
        received_at=iso(row.received_at),
        reversed_at=_iso(row.reversed_at),
        source=row.source.value,
        entry=row.entry,
    )


def _contact(row: Contact) -> ContactAnswer:
    return ContactAnswer(
        step=row.step,
        occurrence=row.occurrence,
        purpose=row.purpose.value,
        channel=row.channel.value,
        template=row.template,
        state=row.state.value,
        reserved_at=iso(row.reserved_at),
        sent_at=_iso(row.sent_at),
        error_code=row.error_code,
        entry=row.entry,
    )


def _iso(at: datetime | None) -> str | None:
    return iso(at) if at is not None else None
