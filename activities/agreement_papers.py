"""The document of each agreement: made when it is agreed and again when its dates move, kept, sent with a message."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.orders import ContactOrder
from activities.receipts import ADDRESS_LIVES, NOTHING, PAGE, Enclosed
from config.agreement_documents import WORDING, AgreementData, DocumentRow, render_agreement
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.agreements.contacts import PER_AGREEMENT
from domain.agreements.model import AgreementKind, AgreementState
from domain.agreements.offers import LONGEST_SCHEDULE
from domain.agreements.schedule import Row, effective_rate_bp, repayment
from domain.agreements.terms import RestructuringOption
from domain.agreements.working_days import money_arrives_from, public_holidays
from domain.payable import smallest_payable
from providers.ports import Attachment
from records import agreements, documents, loans, people, strategies
from records.database import Database
from records.tables import Agreement, Document, Loan, Person

KIND = "agreement"
_LONGEST_QUOTE = 4_000
"""Characters of a yes that a document quotes: more than a page's with sixty payments has."""


class AgreementPapers:
    """`settings` say who the lender is and, with a link secret and a public address, sign addresses of documents."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        secret, url = settings.web.link_secret, settings.web.public_url
        self._addresses = SignedAddresses(secret, url) if secret is not None and url is not None else None

    def enclosed(self, order: ContactOrder, now: datetime) -> Enclosed:
        """The document that a message about an agreement brings; made now where it is not there yet."""
        made = self.make(order.lender, order.loan_id, order.occurrence // PER_AGREEMENT, now)
        if made is None or not made.pdf:
            return NOTHING
        file = Attachment(filename=f"{KIND}-{made.number}.pdf", media_type="application/pdf", content=made.pdf)
        address = self._addresses.address(PAGE, made.public_id, now + ADDRESS_LIVES) if self._addresses else None
        return Enclosed((file,), address)

    def make(self, lender: str, loan_id: str, number: int, now: datetime) -> Document | None:
        """The document of an agreement of the loan's current entry; None for none, for one that has not been in force,
        or of a person who was erased. Once made it stays as it is."""
        with self._database.reading() as session:
            loan = loans.get(session, lender, loan_id)
            agreement = agreements.find(session, loan, number)
            if agreement is None or not agreements.was_in_force(agreement):
                return None
            if people.is_erased(session, people.of_loan(session, loan)):
                return None
            known = documents.find(session, loan, KIND, _number(loan, agreement, agreement.revision))
            if known is not None:
                return known
            data = self._data(session, loan, agreement, now)
        pdf = render_agreement(data)  # before the transaction: it takes longer than others should wait
        with self._database.writing() as session:
            kept = loans.by_ref(session, loan.id or 0)
            return documents.keep(
                session,
                kept,
                kind=KIND,
                number=data.number,
                language=data.language,
                pdf=pdf,
                says=data.model_dump_json(exclude_none=True),
                at=now,
                payment=None,
            )

    def _data(self, session: Session, loan: Loan, agreement: Agreement, now: datetime) -> AgreementData:
        person, lender = people.of_loan(session, loan), self._settings.lender_named(loan.lender)
        zone = ZoneInfo(person.timezone or "UTC")
        said = agreements.words(session, loan, agreement.evidence_sha256)
        moved = agreements.words(session, loan, agreement.move_sha256)
        rows, rate_bp = _rows(session, loan, agreement, _holidays(person, agreement))
        return AgreementData(
            kind=agreement.kind,
            language=person.language,
            country=person.country,
            lender_name=lender.name,
            lender_phone=lender.phone,
            loan_id=loan.loan_id,
            borrower_name=person.name,
            number=_number(loan, agreement, agreement.revision),
            version=agreement.version,
            made_on=(now if agreement.revision else agreement.made_at).astimezone(zone).date(),
            made_at=now if agreement.revision else agreement.made_at,
            replaces=agreement.revision > 0,
            currency=loan.currency,
            balance_minor=agreement.balance_minor,
            total_minor=agreement.total_minor,
            remission_minor=agreement.remission_minor,
            added_minor=agreement.added_minor,
            grace_days=agreement.grace_days,
            fees_frozen=agreement.fees_frozen,
            rows=rows,
            accepted_at=agreement.evidence_at.astimezone(zone) if agreement.evidence_at else None,
            message_id=agreement.evidence_message_id,
            words=_quoted(said),
            approved=agreement.approved_by not in (None, agreement.proposed_by),
            moved_at=agreement.move_at.astimezone(zone) if agreement.move_at else None,
            moved_message_id=agreement.move_message_id,
            moved_words=_quoted(moved),
            wording=_wording(session, loan, agreement),
            agency=lender.caller if lender.caller != lender.name else None,
            address=lender.address or None,
            complaints=lender.complaints or None,
            replaces_number=_number(loan, agreement, agreement.revision - 1) if agreement.revision else None,
            rate_bp=rate_bp,
            effective_bp=_effective_bp(agreement, rows, agreement.made_at.astimezone(zone).date()),
            pay_to=lender.pay_to,
            instead_of=_instead_of(session, loan, agreement),
            via=agreement.via,
            noted_at=agreement.made_at.astimezone(zone),
        )


def _wording(session: Session, loan: Loan, agreement: Agreement) -> int:
    """What moves its dates later does not put what was agreed on in other words."""
    first = documents.find(session, loan, KIND, _number(loan, agreement, 0))
    if first is None:
        return WORDING
    return AgreementData.model_validate_json(first.says).wording if first.says is not None else 1


def _instead_of(session: Session, loan: Loan, agreement: Agreement) -> str | None:
    """The last document of the agreement that gave way to this one at the moment it came into force."""
    gave_way = [
        each
        for each in agreements.of_loan(session, loan)
        if (each.entry, each.state) == (agreement.entry, AgreementState.REPLACED)
        and agreements.was_in_force(each)
        and each.ended_at == agreement.made_at
    ]
    return _number(loan, gave_way[-1], gave_way[-1].revision) if gave_way else None


def _quoted(said: str | None) -> str | None:
    if not said:
        return None
    return said if len(said) <= _LONGEST_QUOTE else f"{said[:_LONGEST_QUOTE]} …"


def _number(loan: Loan, agreement: Agreement, revision: int) -> str:
    suffix = f"-{revision + 1}" if revision else ""
    return f"{loan.loan_id}-{agreement.entry}-{agreement.number}{suffix}"


def _holidays(person: Person, agreement: Agreement) -> tuple[date, ...]:
    """Those the agreement was told of; a promise is told of none."""
    if agreement.kind is AgreementKind.PROMISE:
        return ()
    made_on = agreement.made_at.date()
    return public_holidays(person.country, person.region, made_on, made_on + LONGEST_SCHEDULE)


def _rows(
    session: Session, loan: Loan, agreement: Agreement, holidays: Collection[date]
) -> tuple[tuple[DocumentRow, ...], int | None]:
    """The payments; of a new schedule with interest also the arithmetic by which they came about, and its rate."""
    grace = timedelta(days=agreement.grace_days)
    parts = agreements.instalments_of(session, agreement)
    terms = strategies.of_loan(session, loan).restructurings if agreement.kind is AgreementKind.RESTRUCTURING else None
    option = next((each for each in terms.options if each.id == agreement.option), None) if terms else None
    amounts = [part.amount_minor for part in parts]
    sums = arithmetic(option, agreement.balance_minor, amounts, loan.currency) if option else None
    rows = tuple(
        DocumentRow(
            number=part.number,
            due=part.due,
            amount_minor=part.amount_minor,
            interest_minor=sums[index].interest_minor if sums else None,
            principal_minor=sums[index].principal_minor if sums else None,
            left_minor=sums[index].left_minor if sums else None,
            in_time_until=money_arrives_from(part.due + grace, loan.currency, holidays),
        )
        for index, part in enumerate(parts)
    )
    return rows, option.rate_bp if option is not None and sums else None


def _effective_bp(agreement: Agreement, rows: Sequence[DocumentRow], made_on: date) -> int | None:
    """What the interest of a new schedule comes to a year; also where the rate of its option is no longer known."""
    if agreement.added_minor <= 0:
        return None
    return effective_rate_bp(agreement.balance_minor, [(row.due, row.amount_minor) for row in rows], made_on)


def arithmetic(
    option: RestructuringOption, balance_minor: int, amounts: Sequence[int], currency: str
) -> tuple[Row, ...] | None:
    """How the payments of a new schedule come about, minor units; None where they are not those of the option.

    An earlier version worked them out to the minor unit in every currency.
    """
    parts = len(amounts)
    for smallest in (smallest_payable(currency), 1):
        if balance_minor // smallest >= parts > 0:
            rows = repayment(balance_minor, parts, option.every, option.rate_bp, smallest)
            if [row.amount_minor for row in rows] == list(amounts):
                return rows
    return None
