"""A borrower who stopped our messages and wants them again, and one whose words a person must read."""

from __future__ import annotations

from domain.contact import Channel
from records import audit, loans
from records.database import Database
from tests.records.portfolios import LENDER, NOW, entered
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


async def test_each_running_loan_hears_of_the_start_after_the_stop(database: Database) -> None:
    """Given a STOP that no loan could hear of yet, when the START follows and Temporal is back, then each loan of the
    person hears of both, and by their moments knows which was said last; a loan that has ended hears of neither."""
    with database.writing() as session:
        entered(session, "L1", "L2", "L3", person_id="p", phone=PHONE)
        loans.end(session, loans.get(session, LENDER, "L3"), kind="cured", at=NOW, final_state=None)
    temporal = FakeTemporal()
    temporal.down = True
    async with running(database, temporal) as web:
        assert await web.twilio(message("STOP", sid="SM40")) == 200
        assert await web.twilio(message("START", sid="SM41")) == 200
        await until(lambda: len(stored(database)) == 2 and all(row.recorded_at for row in stored(database)))
        temporal.down = False
        await until(lambda: all_relayed(database))

    assert opted_out(database, "L1") == frozenset()
    for loan_id in ("L1", "L2"):
        told = {name: payload for name, named, payload in temporal.calls if named == loan_id}
        assert [told[name]["channel"] for name in ("opt_out", "opt_in")] == ["sms", "sms"]
        assert told["opt_out"]["at"] <= told["opt_in"]["at"]
    assert {loan_id for _, loan_id, _ in temporal.calls} == {"L1", "L2"}


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
