"""`doctor` on the records: webhooks, contacts, cases and money that wait for somebody."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from commands.console import iso
from commands.doctor_findings import Finding, Mend, about
from commands.payment_entry import MANUAL
from domain.ledger_entries import CaseState, WordsState
from records import inquiries, links
from records.tables import (
    Audit,
    BankEntryRow,
    CollectionCase,
    Contact,
    ContactState,
    DebitFile,
    EntryState,
    Loan,
    OwnWords,
    Payment,
    Webhook,
)
from records.webhooks_held import without_workflow

_RELAYED_WITHIN = timedelta(minutes=2)
_SENT_WITHIN = timedelta(minutes=15)
_LOOKED_BACK = timedelta(days=30)
_MATCHED_WITHIN = timedelta(days=2)
_CLOSED_WITHIN = timedelta(days=1)
_UNMATCHED = "payment_unmatched"
_TAKEN_BACK_EARLIER = "earlier_reversal_unmatched"
_BOOK = "starter.py payment record LOAN AMOUNT --provider PROVIDER --id ID"
"""Under the provider's own id, or the money counts again when it is told again."""


def look_at_webhooks(session: Session, now: datetime, relay: Mend) -> list[Finding]:
    """Stored and not with their loans, but those whose loans their campaign has yet to start; and proven ones of no
    loan, but payments, which `look_at_payments` names, and reversals of earlier hand-overs, which `look_at_reversals`
    does."""
    unrelayed = session.exec(
        select(Webhook)
        .where(col(Webhook.relayed_at).is_(None))
        .where(or_(col(Webhook.received_at) < now - _RELAYED_WITHIN, col(Webhook.relay_attempts) >= 3))
        .order_by(col(Webhook.id))
    ).all()
    held = {one.webhook_id for one in without_workflow(session) if one.held} if unrelayed else set()
    waiting = [row for row in unrelayed if row.id not in held]
    errors = sorted({row.relay_error for row in waiting if row.relay_error})
    found = about(
        "webhooks_unrelayed",
        "{n} webhooks are stored and not with their loans" + (f": {'; '.join(errors)[:200]}" if errors else ""),
        "a loan that does not hear of its payment goes on as if it were unpaid",
        "starter.py webhooks relay",
        (row.id for row in waiting),
        relay,
    )
    nobodys = session.exec(
        select(Webhook.id)
        .where(or_(col(Webhook.outcome).contains("unmatched"), col(Webhook.outcome) == "unreadable"))
        .where(col(Webhook.outcome).not_in((_UNMATCHED, _TAKEN_BACK_EARLIER)))
        .where(col(Webhook.received_at) > now - _LOOKED_BACK)
    ).all()
    return found + about(
        "webhooks_unmatched",
        "{n} proven webhooks of the last 30 days belong to no loan or could not be read",
        "they may be money that no loan counts",
        f"{_BOOK}   (after finding the payment in the provider's own pages)",
        nobodys,
    )


def look_at_payments(session: Session, now: datetime) -> list[Finding]:
    """Money that no loan counts: what named a loan however long ago it came, else what came of late.

    The rest of an account that other businesses use too stays nobody's for ever. What was booked under its id as
    `manual` for the loan it named, as money in another currency has to be, is counted so.
    """
    by_hand = aliased(Payment)
    its_loan = aliased(Loan)
    booked_by_hand = select(by_hand.id).where(
        col(its_loan.id) == col(by_hand.loan_ref),
        or_(col(Payment.named_loan).is_(None), col(Payment.named_loan) == col(its_loan.loan_id)),
        or_(col(Payment.named_lender).is_(None), col(Payment.named_lender) == col(its_loan.lender)),
        col(by_hand.provider) == MANUAL,
        col(by_hand.payment_id) == col(Payment.payment_id),
        col(by_hand.reversed_at).is_(None),
    )
    rows = session.exec(
        select(Payment.provider, Payment.payment_id)
        .where(col(Payment.loan_ref).is_(None), col(Payment.reversed_at).is_(None))
        .where(or_(col(Payment.named_loan).is_not(None), col(Payment.received_at) > now - _LOOKED_BACK))
        .where(~booked_by_hand.exists())
        .order_by(col(Payment.id).desc())
    ).all()
    return about(
        "payments_unmatched",
        "{n} payments belong to no loan",
        "who paid may still be reminded; what came for another business than these loans needs nothing",
        f"{_BOOK}   (each stands below as PROVIDER ID, the newest first)",
        (f"{provider} {payment_id}" for provider, payment_id in rows),
    )


def look_at_reversals(session: Session, now: datetime) -> list[Finding]:
    """Money of earlier hand-overs that was taken back: what was handed over anew may hold it as paid.

    By the audit trail: whoever told of it, nothing that a loan counts has changed.
    """
    rows = session.exec(
        select(Audit)
        .where(Audit.action == "webhook_needs_person", col(Audit.at) > now - _LOOKED_BACK)
        .order_by(col(Audit.id).desc())
    ).all()
    return about(
        "reversals_of_earlier_entries",
        "{n} payments of earlier hand-overs were taken back in the last 30 days",
        "the amount that was handed over anew may count them as paid: then less is asked for than is owed",
        "starter.py loan show LOAN; where the amount holds the payment the lender hands over what is owed now, or lets "
        "it be   (each stands below as LOAN PROVIDER ID, the newest first)",
        (_money_in_words(row) for row in rows if row.details.get("kind") == "reversal:earlier_entry"),
    )


