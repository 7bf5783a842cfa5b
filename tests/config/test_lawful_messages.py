"""A message as it may be sent, and a call held to what whoever answers it hears first."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.content_rules import load_content
from config.lawful_messages import ContentRefused, lawful_message, written_and_checked
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

    with pytest.raises(ContentRefused, match=r"RECOBRO_LENDER__CALLS_AS.*a registered or trade name of yours"):
        call_of(named, language, market)

    told = call_of(named.model_copy(update={"calls_as": "Atlas Services"}), language, market)
    assert agency in told
    assert "Credialba" in told


def written(folder: Path, file: str, text: str) -> None:
    (folder / "en").mkdir(exist_ok=True)
    (folder / "en" / file).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("actor", "of_whom"), [(Actor.AGENCY, "the agency"), (Actor.CREDITOR, "the creditor")], ids=["agency", "creditor"]
)
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL, Channel.CALL])
def test_the_name_that_calls_open_with_is_nobodys_name_elsewhere(
    tmp_path: Path, channel: Channel, actor: Actor, of_whom: str
) -> None:
    """Given templates of an own folder that name only the name under which calls open, when a message is held against
    the rules, or what the person hears once they are known, then it names neither the agency nor the creditor."""
    lender = Lender(
        name="Credialba", phone="+1 202-555-0110", collects_as=actor, agency="Recupera Sur", calls_as="Atlas Services"
    )
    written(tmp_path, "call-opening.call.txt", "Hello, this is Atlas Services.")
    subject = "Subject: Your account\n\n" if channel is Channel.EMAIL else ""
    says_who = "Credialba asks" if actor is Actor.AGENCY else "We ask"
    written(tmp_path, f"mine.{channel}.txt", f"{subject}Atlas Services: {says_who} you to call {{{{ lender_phone }}}}.")
    where = Circumstances(market="GB", channel=channel, actor=actor, told=frozenset(Purpose), debt_age_years=0.1)
    context = sample_context("en", country="GB").model_copy(update={"lender_name": lender.name})

    _, findings = written_and_checked("mine", "en", context, lender, where, load_content(), folder=tmp_path)

    assert [each for each in findings if each.forbids and of_whom in (each.lacks or "")]


def test_a_call_opens_with_the_name_that_is_set_for_it() -> None:
    """Given a creditor with a name of its own for calls, when a call is made, then its opening may give that name, and
    the person hears the creditor's."""
    lender = Lender(name="Sur Deudas", phone="+34 900 555 010", calls_as="Atlas Services")

    assert "Sur Deudas" in call_of(lender, "es", "ES")
