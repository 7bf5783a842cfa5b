"""What an operator reads before a campaign starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from commands.console import Refused
from commands.start_warnings import acknowledge, channels_of, not_configured, start_warnings
from config.bank_data_settings import Bank
from config.lender_settings import Lender
from config.messaging_settings import Smtp, Twilio
from config.payment_settings import Stripe
from config.settings import Settings
from config.strategies import find_strategy
from config.web_settings import Web
from domain.contact import Actor, Channel
from domain.strategy import Strategy
from records import audit
from records.database import Database
from records.platform_notices import WHATSAPP_ACKNOWLEDGED

SPANISH = find_strategy("es-microloan", 1)
AGENCY = Lender(name="Credialba", phone="+1 202-555-0110", collects_as=Actor.AGENCY, agency="Recupera Sur")


def settings_with(sender: str = "+12025550100", **more: object) -> Settings:
    twilio = Twilio(account_sid="AC" + "0" * 32, auth_token=SecretStr("t"), sender=sender)
    whole = {
        "twilio": twilio,
        "stripe": Stripe(api_key=SecretStr("k"), webhook_secret=SecretStr("w")),
        "bank": Bank(base_url="http://127.0.0.1:1"),
        "smtp": Smtp(host="127.0.0.1", from_address="collections@lender.example"),
    }
    return Settings(_env_file=None, **{**whole, **more})  # type: ignore[call-arg,arg-type]


def on_whatsapp(strategy: Strategy) -> Strategy:
    steps = tuple(
        step.model_copy(update={"channels": (Channel.WHATSAPP, *step.channels)}) if step.channels else step
        for step in strategy.steps
    )
    return strategy.model_copy(update={"steps": steps})


def test_where_nothing_speaks_against_a_start_nothing_is_said() -> None:
    assert start_warnings(settings_with(), "demo", ["ES", "CL", "CO"], SPANISH) == []


@pytest.mark.parametrize(
    ("missing", "told"),
    [("stripe", "payment link waits"), ("bank", "no balance is watched"), ("twilio", "for sms"), ("smtp", "for email")],
)
def test_what_is_not_configured_is_told_with_what_it_means(missing: str, told: str) -> None:
    warnings = start_warnings(settings_with(**{missing: None}), "demo", ["ES"], SPANISH)

    assert len(warnings) == 1
    assert told in warnings[0]


def test_what_twilio_does_not_take_is_told_once_each_with_its_source() -> None:
    told = start_warnings(settings_with(lender=AGENCY), "demo", ["US", "MX", "US"], SPANISH)

    carriers = [line for line in told if "Twilio" in line]
    assert len(carriers) == 3
    assert "collect debts of others" in carriers[0]
    assert "(Twilio, forbidden message categories in the US and Canada" in carriers[0]
    assert "payday loans" in carriers[1]
    assert "Mexico" in carriers[2]


def test_settings_that_a_markets_law_needs_are_asked_for_before_anything_is_held_back() -> None:
    told = start_warnings(settings_with(), "demo", ["MX"], SPANISH)

    held = [line for line in told if line.startswith("will not be sent: ")]
    assert held
    assert "RECOBRO_LENDER__ADDRESS, RECOBRO_LENDER__RESPONSIBLE, RECOBRO_LENDER__COMPLAINTS" in held[0]
    assert len(held) <= 10


def test_what_is_wrong_with_many_messages_alike_is_told_once() -> None:
    told = start_warnings(settings_with(), "demo", ["MX"], SPANISH)

    without_files = [line.split(": ", 2)[2] for line in told if line.startswith("will not be sent: ")]
    assert len(without_files) == len(set(without_files))
    assert " more: " in told[-1]


def test_a_name_that_is_not_registered_in_spain_and_cannot_be_answered_is_told() -> None:
    told = " ".join(start_warnings(settings_with("Credialba"), "demo", ["ES"], SPANISH))

    assert "CNMC" in told
    assert "STOP cannot arrive" in told


def test_a_country_without_content_rules_is_named() -> None:
    assert start_warnings(settings_with(), "demo", ["FR"], SPANISH) == [
        "FR: there are no content rules, so nothing can be sent there."
    ]


def test_whatsapps_policy_is_shown_once_and_kept_in_the_audit_trail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")
    settings, strategy = settings_with(whatsapp_enabled=True), on_whatsapp(SPANISH)

    with pytest.raises(Refused, match="Say --yes"):
        acknowledge(settings, "demo", strategy, database, yes=False)
    assert "names debt collection and payday loans" in capsys.readouterr().err
    acknowledge(settings, "demo", strategy, database, yes=True)
    assert "names debt collection and payday loans" in capsys.readouterr().err
    acknowledge(settings, "demo", strategy, database, yes=False)
    assert capsys.readouterr().err == ""

    with database.reading() as session:
        [kept] = audit.of_action(session, WHATSAPP_ACKNOWLEDGED)
    assert kept.lender == "demo"
    assert kept.actor.startswith("operator ")
    assert kept.details["rule"] == "whatsapp.policy"
    database.dispose()


def test_an_agency_is_refused_on_whatsapp_and_nobody_is_asked_where_it_is_not_used(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")

    with pytest.raises(Refused, match="an agency does not use it"):
        acknowledge(
            settings_with(whatsapp_enabled=True, lender=AGENCY), "demo", on_whatsapp(SPANISH), database, yes=True
        )
    acknowledge(settings_with(whatsapp_enabled=True, lender=AGENCY), "demo", SPANISH, database, yes=False)
    acknowledge(settings_with(lender=AGENCY), "demo", on_whatsapp(SPANISH), database, yes=False)
    database.dispose()


def test_an_agency_without_a_name_is_no_sender() -> None:
    with pytest.raises(ValueError, match="an agency must be named"):
        Lender(collects_as=Actor.AGENCY)


def test_a_consent_that_is_asked_for_needs_a_page_that_borrowers_can_reach() -> None:
    assert SPANISH.watch is not None
    renewing = SPANISH.model_copy(update={"watch": SPANISH.watch.model_copy(update={"renew_days_before": 10})})

    unreachable = start_warnings(settings_with(), "demo", ["ES"], renewing)
    reachable = start_warnings(settings_with(web=Web(public_url="https://cobros.example")), "demo", ["ES"], renewing)

    assert any("RECOBRO_WEB__PUBLIC_URL" in line for line in unreachable)
    assert not any("RECOBRO_WEB__PUBLIC_URL" in line for line in reachable)


def test_a_strategy_that_writes_on_whatsapp_is_told_what_is_missing() -> None:
    step = SPANISH.steps[0].model_copy(update={"channels": (Channel.WHATSAPP, Channel.SMS)})
    writes = SPANISH.model_copy(update={"steps": (step, *SPANISH.steps[1:])})

    def told(strategy: Strategy) -> list[str]:
        lines = not_configured(Settings(_env_file=None), strategy, channels_of(strategy))
        return [line for line in lines if "WhatsApp is not set up" in line]

    assert len(told(writes)) == 1
    assert told(SPANISH) == []
