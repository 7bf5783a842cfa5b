"""Whether a debit that its loan ordered goes into today's file, waits, or will not be made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.transfer_standing import Standing, standing_of
from config.bank_file_settings import SepaCreditor
from domain.contact_rules import HOLD_DEBITS
from domain.direct_debit import PROVIDER, collection_day, file_day, is_as_announced, outcome_known_by
from domain.settlement_days import days_after
from providers.payments.berlin_group_pis_codes import TO_BE_CONFIRMED
from records import cases, debits, inquiries, mandates, owed_signals, payments, people
from records.tables import Debit, Loan, LoanState, Mandate

ACTOR = "direct debit"
NO_MANDATE = "MD01"
NOT_AS_ANNOUNCED = "DT01"
NO_LONGER_AWAITED = "its loan no longer waits for it"
IN_NO_FILE_IN_TIME = "it went into no file in time"
BANK_ZONE = ZoneInfo("Europe/Madrid")
UNCONFIRMED_HOLDS = timedelta(days=1)
"""How long before the day of a file a transfer may be begun and hold a debit while its account holder confirms it."""


@dataclass(frozen=True)
class Fit:
    """What a debit is collected with, as things stand."""

    mandate: Mandate
    collect_on: date
    amount_minor: int


@dataclass(frozen=True)
class Never:
    """Why a debit will not be made. `reason`: the code as which it comes back to its loan, None where that knows."""

    why: str
    reason: str | None = None


def fit_for_file(
    session: Session, debit: Debit, loan: Loan, creditor: SepaCreditor, today: date, lead_days: int
) -> Fit | Never | None:
    """What is to be done with a debit in a file that is handed over today; None: it waits."""
    if loan.state is LoanState.ENDED or loan.entry != debit.entry:
        return Never("the loan left collection")
    if (due := payments.balance_due(session, loan)) <= 0:
        return Never("nothing is due")
    if debits.has_brought_money(session, debit):
        return Never("its money has come already")
    if not debit.released:
        return None
    waited_from = None if debit.noticed else _first_day(session, loan, debit, lead_days)
    if waited_from is not None and today > outcome_known_by(waited_from):
        return Never(NO_LONGER_AWAITED)
    if cases.holds_money(session, loan) or debits.is_collecting(session, loan, debit):
        return None
    if held_by_person(session, loan) or _transfer_is_under_way(session, loan, today):
        return None
    announced = announced_day(session, loan, debit, lead_days)
    if debit.noticed and announced is None:
        return None
    first = announced or collection_day(today, notified_on=None, notice_days=debit.notice_days, lead_days=lead_days)
    if file_day(first, lead_days) > today:
        return None
    collect_on = max(first, days_after(today, lead_days))
    if announced is not None and not is_as_announced(announced, collect_on):
        return Never("its announced day has passed", NOT_AS_ANNOUNCED)
    if waited_from is not None and not is_as_announced(waited_from, collect_on):
        # The bank's word on it would come when its loan has given it up.
        return Never(IN_NO_FILE_IN_TIME, NOT_AS_ANNOUNCED)
    if debit.noticed:
        # The notice named the mandate: another one was not announced.
        named = mandates.by_ref(session, debit.mandate_ref)
        usable = mandates.is_usable(session, named, today, creditor.instrument, debit)
        mandate = named if usable else None
    else:
        mandate = mandates.usable(session, loan, today, creditor.instrument, debit)
    if mandate is None:
        return Never("no mandate", NO_MANDATE)
    return Fit(mandate, collect_on, min(debit.amount_minor, due))


def _transfer_is_under_way(session: Session, loan: Loan, today: date) -> bool:
    """Whether the borrower's own bank has a transfer that may pay it, of which it is still asked.

    One that nobody has authorised is an abandoned page sooner than money: it holds no announced debit past its day.
    """
    at = datetime.combine(today, time(), BANK_ZONE)
    return any(
        one.created_at > at - (UNCONFIRMED_HOLDS if one.status in TO_BE_CONFIRMED else inquiries.GIVE_UP)
        and standing_of(one) is Standing.UNDER_WAY
        for one in inquiries.unsettled_transfers(session, loan, at)
    )


def held_by_person(session: Session, loan: Loan) -> bool:
    """Whether a stop state of the person holds every debit of theirs."""
    return bool(people.flags(session, people.of_loan(session, loan)) & HOLD_DEBITS)


def _first_day(session: Session, loan: Loan, debit: Debit, lead_days: int) -> date:
    """The first day of collection of a debit without notice: its loan waits for it from there, whatever held it up.

    Until it is in a file its release is the last that changed of it.
    """
    filed_for = debits.first_filed_for(session, loan, debit)
    released_on = debit.changed_at.astimezone(BANK_ZONE).date()
    return filed_for or collection_day(
        released_on, notified_on=None, notice_days=debit.notice_days, lead_days=lead_days
    )


def announced_day(session: Session, loan: Loan, debit: Debit, lead_days: int) -> date | None:
    """The day of collection that the debit's notice named; None: none went out, or none was to."""
    announced = debits.announced_at(session, loan, debit) if debit.noticed else None
    if announced is None:
        return None
    person = people.of_loan(session, loan)
    notified_on = announced.astimezone(ZoneInfo(person.timezone) if person.timezone else BANK_ZONE).date()
    return collection_day(notified_on, notified_on=notified_on, notice_days=debit.notice_days, lead_days=lead_days)


def drop(session: Session, debit: Debit, loan: Loan, why: str, reason: str | None, at: datetime) -> None:
    """It will not be made; it comes back to its loan as `reason`, None where the loan knows."""
    if reason is not None:
        owed_signals.owe(
            session,
            provider=PROVIDER,
            key=f"dropped:{debit.reference}",
            signals=[owed_signals.debit_returned(loan, debit.step, debit.occurrence, reason)],
            at=at,
            outcome="debit_dropped",
            person_ref=loan.person_ref,
        )
    debits.drop(session, debit, loan, why, ACTOR, at)
