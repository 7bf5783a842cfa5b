"""A message as it may be sent, and a call held to what whoever answers it hears first."""

from __future__ import annotations

import pytest

from config.content_rules import load_content
from config.lawful_messages import ContentRefused, lawful_message
from config.lender_settings import Lender
from config.message_context import MessageContext, sample_context
from domain.contact import Actor, Channel, Purpose
from domain.content_rules import Circumstances


def call_of(lender: Lender, language: str, market: str) -> str:
    context = MessageContext.model_validate(
        {
            **dict(sample_context(language, country=market)),
            "lender_name": lender.name,
            "caller_name": lender.caller_on_calls,
        }
    )
    where = Circumstances(
        market=market,
        channel=Channel.CALL,
        actor=lender.collects_as,
        told=frozenset(Purpose),
        debt_age_years=0.1,
    )
    return lawful_message("account_overdue", language, context, lender, where, load_content()).text


@pytest.mark.parametrize(
    ("agency", "language", "market"),
    [
        ("Sunshine Debt Collections", "en", "GB"),
        ("Sunshine Debt Collections", "en", "US"),
        ("Cobros y Deudas del Sur", "es", "ES"),
        ("Sul Recuperação de Crédito", "pt", "BR"),
    ],
)
def test_an_agency_whose_name_tells_of_a_debt_calls_under_a_neutral_name_or_not_at_all(
    agency: str, language: str, market: str
) -> None:
    """Given an agency whose name tells whoever answers of a debt, when a call is to be made, then it is not, and the
    reason names the setting; with a neutral name the call is made and says, once the person is known, who collects."""
    named = Lender(name="Credialba", phone="+1 202-555-0110", collects_as=Actor.AGENCY, agency=agency, agent="Ana Ray")

    with pytest.raises(ContentRefused, match="RECOBRO_LENDER__CALLS_AS"):
        call_of(named, language, market)

    told = call_of(named.model_copy(update={"calls_as": "Atlas Services"}), language, market)
    assert agency in told
    assert "Credialba" in told
