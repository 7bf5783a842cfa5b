"""A stop in a message, as far as what is sent afterwards."""

from __future__ import annotations

from pydantic import SecretStr

from config.messaging_settings import Twilio
from domain.contact import Channel
from domain.events.contacts import ContactOutcome
from domain.webhook_news import InboundNews
from records.database import Database
from tests.activities.outside import TUESDAY, desk_for, enter_loan, fresh, remind, settings_for
from tests.sandbox.running import ACCOUNT, SENDER, TOKEN, World
from web.news import record_news


async def test_who_wants_no_calls_is_called_no_more_and_written_to_as_before(lite: Database, world: World) -> None:
    """Given a loan that would be called, when its borrower writes "no llamen más" by SMS, then the call is refused and
    the step goes on by SMS."""
    given = fresh(birth_year="1980")
    loan_id = enter_loan(lite, **given)
    twilio = Twilio(
        base_url=str(world.http.base_url).rstrip("/"),
        account_sid=ACCOUNT,
        auth_token=SecretStr(TOKEN),
        sender=SENDER,
        voice_sender="+12025550101",
    )
    settings = settings_for(world, twilio=twilio)
    settings = settings.model_copy(
        update={"web": settings.web.model_copy(update={"public_url": "https://collect.example.com"})}
    )
    news = InboundNews(
        channel=Channel.SMS, provider="twilio", sender_address=given["phone"], text="no llamen más",
        provider_message_id=f"SM-{loan_id}",
    )  # fmt: skip
    with lite.writing() as session:
        record_news(session, [news], TUESDAY)

    async with desk_for(lite, settings) as desk:
        report = await desk.contact(remind(loan_id, channels=(Channel.CALL, Channel.SMS)))
        refused = [decision for decision in desk.decisions(loan_id) if decision[0] is Channel.CALL]

    assert (report.outcome, report.channel) == (ContactOutcome.SENT, Channel.SMS)
    assert {reason[0] for _, _, reasons in refused for reason in reasons} == {"stop.channel_opt_out"}
    assert [entry for entry in world.entries("call") if entry["to"] == given["phone"]] == []
