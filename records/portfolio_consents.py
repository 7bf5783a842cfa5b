"""The consents to read balances that a lender's file names, entered in bulk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import insert, tuple_
from sqlmodel import Session, col, select

from domain.portfolio import PortfolioLoan
from records import person_keys
from records.sealed import Private
from records.tables import Consent, ConsentStatus
from records.tables.sealing import CONSENT


def enter_consents(
    session: Session,
    people: dict[str, int],
    key_ids: dict[int, str],
    rows: Sequence[PortfolioLoan],
    bank_of: Callable[[str], str],
    at: datetime,
) -> None:
    keys = person_keys.of(session)
    stated = {
        (people[loan.person_id], keys.index(CONSENT, loan.bank_consent)): {
            "provider": bank_of(loan.country),
            "consent_id": loan.bank_consent,
            "account_id": loan.bank_account,
            "valid_until": loan.consent_valid_until,
        }
        for loan in rows
        if loan.bank_consent is not None and loan.bank_account is not None
    }
    if not stated:
        return
    known = session.exec(
        select(Consent).where(
            col(Consent.provider).in_({data["provider"] for data in stated.values()}),
            tuple_(col(Consent.person_ref), col(Consent.consent_index)).in_(stated),
        )
    ).all()
    for consent in known:
        data = stated.pop((consent.person_ref, consent.consent_index), None)
        if data is None or consent.status is ConsentStatus.REVOKED:
            # What its holder withdrew no file brings back: they may give another.
            continue
        if (consent.account_id, consent.valid_until) != (data["account_id"], data["valid_until"]):
            # The id too: of who was erased the one that is kept cannot be read.
            consent.consent_id, consent.account_id = str(data["consent_id"]), str(data["account_id"])
            consent.valid_until = data["valid_until"]  # type: ignore[assignment]
            consent.status, consent.over_because, consent.changed_at = ConsentStatus.VALID, None, at
            consent.end_at_source = False
            session.add(consent)
    session.flush()
    if stated:
        session.execute(
            insert(Consent),
            [
                {
                    "person_ref": person_ref,
                    "consent_index": index,
                    "status": ConsentStatus.VALID,
                    "reads_per_day": 4,
                    "changed_at": at,
                    **data,
                    "consent_id": Private(str(data["consent_id"]), key_ids[person_ref]),
                    "account_id": Private(str(data["account_id"]), key_ids[person_ref]),
                }
                for (person_ref, index), data in stated.items()
            ],
        )
