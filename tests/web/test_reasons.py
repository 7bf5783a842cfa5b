"""Why a case waits and why a loan refuses something, in the language of whoever reads the page."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.agreements.model import Via
from domain.events.agreements import DueDateMoved, PromiseMade
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived
from tests.domain.agreements.interruption_table import PLAN, agreement_of
from tests.domain.conversation.test_another_day import loan, planned, says
from tests.domain.simulated_loan import SimulatedLoan
from web.reasons import reason_in


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("the borrower wrote: request agent, hardship", "es", "El cliente escribió: pide una persona, dificultades"),
        ("the borrower wrote: request plan; none can be offered", "pt",
         "O cliente escreveu: pede para pagar de outra forma; nenhuma pode ser oferecida"),
        ("the borrower wrote while the loan was not in collection: dispute", "es",
         "El cliente escribió sin que el préstamo estuviera en gestión: disputa"),
        ("vulnerable reported; a link asked for on the telephone is not sent", "es",
         "Vulnerabilidad (comunicado); no se envía el enlace que pidió por teléfono"),
        ("asked on the telephone for a person; nobody decided demo-L1-1-1", "es",
         "Pidió por teléfono hablar con una persona; nadie decidió demo-L1-1-1"),
        ("vulnerable reported, again after demo-L1-1-1: what a person wrote was not sent: its time was over", "pt",
         "Vulnerabilidade (comunicado), de novo depois de demo-L1-1-1: Não foi enviado o que uma pessoa escreveu: "
         "o prazo passou"),
        ("plan 3 was not kept", "es", "No se cumplió: plan 3"),
        ("promises to pay: less than the strategy takes (1050)", "es",
         "Promete pagar: menos de lo que admite la estrategia (10,50\u00a0€)"),
        ("asks for another day to pay: a due date of it was moved already", "pt",
         "Pede outro dia para pagar: uma de suas datas já foi mudada"),
        ("2026-03-21 is no working day", "es", "El 21 mar 2026 no es laborable"),
        ("settlement 4 needs a supervisor: 9750 of 15000 minor units", "es",
         "Quita 4, 97,50\u00a0€ de 150,00\u00a0€: requiere un supervisor"),
        ("plan monthly: the debt is below 6000", "es", "Plan monthly: la deuda es menor de 60,00\u00a0€"),
        ("the loan has ended as written_off", "pt", "O empréstimo terminou: baixado"),
        ("a reason that nobody has put into words", "es", "A reason that nobody has put into words"),
        ("what a person wrote was not sent: its time was over", "es",
         "No se envió lo que escribió una persona: se le pasó el plazo"),
        ("what a person wrote was not sent: stop.dispute", "pt",
         "Não foi enviado o que uma pessoa escreveu: stop.dispute"),
        ("whatsapp.window: WhatsApp takes own words only within 24 hours of the borrower's last message there; "
         "write by sms or email instead, or send an approved template (`campaign send --template`)", "es",
         "whatsapp.window: WhatsApp solo admite palabras propias en las 24 horas tras el último mensaje del cliente; "
         "escriba por sms o email, o envíe una plantilla aprobada (`campaign send --template`)"),
        ("the borrower has no open address for sms; write by email instead", "pt",
         "O cliente não tem nenhum endereço aberto para sms; escreva por email"),
        ("801 characters are too long for sms: at most 800", "es",
         "801 caracteres son demasiados para sms: 800 como mucho"),
        ("these words were not sent (its time was over): write them anew", "pt",
         "Este texto não foi enviado (o prazo passou): escreva de novo"),
        ("sms is closed for this borrower", "es", "Sms está cerrado para este cliente"),
        ("5 messages of people wait already", "pt", "Já esperam 5 mensagens de pessoas"),
        ("a case of kind contact_data is decided, not answered", "es", "Un caso así se decide, no se responde"),
        ("asks for another day to pay: no day that is possible is a working day", "es",
         "Pide otro día para pagar: ningún día posible es laborable"),
        ("its first day, 2026-03-21, has passed: ask for a new offer", "es",
         "Ya pasó su primer día, el 21 mar 2026: pida otra oferta"),
        ("accepts an offer: its first day, 2026-03-21, has passed: ask for a new offer", "pt",
         "Aceita uma oferta: seu primeiro dia, 21 de mar. de 2026, já passou: peça outra oferta"),
        ("plan 3 was not kept", "en", "plan 3 was not kept"),
        ("more than what is due (30000)", "en", "more than what is due (€300.00)"),
        ("promises to pay: less than the strategy takes (1050)", "en",
         "promises to pay: less than the strategy takes (€10.50)"),
        ("what is due has changed from 30000 to 21000: ask for a new offer", "en",
         "what is due has changed from €300.00 to €210.00: ask for a new offer"),
        ("settlement 4 needs a supervisor: 9750 of 15000 minor units", "en",
         "settlement 4 needs a supervisor: €97.50 of €150.00"),
        ("1250 minor units of EUR were paid beyond what was due", "en", "€12.50 were paid beyond what was due"),
        ("plan monthly: the debt is below 50000", "en", "plan monthly: the debt is below €500.00"),
        ("plan monthly: no payments within the option's limits of at most 12000", "en",
         "plan monthly: no payments within the option's limits of at most €120.00"),
        ("settlement late: 5000 lies below the floor of 15000 (50 % of 30000)", "es",
         "Quita late: 50,00\u00a0€ es menos del mínimo de 150,00\u00a0€ (50 % de 300,00\u00a0€)"),
        ("more was given back than had been paid beyond what is due: 250 minor units (core p1)", "pt",
         "Foi devolvido mais do que havia sido pago a mais: €\u00a02,50 (core p1)"),
        ("2000 of 5000 minor units were given back by transfer, and the bank took all back (sepa-dd RCB1)", "es",
         "Se devolvieron 20,00\u00a0€ de 50,00\u00a0€ por transferencia y el banco lo retiró todo (sepa-dd RCB1)"),
        ("refused: 2026-03-21 is no working day", "en", "Mar 21, 2026 is no working day"),
        ("a reason that nobody has put into words", "en", "a reason that nobody has put into words"),
    ],
)  # fmt: skip
def test_a_reason_is_told_in_the_language_of_the_page(text: str, language: str, told: str) -> None:
    assert reason_in(text, language, "EUR") == told


def _refused(subject: SimulatedLoan, event: LoanEvent) -> str:
    refused = subject.hear(event)
    assert refused is not None
    return refused


def _promise(subject: SimulatedLoan, days: int, amount: int = 5_000) -> PromiseMade:
    day = subject.state.facts.local_date(subject.now) + timedelta(days=days)
    return PromiseMade(amount_minor=amount, date=day, by="agent-1", via=Via.AGENT)


def test_what_loans_really_say_has_words() -> None:
    plan, talking, disputed, overpaid = planned(), planned(), loan(), loan()
    says(talking, "request_agent")
    disputed.hear(CircumstanceReported(kind=Circumstance.DISPUTE))
    paid = {"payment_id": "p1", "provider": "bank", "currency": "EUR", "paid_at": overpaid.now}
    overpaid.hear(PaymentReceived.model_validate(paid | {"amount_minor": 40_000}))
    said = [
        _refused(plan, _promise(plan, 5)),
        _refused(plan, agreement_of(PLAN, loan().state, plan.now)),
        _refused(plan, DueDateMoved(number=1, to=date(2026, 5, 1), by="agent-1")),
        _refused(plan, DueDateMoved(number=1, to=date(2026, 3, 21), by="agent-1")),
        _refused(plan, DueDateMoved(number=7, to=date(2026, 3, 18), by="agent-1")),
        _refused(loan(), _promise(loan(), 90)),
        _refused(loan(), _promise(loan(), -1)),
        _refused(loan(), _promise(loan(), 1, 90_000)),
        _refused(disputed, _promise(disputed, 1)),
        _refused(overpaid, _promise(overpaid, 1)),
    ]
    said += [
        entry.reason for each in (talking, disputed, overpaid) for entry in each.ledger if entry.entry == "case_opened"
    ]

    for reason in said:
        assert reason_in(reason, "es", "EUR").casefold() != reason.casefold(), reason
