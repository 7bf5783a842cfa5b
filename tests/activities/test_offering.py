"""What the machine offers in a conversation: the engine's offers, as far as an answer can tell their payments."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from activities.message_writing import _listed
from activities.offering import OfferMaker
from activities.orders import OfferOrder
from config.approved_templates import LONGEST_BODY, load_approved
from config.message_context import MessageContext, sample_answer
from config.templates import opt_out_hint, render
from domain.actions import AskOffers
from domain.agreements.model import AgreementKind, AgreementState
from domain.agreements.offers import request_of
from domain.agreements.terms import Authority, PlanOption, PlanTerms
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import Agreed
from domain.conversation.offering import TOLD_AT_MOST
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.agreements import OffersMade
from domain.ledger_entries import CaseKind
from domain.loan_state import LoanState
from domain.planning import plan
from domain.strategy import Strategy
from records import loans, strategies
from records.database import Database
from records.tables import Person
from tests.activities.outside import environment
from tests.domain.conversation.test_answering import said
from tests.domain.simulated_loan import START, facts, strategy
from tests.records.portfolios import LENDER, entered

LONG = PlanOption(id="weekly", instalments=52, every="week")
SHORT = PlanOption(id="monthly", instalments=TOLD_AT_MOST)


def lending(*options: PlanOption) -> Strategy:
    talks = {"watch": None, "conversation": ConversationTerms(confidence=0.5), "plans": PlanTerms(options=options)}
    return strategy(watch=None).model_copy(update=talks)


async def asked_for_a_plan(database: Database, lends: Strategy) -> tuple[LoanState, OffersMade]:
    """The borrower of 300.00 asks to pay in parts, and the engine has answered."""
    with database.writing() as session:
        entered(session, "L1", amount_due_minor=30_000)
        loan = loans.get(session, LENDER, "L1")
        loan.strategy_digest = strategies.keep(session, lends, START)
        session.add(loan)
    state = enter(facts(lender=LENDER, loan_id="L1"), lends, START)
    state, _ = apply(state, said("request_plan", received_at=START), START)
    state, action = plan(state, START)
    assert isinstance(action, AskOffers)
    order = OfferOrder(
        lender=LENDER,
        loan_id="L1",
        number=action.asking.number,
        request=request_of(state, START, Authority.MACHINE),
        kinds=action.asking.kinds,
        country="ES",
    )
    made = await environment(START).run(OfferMaker(database).make, order)
    state, refused = apply(state, made, START)
    assert refused is None
    return state, made


async def test_who_asks_for_a_plan_of_more_payments_than_an_answer_can_name_is_answered_by_a_person(
    lite: Database,
) -> None:
    """Given a strategy whose only plan has 52 weekly payments, when the borrower asks to pay in parts, then a person
    goes on, and no offer waits that nobody could be told of."""
    state, made = await asked_for_a_plan(lite, lending(LONG))

    assert made.offers == ()
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]
    assert [each for each in state.agreements if each.state is AgreementState.PROPOSED] == []


async def test_a_plan_that_an_answer_can_name_is_offered_beside_one_that_it_cannot(lite: Database) -> None:
    state, made = await asked_for_a_plan(lite, lending(LONG, SHORT))

    assert [(offer.kind, len(offer.terms.payments)) for offer in made.offers] == [(AgreementKind.PLAN, TOLD_AT_MOST)]
    assert [each.option for each in state.agreements if each.state is AgreementState.PROPOSED] == ["monthly"]


@pytest.mark.parametrize(
    ("language", "country", "currency", "minor"),
    [
        ("es", "CO", "COP", 999_999_900),
        ("es", "PY", "PYG", 9_999_999),
        ("pt", "BR", "BRL", 999_900),
        ("en", "US", "USD", 999_900),
    ],
)
def test_as_many_payments_as_an_answer_names_fit_into_it(
    language: str, country: str, currency: str, minor: int
) -> None:
    """Given as many payments as are ever offered in a conversation, each of thousands of dollars, when they are written
    down, then a text, an e-mail and a WhatsApp template have room for them."""
    person = Person(language=language, country=country)
    first = date(2026, 12, 28)
    payments = [Agreed(amount_minor=minor, due=first + timedelta(days=7 * number)) for number in range(TOLD_AT_MOST)]
    hint = opt_out_hint(Channel.SMS, language)

    listed = {"country": country, "agreed_payments": _listed(payments, currency, person)}
    context = MessageContext.model_validate(
        {**dict(sample_answer("reply_plan_offer", language, currency, hint)), **listed}
    )

    assert render("reply_plan_offer", Channel.SMS, language, context).text.count("(") > TOLD_AT_MOST
    render("reply_plan_offer", Channel.EMAIL, language, context)
    for one in load_approved():
        if (
            one.ours.template == "reply_plan_offer"
            and one.ours.written_in == language
            and "notice" not in one.ours.name
        ):
            assert len(one.fill(context).text) <= LONGEST_BODY
