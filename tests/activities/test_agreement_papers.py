"""What was agreed reaches the borrower in writing, and a link over it asks for no more than was agreed."""

from __future__ import annotations

import io
import re
from datetime import date, datetime, timedelta

import pytest
from pypdf import PdfReader
from sqlmodel import select

from activities.agreement_papers import AgreementPapers, arithmetic
from config.lender_settings import Lender
from domain.agreements.model import DOCUMENT, LINK, Agreement, AgreementKind, AgreementState, Evidence, Instalment, Via
from domain.agreements.schedule import repayment
from domain.agreements.terms import RestructuringOption
from domain.contact import Actor, Channel, Purpose
from domain.contact_orders import Agreed
from domain.events.contacts import ContactOutcome
from domain.ledger_entries import AgreementEntry
from records import agreements, documents
from records.tables import PaymentLink
from tests.activities.outside import (
    TUESDAY,
    Desk,
    enter_loan,
    loan_row,
    mails_to,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

PLAN = Agreement(
    number=1,
    kind=AgreementKind.PLAN,
    state=AgreementState.ACTIVE,
    made_at=TUESDAY,
    by="agent-1",
    via=Via.MESSAGE,
    instalments=tuple(Instalment(number=n, due=date(2026, 2 + n, 20), amount_minor=5_000) for n in (1, 2)),
    balance_minor=10_000,
    grace_days=3,
    fees_frozen=True,
)
AGREED = Agreed(amount_minor=5_000, due=date(2026, 3, 20))


async def test_a_plan_is_kept_as_a_document_and_sent_with_an_email(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    with desk.database.writing() as session:
        said = agreements.keep_words(session, loan_row(session, loan_id), "sí, de acuerdo", at=TUESDAY)
    evidence = Evidence(at=TUESDAY, message_id="SM1", text_sha256=said.sha256)
    made = PLAN.model_copy(update={"evidence": evidence})
    await desk.write(loan_id, AgreementEntry(at=TUESDAY, agreement=made, paid_minor=(0, 0), change="agreed"))
    await desk.write(loan_id, AgreementEntry(at=TUESDAY, agreement=made, paid_minor=(0, 0), change="agreed"))

    report = await desk.contact(
        remind(
            loan_id,
            step=DOCUMENT,
            occurrence=1000,
            channels=(Channel.EMAIL,),
            template="agreed_document",
            purpose=Purpose.TRANSACTIONAL,
            agreed=AGREED,
        )
    )

    assert report.outcome is ContactOutcome.SENT
    with desk.database.reading() as session:
        [kept] = documents.of_loan(session, loan_row(session, loan_id))
        pdf = kept.pdf
    text = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().replace("\u00a0", " ").split())
    for words in ("Plan de pagos", "100,00 €", "cien euros", "20 de marzo de 2026", "SM1", "sí, de acuerdo"):
        assert words in text
    address = person_of(desk.database, loan_id)[1]
    [mail] = [m for m in world.http.get("/_world/mail").json()["mail"] if m["to"] == address]
    assert mail["attachments"] == [f"agreement-{kept.number}.pdf"]
    assert "50,00 €" in mails_to(world, address)[0]["text"].replace("\u00a0", " ")


async def test_a_link_over_what_was_agreed_asks_for_no_more(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)

    report = await desk.contact(
        remind(
            loan_id,
            step=LINK,
            occurrence=1010,
            channels=(Channel.SMS,),
            template="agreed_link",
            with_link=True,
            agreed=AGREED,
        )
    )

    assert report.outcome is ContactOutcome.SENT
    with desk.database.reading() as session:
        [link] = session.exec(select(PaymentLink).where(PaymentLink.loan_ref == loan_row(session, loan_id).id)).all()
    assert link.amount_minor == 5_000
    [text] = texts_to(world, person_of(desk.database, loan_id)[0])
    assert "50,00 €" in text["body"].replace("\u00a0", " ")
    assert link.url in text["body"]


async def test_a_moved_date_has_a_document_of_its_own_that_replaces_the_first(desk: Desk) -> None:
    loan_id = enter_loan(desk.database)
    await desk.write(loan_id, AgreementEntry(at=TUESDAY, agreement=PLAN, paid_minor=(0, 0), change="agreed"))
    later = PLAN.instalments[0].model_copy(update={"due": date(2026, 3, 27), "moved": 1})
    yes = Evidence(at=TUESDAY, message_id="SM77")
    changed = {"instalments": (later, PLAN.instalments[1]), "revision": 1, "revised_at": TUESDAY, "move_evidence": yes}
    moved = PLAN.model_copy(update=changed)
    await desk.write(
        loan_id, AgreementEntry(at=TUESDAY, agreement=moved, paid_minor=(0, 0), change="due date moved"), first=1
    )

    with desk.database.reading() as session:
        first, second = documents.of_loan(session, loan_row(session, loan_id))
    assert second.number == f"{first.number}-2"
    text = " ".join(PdfReader(io.BytesIO(second.pdf)).pages[0].extract_text().split())
    assert "27 de marzo de 2026" in text
    assert f"sustituye al n.º {first.number}:" in text
    assert "Cambio de fecha aceptado" in text
    assert "SM77" in text
    assert "sustituye" not in PdfReader(io.BytesIO(first.pdf)).pages[0].extract_text()


@pytest.mark.parametrize("counted", [False, True], ids=["before words were counted", "since then"])
async def test_a_date_that_moves_does_not_put_what_was_agreed_on_in_other_words(desk: Desk, counted: bool) -> None:
    """Given a plan with its document, when a date of it moves after the words of documents have changed, then the new
    document speaks as the first one did."""
    loan_id = enter_loan(desk.database)
    await desk.write(loan_id, AgreementEntry(at=TUESDAY, agreement=PLAN, paid_minor=(0, 0), change="agreed"))
    if not counted:
        with desk.database.writing() as session:
            [kept] = documents.of_loan(session, loan_row(session, loan_id))
            kept.says = None
            session.add(kept)
    moved = PLAN.model_copy(update={"revision": 1, "revised_at": TUESDAY})
    await desk.write(
        loan_id, AgreementEntry(at=TUESDAY, agreement=moved, paid_minor=(0, 0), change="due date moved"), first=1
    )

    with desk.database.reading() as session:
        _, second = documents.of_loan(session, loan_row(session, loan_id))
    text = " ".join(PdfReader(io.BytesIO(second.pdf)).pages[0].extract_text().split())
    assert ("Deuda al acordarlo" in text) != counted
    assert ("Cantidad reclamada al acordarlo" in text) == counted


@pytest.mark.parametrize("smallest", [1, 100])
def test_a_new_schedule_keeps_its_columns_of_interest_whichever_version_made_it(smallest: int) -> None:
    """Given a schedule in pesos, or one of an earlier version with centavos."""
    option = RestructuringOption(id="new", instalments=3, rate_bp=1_200)
    made = repayment(10_000_037, 3, option.every, option.rate_bp, smallest)

    assert arithmetic(option, 10_000_037, [row.amount_minor for row in made], "COP") == made
    assert arithmetic(option, 10_000_037, [1, 2, 3], "COP") is None


async def read_of(desk: Desk, agreement: Agreement) -> str:
    """What the only document of a loan that agreed on this says."""
    loan_id = enter_loan(desk.database)
    await desk.write(loan_id, AgreementEntry(at=TUESDAY, agreement=agreement, paid_minor=(0, 0), change="agreed"))
    with desk.database.reading() as session:
        [kept] = documents.of_loan(session, loan_row(session, loan_id))
    return " ".join(PdfReader(io.BytesIO(kept.pdf)).pages[0].extract_text().split())


@pytest.mark.parametrize(
    ("proposed_by", "approved_by", "said"),
    [("machine", "machine", False), ("account:5", None, False), ("account:5", "account:8", True)],
    ids=["nobody had to approve it", "agreed on at once", "another person approved it"],
)
async def test_a_document_says_that_another_person_approved_it_only_where_one_did_and_not_who(
    desk: Desk, proposed_by: str, approved_by: str | None, said: bool
) -> None:
    text = await read_of(desk, PLAN.model_copy(update={"proposed_by": proposed_by, "approved_by": approved_by}))
    assert ("Aprobado por una segunda persona" in text) == said
    assert "account:" not in text
    assert "machine" not in text


@pytest.mark.parametrize("state", [AgreementState.PROPOSED, AgreementState.REPLACED, AgreementState.EXPIRED])
async def test_an_offer_has_no_document_before_the_borrowers_yes_and_then_one_with_it(
    desk: Desk, world: World, state: AgreementState
) -> None:
    papers = AgreementPapers(desk.database, settings_for(world))
    loan_id = enter_loan(desk.database)
    ended = None if state is AgreementState.PROPOSED else TUESDAY
    offer = PLAN.model_copy(update={"state": state, "expires_at": TUESDAY + timedelta(days=9), "ended_at": ended})
    await desk.write(loan_id, AgreementEntry(at=TUESDAY, agreement=offer, paid_minor=(0, 0), change="offered"))

    assert papers.make(LENDER, loan_id, 1, TUESDAY) is None

    yes = Evidence(at=TUESDAY, message_id="SM8")
    agreed = PLAN.model_copy(update={"evidence": yes})
    await desk.write(loan_id, AgreementEntry(at=TUESDAY, agreement=agreed, paid_minor=(0, 0), change="agreed"), first=1)
    made = papers.make(LENDER, loan_id, 1, TUESDAY)
    assert made is not None
    assert "SM8" in PdfReader(io.BytesIO(made.pdf)).pages[0].extract_text()


async def test_a_document_names_the_agency_that_acts_for_the_creditor_and_how_it_was_accepted(
    desk: Desk, world: World
) -> None:
    """Given a lender for whom an agency collects, when a plan is agreed on at the borrower's page, then its document
    says who acts for whom, where to complain, and that the yes was given on the page."""
    lender = Lender(
        name="Credialba",
        phone="900 555 010",
        collects_as=Actor.AGENCY,
        agency="Recupera Sur",
        complaints="quejas@recupera.example",
    )
    papers = AgreementPapers(desk.database, settings_for(world, lender=lender))
    loan_id = enter_loan(desk.database)
    plan = PLAN.model_copy(update={"via": Via.PAGE, "evidence": Evidence(at=TUESDAY, message_id="page:1")})
    with desk.database.writing() as session:
        agreements.keep(session, loan_row(session, loan_id), plan, (0, 0), of_entry=1, at=TUESDAY)

    made = papers.make(LENDER, loan_id, 1, TUESDAY)

    assert made is not None
    text = " ".join(PdfReader(io.BytesIO(made.pdf)).pages[0].extract_text().split())
    assert "acordado con Recupera Sur, que actúa por encargo de Credialba, el acreedor," in text
    assert "quejas@recupera.example" in text
    assert "En la página con sus opciones de pago" in text


async def test_an_agreement_that_takes_the_place_of_another_names_its_document(desk: Desk) -> None:
    """Given a promise that gave way to a plan, and the plan, with a date moved, to a settlement, when their documents
    are read, then each says which one no longer holds, by the number of its last document."""
    loan_id = enter_loan(desk.database)
    moments = [TUESDAY + timedelta(days=days) for days in range(4)]
    promise = PLAN.model_copy(
        update={"kind": AgreementKind.PROMISE, "instalments": PLAN.instalments[:1], "made_at": moments[0]}
    )
    plan = PLAN.model_copy(update={"number": 2, "made_at": moments[1]})
    moved = plan.model_copy(update={"revision": 1, "revised_at": moments[2]})
    lower = {"number": 3, "kind": AgreementKind.SETTLEMENT, "made_at": moments[3], "remission_minor": 2_000}
    settlement = PLAN.model_copy(update={**lower, "balance_minor": 12_000})

    def told(agreement: Agreement, change: str, at: datetime) -> AgreementEntry:
        return AgreementEntry(at=at, agreement=agreement, paid_minor=(0,) * len(agreement.instalments), change=change)

    def gone(agreement: Agreement, at: datetime) -> AgreementEntry:
        return told(
            agreement.model_copy(update={"state": AgreementState.REPLACED, "ended_at": at}), AgreementState.REPLACED, at
        )

    entries = [
        told(promise, "agreed", moments[0]),
        gone(promise, moments[1]),
        told(plan, "agreed", moments[1]),
        told(moved, "due date moved", moments[2]),
        gone(moved, moments[3]),
        told(settlement, "agreed", moments[3]),
    ]
    for index, entry in enumerate(entries):
        await desk.write(loan_id, entry, first=index)

    with desk.database.reading() as session:
        papers = {paper.number: paper.pdf for paper in documents.of_loan(session, loan_row(session, loan_id))}
    said = {
        number.removeprefix(f"{loan_id}-"): " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
        for number, pdf in papers.items()
    }
    gives_way = {
        number: re.findall(r"ocupa el lugar del n.º (\S+), que deja de valer", text) for number, text in said.items()
    }
    assert gives_way == {
        "1-1": [],
        "1-2": [f"{loan_id}-1-1"],
        "1-2-2": [f"{loan_id}-1-1"],
        "1-3": [f"{loan_id}-1-2-2"],
    }


async def test_a_document_gives_the_creditors_account_that_the_lender_is_paid_into(desk: Desk, world: World) -> None:
    lender = Lender(name="Credialba", phone="900 555 010", pay_to="BBVA 012 180 0012345678 9")
    papers = AgreementPapers(desk.database, settings_for(world, lender=lender))
    loan_id = enter_loan(desk.database)
    with desk.database.writing() as session:
        agreements.keep(session, loan_row(session, loan_id), PLAN, (0, 0), of_entry=1, at=TUESDAY)

    made = papers.make(LENDER, loan_id, 1, TUESDAY)

    assert made is not None
    text = " ".join(PdfReader(io.BytesIO(made.pdf)).pages[0].extract_text().split())
    assert "Cuenta de Credialba para estos pagos: BBVA 012 180 0012345678 9." in text


async def test_a_new_schedule_tells_what_its_interest_comes_to_a_year_by_its_own_days(desk: Desk) -> None:
    """Given 100.00 that are to be paid as 55.00 a year later and 60.50 after two, of an option that the strategy no
    longer has, when the document is read, then it says 10 % a year; without interest it says nothing of a rate."""
    in_years = tuple(
        Instalment(number=year, due=TUESDAY.date() + timedelta(days=365 * year), amount_minor=amount)
        for year, amount in ((1, 5_500), (2, 6_050))
    )
    schedule = {"kind": AgreementKind.RESTRUCTURING, "version": 2, "option": "gone"}
    dear = PLAN.model_copy(update={**schedule, "instalments": in_years, "added_minor": 1_550})

    assert "(TAE) 10,00 %" in (await read_of(desk, dear)).replace("\u00a0", " ")
    assert "(TAE)" not in await read_of(desk, PLAN.model_copy(update=schedule))
