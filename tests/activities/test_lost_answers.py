"""An answer lost after the effect, by the carriers whose other tests do not show it through the activity."""

from __future__ import annotations

from datetime import timedelta

import httpx
from pydantic import SecretStr

from config.messaging_settings import Twilio
from domain.contact import Channel
from domain.events.contacts import ContactOutcome
from providers.messaging.sendgrid import SendGridMessenger, SendGridSettings
from providers.ports import Messenger
from records.database import Database
from records.tables import ContactState
from tests.activities.outside import TUESDAY, desk_for, enter_loan, fresh, remind, settings_for
from tests.sandbox.running import ACCOUNT, SENDER, TOKEN, World


async def test_a_call_whose_answer_was_lost_is_looked_up_and_nobody_is_called_twice(
    lite: Database, world: World
) -> None:
    given = fresh(birth_year="1980")
    loan_id = enter_loan(lite, **given)
    here = str(world.http.base_url).rstrip("/")
    twilio = Twilio(
        base_url=here,
        account_sid=ACCOUNT,
        auth_token=SecretStr(TOKEN),
        sender=SENDER,
        voice_sender="+12025550101",
    )
    settings = settings_for(world, twilio=twilio)
    settings = settings.model_copy(
        update={"web": settings.web.model_copy(update={"public_url": "https://collect.example.com"})}
    )
    order = remind(loan_id, channels=(Channel.CALL,))
    world.fault("twilio", "lost_answer", count=1)

    async with desk_for(lite, settings) as desk:
        first = await desk.refused(order)
        between = desk.row(order).state
        report, _ = await desk.until_done(order, TUESDAY + timedelta(seconds=2))

    calls = [entry for entry in world.entries("call") if entry["to"] == given["phone"]]
    assert str(first).startswith("twilio_retry")
    assert between is ContactState.SENDING
    assert (report.outcome, report.channel, len(calls)) == (ContactOutcome.SENT, Channel.CALL, 1)


async def test_a_mail_that_sendgrid_took_before_the_line_broke_is_never_sent_again(
    lite: Database, world: World
) -> None:
    taken: list[bytes] = []

    def takes_and_breaks(request: httpx.Request) -> httpx.Response:
        taken.append(request.content)
        raise httpx.ReadError("the line broke", request=request)

    loan_id = enter_loan(lite, **fresh())
    order = remind(loan_id, channels=(Channel.EMAIL,))
    given = SendGridSettings(api_key=SecretStr("SG.k"), from_address="cobros@credialba.example")
    async with httpx.AsyncClient(transport=httpx.MockTransport(takes_and_breaks)) as client:
        messenger = SendGridMessenger(given, client)

        def by_sendgrid(known: dict[Channel, Messenger]) -> dict[Channel, Messenger]:
            return {**known, Channel.EMAIL: messenger}

        async with desk_for(lite, settings_for(world), messengers=by_sendgrid) as desk:
            report = await desk.contact(order)
            again = await desk.contact(order, TUESDAY + timedelta(hours=1), attempt=2)
            state = desk.row(order).state

    assert report.outcome is again.outcome is ContactOutcome.SENT
    assert (state, len(taken)) == (ContactState.UNKNOWN, 1)
