"""How many agreements of a kind a loan may have: those that were in force count, offers that never were do not."""

from __future__ import annotations

from domain.agreements.limits import kind_refused
from domain.agreements.model import AgreementKind
from domain.agreements.terms import Authority
from tests.domain.agreements.test_catalogue import agree, loan, offered, only


def test_an_offer_told_twice_or_corrected_does_not_use_up_how_many_there_may_be() -> None:
    subject = loan()
    assert subject.state.strategy.restructurings is not None
    assert subject.state.strategy.restructurings.at_most == 1
    assert agree(subject, "half-year", yes=False) is None
    assert agree(subject, "half-year", yes=False) is None
    assert [a.state for a in subject.state.agreements] == ["replaced", "proposed"]

    assert kind_refused(subject.state, AgreementKind.RESTRUCTURING) is None
    assert "half-year" in [offer.option for offer in offered(subject, Authority.AGENT)]
    assert agree(subject, "half-year") is None
    assert only(subject, 3).state == "active"


def test_an_agreement_that_was_in_force_counts_whatever_took_its_place() -> None:
    subject = loan()
    assert agree(subject, "half-year") is None
    subject.pass_days(30)
    assert only(subject).state == "broken"
    assert kind_refused(subject.state, AgreementKind.RESTRUCTURING) == "the loan has had 1 restructurings already"
