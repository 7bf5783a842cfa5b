"""A worker's process that is killed around the sending of one text: URL of the database, of the carrier, loan, when."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from pydantic import SecretStr

from config.messaging_settings import Twilio
from config.settings import Settings
from domain.contact import Channel
from providers.ports import OutgoingMessage, Sent
from records.database import Database
from tests.activities.outside import Dies, desk_for, remind
from tests.sandbox.running import ACCOUNT, SENDER, TOKEN


class Killed(Dies):
    async def send(self, message: OutgoingMessage) -> Sent:
        try:
            return await super().send(message)
        except RuntimeError:
            os.kill(os.getpid(), signal.SIGKILL)
            raise


async def main(database_url: str, carrier: str, loan_id: str, when: str) -> None:
    twilio = Twilio(base_url=carrier, account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), sender=SENDER)
    settings = Settings(_env_file=None, twilio=twilio)
    database = Database(database_url)
    async with desk_for(
        database, settings, messengers=lambda real: {Channel.SMS: Killed(real[Channel.SMS], when)}
    ) as desk:
        await desk.contact(remind(loan_id, channels=(Channel.SMS,)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
