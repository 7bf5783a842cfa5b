"""What was offered can be asked again, and what the borrower could bear goes with them."""

from __future__ import annotations

import json

import pytest
from sqlmodel import Session

from domain.agreements.offers import OfferRequest, offers
from domain.agreements.terms import Authority
from records import audit, loans, offer_log, people, strategies
from records.database import Database
from records.erasure import erase
from records.offer_log import BearableGone, replay
from records.person_export import export
from tests.domain.simulated_loan import CATALOGUE, strategy
from tests.records.portfolios import LENDER, NOW, entered
from tests.records.test_person_keys import end

CAN_BEAR = 4_321
RULES = strategy(**CATALOGUE)


def request(bearable_minor: int | None = CAN_BEAR) -> OfferRequest:
    return OfferRequest(
        lender=LENDER,
        loan_id="L1",
        strategy=RULES.key,
        currency="EUR",
        balance_minor=60_000,
        days_past_due=45,
        today=NOW.date(),
        authority=Authority.AGENT,
        bearable_minor=bearable_minor,
    )


def offered(database: Database, asked: OfferRequest) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        strategies.pin(session, loan, RULES, NOW)
        offer_log.keep(session, loan, asked, offers(asked, RULES), actor="marta", at=NOW)


def kept(session: Session) -> dict[str, object]:
    [row] = audit.of_loan(session, LENDER, "L1", action=offer_log.ACTION)
    return row.details


def test_what_balances_say_that_somebody_can_bear_is_not_read_in_the_audit_trail(database: Database) -> None:
    """Given offers that rest on what the borrower can bear, and options left out for it, when they are kept, then the
    trail does not say how much that is; whoever has the key asks again and gets the same, and the borrower
    may read it."""
    offered(database, request())

    with database.reading() as session:
        details = kept(session)
        then, again = replay(session, details)
        loan = loans.get(session, LENDER, "L1")
        exported = export(session, people.of_loan(session, loan))["audit"]
        told = [offer_log.is_last(session, loan, request(bearable), "marta") for bearable in (CAN_BEAR, 5_000, None)]

    assert str(CAN_BEAR) not in json.dumps(details)
    assert then == again
    assert any("no payments within" in why for why in then.left_out)
    assert [row["details"]["request"]["bearable_minor"] for row in exported if row["action"] == "offers_made"] == [
        CAN_BEAR
    ]
    assert told == [True, False, False]


def test_what_somebody_could_bear_is_gone_once_they_are_erased(database: Database) -> None:
    offered(database, request())
    end(database)

    erase(database, LENDER, "p-L1", at=NOW, actor="request 7")

    with database.reading() as session, pytest.raises(BearableGone, match="erased"):
        replay(session, kept(session))


def test_what_an_earlier_version_kept_in_the_open_is_asked_again_as_it_was(database: Database) -> None:
    offered(database, request(None))
    asked = request()
    of_before = {"request": asked.model_dump(mode="json"), "made": offers(asked, RULES).model_dump(mode="json")}

    with database.reading() as session:
        then, again = replay(session, kept(session) | of_before)

    assert then == again
