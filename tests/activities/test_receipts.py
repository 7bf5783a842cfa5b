"""Receipts as borrowers get them: enclosed in an e-mail, by an address in a text, once for each payment."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from pypdf import PdfReader

from activities.receipts import Receipts, pdf_of
from config.signed_addresses import SignedAddresses
from config.web_settings import Web
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Instalment, Via
from domain.contact import Channel, Purpose
from domain.contact_orders import PART_RECEIPT, RECEIPT
from domain.events.contacts import ContactOutcome
from domain.ledger_entries import AgreementEntry, EndEntry, LoanEnd
from records import documents, erasure, loans, payments, person_export
from records.database import Database
from records.tables import Document
from tests.activities.outside import (
    TUESDAY,
    Desk,
    desk_for,
    enter_loan,
    mails_to,
    pay,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.records.portfolios import LENDER
from tests.sandbox.running import World
from web.documents import documents_router

SECRET = SecretStr("signs-what-borrowers-are-sent-xx")
PUBLIC = "http://testserver"


def order(loan_id: str, step: str, occurrence: int, *channels: Channel) -> Any:
    template = "payment_received" if step == RECEIPT else "part_payment_received"
    return remind(
        loan_id,
        step=step,
        occurrence=occurrence,
        template=template,
        channels=channels or (Channel.EMAIL,),
        purpose=Purpose.TRANSACTIONAL,
    )


def kept(database: Database, loan_id: str) -> list[Document]:
    with database.reading() as session:
        return list(documents.of_loan(session, loans.get(session, LENDER, loan_id)))


def text_of(pdf: bytes) -> str:
    return " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().replace("\u00a0", " ").split())


def attached(world: World, desk: Desk, loan_id: str) -> list[list[str]]:
    address = person_of(desk.database, loan_id)[1]
    mails = world.http.get("/_world/mail").json()["mail"]
    return [mail["attachments"] for mail in mails if mail["to"] == address]


async def test_a_part_payment_is_receipted_by_mail_with_what_is_left(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)
    pay(both.database, loan_id, 2_500, f"p1-{loan_id}")

    report = await both.contact(order(loan_id, PART_RECEIPT, 1))

    assert report.outcome is ContactOutcome.SENT
    [receipt] = kept(both.database, loan_id)
    assert attached(world, both, loan_id) == [[f"receipt-{receipt.number}.pdf"]]
    text = text_of(pdf_of(receipt))
    assert "25,00 €" in text
    assert "75,00 €" in text
    [mail] = mails_to(world, person_of(both.database, loan_id)[1])
    assert mail["subject"] == "Recibo de Credialba"


async def test_each_payment_has_one_receipt_and_the_end_a_letter(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    pay(desk.database, loan_id, 2_500, f"p1-{loan_id}")
    pay(desk.database, loan_id, 1_500, f"p2-{loan_id}", TUESDAY + timedelta(minutes=1))
    await desk.contact(order(loan_id, PART_RECEIPT, 2))
    pay(desk.database, loan_id, 6_000, f"p3-{loan_id}", TUESDAY + timedelta(minutes=2))
    await desk.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"))
    await desk.contact(order(loan_id, RECEIPT, 1), TUESDAY + timedelta(days=1))
    await desk.contact(order(loan_id, RECEIPT, 1), TUESDAY + timedelta(days=1))  # tried again

    numbers = [document.number for document in kept(desk.database, loan_id)]
    assert [document.kind for document in kept(desk.database, loan_id)] == ["receipt"] * 3 + ["paid_in_full"]
    assert attached(world, desk, loan_id) == [
        [f"receipt-{numbers[0]}.pdf", f"receipt-{numbers[1]}.pdf"],
        [f"receipt-{numbers[2]}.pdf", "nothing-left-1.pdf"],
    ]
    assert "no queda nada pendiente de la cantidad que le reclamábamos" in text_of(
        pdf_of(kept(desk.database, loan_id)[-1])
    )


@pytest.mark.parametrize("end", [LoanEnd.SETTLED, LoanEnd.CURED])
async def test_the_letter_of_who_kept_a_settlement_says_that_the_rest_is_forgiven(
    lite: Database, world: World, end: LoanEnd
) -> None:
    """Given a loan that ended by a settlement, or by payment of all, when its letter is read, then it says of the first
    alone that the rest is forgiven."""
    loan_id = enter_loan(lite)
    pay(lite, loan_id, 10_000)
    async with desk_for(lite, settings_for(world)) as desk:
        await desk.write(loan_id, EndEntry(at=TUESDAY, end=end, by="agreement"))
        await desk.contact(order(loan_id, RECEIPT, 1))

    forgiven = "El resto de lo que le reclamábamos queda perdonado" in text_of(pdf_of(kept(lite, loan_id)[-1]))
    assert forgiven == (end is LoanEnd.SETTLED)


SETTLEMENT = Agreement(
    number=1,
    kind=AgreementKind.SETTLEMENT,
    state=AgreementState.ACTIVE,
    made_at=TUESDAY - timedelta(hours=1),
    by="borrower",
    via=Via.MESSAGE,
    instalments=tuple(Instalment(number=n, due=date(2026, 2 + n, 20), amount_minor=4_000) for n in (1, 2)),
    balance_minor=10_000,
    remission_minor=2_000,
)


@pytest.mark.parametrize("settles", [True, False], ids=["settlement", "no agreement"])
async def test_who_keeps_a_settlement_is_asked_for_no_more_than_is_left_of_it(
    lite: Database, world: World, settles: bool
) -> None:
    """Given 80.00 agreed on for 100.00 and 40.00 of it paid, when the receipt is read and the message that brings it,
    then they ask for the other 40.00, and not for 60.00 as if nothing had been agreed on."""
    loan_id = enter_loan(lite)
    async with desk_for(lite, settings_for(world)) as desk:
        if settles:
            await desk.write(
                loan_id, AgreementEntry(at=TUESDAY, agreement=SETTLEMENT, paid_minor=(0, 0), change="agreed")
            )
        pay(lite, loan_id, 4_000)
        await desk.contact(order(loan_id, PART_RECEIPT, 1))

    [receipt] = [one for one in kept(lite, loan_id) if one.kind == "receipt"]
    text = text_of(pdf_of(receipt))
    [mail] = mails_to(world, person_of(lite, loan_id)[1])
    asked = mail["text"].replace("\u00a0", " ")
    assert "Queda pendiente de lo reclamado 60,00 €" in text
    assert ("De ello, por pagar según lo acordado 40,00 €" in text) == settles
    assert ("Quedan por pagar 40,00 €" in asked, "Quedan por pagar 60,00 €" in asked) == (settles, not settles)


async def test_the_letter_of_a_settled_loan_names_the_sum_that_was_forgiven(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    pay(lite, loan_id, 8_000)
    done = {"state": AgreementState.COMPLETED, "remitted_minor": 2_000, "ended_at": TUESDAY}
    settled = SETTLEMENT.model_copy(update=done)
    async with desk_for(lite, settings_for(world)) as desk:
        await desk.write(
            loan_id,
            AgreementEntry(at=TUESDAY, agreement=settled, paid_minor=(4_000, 4_000), change="completed"),
            EndEntry(at=TUESDAY, end=LoanEnd.SETTLED, by="agreement"),
        )
        await desk.contact(order(loan_id, RECEIPT, 1))

    text = text_of(pdf_of(kept(lite, loan_id)[-1]))
    assert "De lo que le reclamábamos se le han perdonado 20,00 €, según lo acordado." in text


async def test_a_document_says_what_it_said_when_it_was_issued(lite: Database, world: World) -> None:
    """Given a letter kept by a release whose letters had other words, when its address is opened, then these stand in
    it still."""
    loan_id = enter_loan(lite)
    pay(lite, loan_id, 10_000)
    async with desk_for(lite, settings_for(world)) as desk:
        await desk.contact(order(loan_id, RECEIPT, 1))
    letter = kept(lite, loan_id)[-1]
    assert letter.says is not None
    letter.says = json.dumps({name: value for name, value in json.loads(letter.says).items() if name != "wording"})

    assert "está totalmente pagado" in text_of(pdf_of(letter))


@pytest.mark.parametrize("step", [PART_RECEIPT, RECEIPT])
async def test_a_text_carries_an_address_that_opens_the_document_until_it_ends(
    lite: Database, world: World, step: str
) -> None:
    loan_id = enter_loan(lite)
    pay(lite, loan_id, 10_000 if step == RECEIPT else 4_000)
    settings = settings_for(world, web=Web(public_url=PUBLIC, link_secret=SECRET))
    async with desk_for(lite, settings) as desk:
        await desk.contact(order(loan_id, step, 1, Channel.SMS))

    [text] = texts_to(world, person_of(lite, loan_id)[0])
    address = next(word for word in text["body"].split() if word.startswith(PUBLIC))
    clock = [TUESDAY]
    app = FastAPI()
    app.include_router(documents_router(lite, SignedAddresses(SECRET, PUBLIC), lambda request: clock[0]))
    with TestClient(app) as browser:
        opened = browser.get(address)
        # Not the last character: some of its bits may stand for nothing.
        forged = browser.get(address[:-6] + ("A" if address[-6] != "A" else "B") + address[-5:])
        clock[0] = TUESDAY + timedelta(days=31)
        over = browser.get(address)
    assert (opened.status_code, opened.headers["content-type"]) == (200, "application/pdf")
    assert ("nada pendiente de la cantidad" if step == RECEIPT else "60,00 €") in text_of(opened.content)
    assert (forged.status_code, over.status_code) == (404, 410)
    assert "Este enlace ha caducado." in over.text, "in the language of whose receipt it was"
    assert loan_id not in address


async def test_without_a_secret_to_sign_with_a_text_is_its_own_receipt(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    pay(desk.database, loan_id, 10_000)

    await desk.contact(order(loan_id, RECEIPT, 1, Channel.SMS))

    [text] = texts_to(world, person_of(desk.database, loan_id)[0])
    assert "Guarda este mensaje como recibo" in text["body"]


async def test_a_reminder_encloses_nothing(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    pay(desk.database, loan_id, 2_500)

    await desk.contact(remind(loan_id, channels=(Channel.EMAIL,)))

    assert attached(world, desk, loan_id) == [[]]
    assert kept(desk.database, loan_id) == []


async def test_receipts_go_with_the_person(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)
    pay(both.database, loan_id, 10_000)
    await both.contact(order(loan_id, RECEIPT, 1))
    await both.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"))
    with both.database.reading() as session:
        loan, person = loans.get(session, LENDER, loan_id), None
        from records import people

        person = people.of_loan(session, loan)
        told = person_export.export(session, person)
        assert [row["kind"] for row in told["documents"]] == ["receipt", "paid_in_full"]

    erasure.erase(both.database, LENDER, person.person_id, at=TUESDAY, actor="test")

    assert [pdf_of(document) for document in kept(both.database, loan_id)] == [b"", b""]


def test_the_receipt_of_a_payment_can_be_had_by_hand_and_is_the_same_each_time(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    pay(lite, loan_id, 2_500, f"by-hand-{loan_id}")
    receipts = Receipts(lite, settings_for(world))
    with lite.reading() as session:
        payment = payments.find(session, "stripe", f"by-hand-{loan_id}")
        assert payment is not None

    first, again = receipts.receipt(payment, TUESDAY), receipts.receipt(payment, TUESDAY + timedelta(days=9))

    assert first.public_id == again.public_id
    assert pdf_of(first) == pdf_of(again)
