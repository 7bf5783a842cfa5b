"""`doctor` on what borrowers write: a list at Twilio that nobody reads is named."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from commands.doctor_findings import Finding
from commands.doctor_messages import look_at_missed_messages
from config.messaging_settings import Twilio
from config.settings import Settings
from config.web_settings import Clock, Web
from providers.errors import ProviderError
from providers.messaging.twilio_inbox import TwilioInbox
from records.database import Database
from tests.records.portfolios import NOW
from web.missed_messages import MissedMessages, inbox_settings, looked_at

ACCOUNT = f"AC{'a' * 32}"
OURS = "+34911111111"


def configured(web: Web | None = None, **given: Any) -> Settings:
    twilio = Twilio(account_sid=ACCOUNT, auth_token=SecretStr("tok"), **given) if given else None
    return Settings(_env_file=None, twilio=twilio, web=web or Web())


def found(database: Database, settings: Settings, at: datetime = NOW) -> list[Finding]:
    with database.reading() as session:
        return look_at_missed_messages(session, settings, at)


def looker(database: Database, settings: Settings, answer: httpx.Response) -> MissedMessages:
    assert settings.twilio is not None
    inbox = inbox_settings(settings.twilio)
    assert inbox is not None
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer))
    return MissedMessages(database, TwilioInbox(inbox, client), lambda: NOW)


async def test_a_list_that_was_not_read_for_a_while_is_named(database: Database) -> None:
    """Given a look that came to its end, when none follows for more than 15 minutes, then an operator is told."""
    settings = configured(sender=OURS)
    answer = httpx.Response(200, json={"messages": [], "next_page_uri": None})
    await looker(database, settings, answer).look()
    # PostgreSQL goes by its own clock.
    with database.reading() as session:
        looked = looked_at(session)
    assert looked is not None

    assert found(database, settings, looked + timedelta(minutes=15)) == []
    [named] = found(database, settings, looked + timedelta(minutes=16))

    assert (named.check, named.mend) == ("messages_not_fetched", None)
    assert "has not been looked at to its end since" in named.what


async def test_a_list_that_twilio_refuses_to_show_is_named(database: Database) -> None:
    """Given a token that Twilio does not take, when the web app looks in vain, then an operator is told."""
    settings = configured(sender=OURS)

    with pytest.raises(ProviderError):
        await looker(database, settings, httpx.Response(401, json={"code": 20003})).look()

    [named] = found(database, settings)
    assert "has never been looked at" in named.what


def test_a_setting_for_which_nobody_looks_is_named(database: Database) -> None:
    assert len(found(database, configured(sender=OURS, messaging_service_sid="mine"))) == 1


@pytest.mark.parametrize(
    "settings",
    [configured(), configured(sender="Credialba"), configured(Web(clock=Clock.REQUESTS), sender=OURS)],
)
def test_where_nothing_is_to_be_fetched_nothing_is_named(database: Database, settings: Settings) -> None:
    assert found(database, settings) == []
