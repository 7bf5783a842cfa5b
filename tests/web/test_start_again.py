"""A borrower who stopped our messages and wants them again, and one whose words a person must read."""

from __future__ import annotations

from domain.contact import Channel
from records import audit
from records.database import Database
from tests.records.portfolios import entered
from tests.web.outside import FakeTemporal, running, until
from tests.web.test_messages import PHONE, message, opted_out
from tests.web.test_webhooks import all_relayed, stored


async def test_sm9_start_after_stop_opens_the_same_channel_alone_and_is_noted(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("STOP", sid="SM20")) == 200
        assert await web.twilio(message("Baja.", sid="SM21", sender=f"whatsapp:{PHONE}")) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))
        assert opted_out(database, "L1") == {Channel.SMS, Channel.WHATSAPP}

        assert await web.twilio(message("START", sid="SM22")) == 200
        await until(lambda: len(stored(database)) == 3 and all_relayed(database))

    assert opted_out(database, "L1") == {Channel.WHATSAPP}
    with database.reading() as session:
        [noted] = audit.of_action(session, "opt_in")
    assert noted.details == {"channel": "sms"}


async def test_cancelar_holds_the_channel_of_a_writer_of_portuguese_and_not_of_one_of_spanish(
    database: Database,
) -> None:
    other = "+34600000002"
    with database.writing() as session:
        entered(session, "L1", phone=PHONE, language="pt")
        entered(session, "L2", phone=other)
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("CANCELAR", sid="SM30")) == 200
        assert await web.twilio(message("CANCELAR", sid="SM31", sender=other)) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    assert opted_out(database, "L1") == {Channel.SMS}
    assert opted_out(database, "L2") == frozenset()
