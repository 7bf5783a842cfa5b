"""What a debit's notice says: the day, the account and the mandate, as the file to the bank will have them."""

from __future__ import annotations

from sqlmodel import Session

from config.bank_file_settings import DirectDebit
from config.message_context import MessageContext
from domain.direct_debit import collection_day
from records import debits, mandates
from records.tables import Loan


def with_debit(session: Session, loan: Loan, context: MessageContext, settings: DirectDebit | None) -> MessageContext:
    """The context with the debit that is to be announced; unchanged where there is none."""
    debit = debits.announced_next(session, loan) if settings is not None else None
    creditor = settings.creditor_of(loan.lender) if settings is not None else None
    if debit is None or settings is None or creditor is None:
        return context
    mandate = mandates.by_ref(session, debit.mandate_ref)
    day = collection_day(
        context.today, notified_on=context.today, notice_days=debit.notice_days, lead_days=settings.lead_days
    )
    return context.model_copy(
        update={
            "debit_on": day,
            "mandate_reference": mandate.reference,
            "creditor_id": creditor.creditor_id,
            "account_ending": mandate.iban[-4:] if mandate.iban else None,
        }
    )