def _money_in_words(row: Audit) -> str:
    named = row.details.get("reference") or row.details.get("payment_id")
    return f"{row.loan_id} {row.details.get('provider') or row.actor} {named}"


def look_at_contacts(session: Session, now: datetime, look_up: Mend) -> list[Finding]:
    """Contacts that were begun and whose fate nobody knows."""
    rows = session.exec(
        select(Contact, Loan)
        .join(Loan, col(Loan.id) == col(Contact.loan_ref))
        .where(
            or_(
                (col(Contact.state) == ContactState.SENDING) & (col(Contact.changed_at) < now - _SENT_WITHIN),
                (col(Contact.state) == ContactState.UNKNOWN) & (col(Contact.changed_at) > now - _LOOKED_BACK),
            )
        )
        .order_by(col(Contact.id))
    ).all()
    return about(
        "contacts_unknown",
        "{n} contacts were begun and it is not known whether they were sent",
        "they count as sent and are never sent again blindly; a carrier that can be asked settles them",
        "starter.py doctor --mend   (asks the carriers that can be asked)",
        (f"{loan.loan_id}/{contact.step}/{contact.occurrence}" for contact, loan in rows),
        look_up,
    )


def look_at_cases(session: Session, now: datetime) -> list[Finding]:
    """Cases that nobody decided in time."""
    rows = session.exec(
        select(CollectionCase)
        .where(CollectionCase.state == CaseState.OPEN, col(CollectionCase.sla_at) < now)
        .order_by(col(CollectionCase.sla_at))
    ).all()
    queues = ", ".join(sorted({row.queue for row in rows}))
    since = f", the oldest since {iso(rows[0].sla_at)}" if rows and rows[0].sla_at else ""
    return about(
        "cases_late",
        "{n} cases are past their SLA in " + queues + since,
        "a case may hold its loan: nothing moves until a person decides",
        "starter.py case list; starter.py case decide CASE --decision continue --by YOU",
        (row.case_id for row in rows),
    )


def look_at_words(session: Session, now: datetime) -> list[Finding]:
    """What people wrote to borrowers and no loan was told of, because it could not be reached."""
    rows = session.exec(
        select(Loan.loan_id)
        .join(OwnWords, col(OwnWords.loan_ref) == col(Loan.id))
        .where(
            OwnWords.state == WordsState.WRITTEN,
            col(OwnWords.written_at) < now - _SENT_WITHIN,
            col(OwnWords.written_at) > now - _LOOKED_BACK,
        )
        .order_by(col(OwnWords.id))
    ).all()
    return about(
        "words_not_ordered",
        "{n} messages that people wrote are kept and their loans were not told of them",
        "a borrower waits for an answer that nobody sends",
        "starter.py loan thread LOAN; where it is still to be said: starter.py loan write LOAN --text ...; "
        "then take the old one back: starter.py loan withdraw-words LOAN WORDS --by YOU",
        rows,
    )


def look_at_links(session: Session, now: datetime) -> list[Finding]:
    """Payment links that take money although they should not, because their gateway does not close them."""
    return about(
        "links_not_closed",
        "{n} loans have payment links that should be closed, and their gateway has not closed them for more than a day",
        "whoever pays by one pays too much, or again: the money has to be given back",
        "starter.py audit list --action link_not_closed; mend it at the gateway or in the settings and restart the "
        "workers, which try every minute",
        links.not_closed_since(session, now - _LOOKED_BACK, now - _CLOSED_WITHIN),
    )


def look_at_bank(session: Session, now: datetime) -> list[Finding]:
    """Payments and files of direct debits whose fate nobody knows; money on statements that waits for a person."""
    files = session.exec(
        select(DebitFile.message_id).where(
            col(DebitFile.answered_at).is_(None), col(DebitFile.made_at) < now - _SENT_WITHIN
        )
    ).all()
    waiting = session.exec(
        select(BankEntryRow.id).where(
            BankEntryRow.state == EntryState.WAITING, col(BankEntryRow.taken_at) < now - _MATCHED_WITHIN
        )
    ).all()
    late = [f"{one.provider} {reference}" for one in inquiries.overdue(session, now) for reference in one.ids]
    unanswered = about(
        "payments_unanswered",
        "{n} payments, transfers or direct debits were asked about and nobody knows what became of them",
        "they may be money that no loan counts; no transfer or debit is begun again while its fate is unknown",
        f"starter.py debit fetch; then look in the provider's own pages and book it with {_BOOK}; "
        "a direct debit (sepa-dd) is closed by starter.py debit settle REFERENCE --came or --not-collected",
        late,
    )
    return (
        unanswered
        + about(
            "debit_files_unanswered",
            "{n} files of direct debits were made and it is not known whether the bank has them",
            "their debits may be collected late; none is made twice",
            "starter.py debit submit   (looks each up at the bank first)",
            files,
        )
        + about(
            "bank_entries_waiting",
            "{n} entries of bank statements wait for a person for more than two days",
            "they may be payments of people who are being reminded",
            "starter.py reconcile list; starter.py reconcile suggest ENTRY",
            waiting,
        )
    )
