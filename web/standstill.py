"""Why a loan stands still, and how it ended, in the language of whoever looks at its page."""

from __future__ import annotations

from datetime import UTC

from babel.dates import format_datetime

from config.localised import format_date, locale_of
from domain.loan_state import LoanState

STANDSTILL_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "circumstance": "{what} was reported: a person must decide",
        "dispute": "A dispute",
        "hardship": "Hardship",
        "bereavement": "A bereavement",
        "vulnerable": "Vulnerability",
        "paused": "Paused until {until} UTC",
        "case": "Case {case} is with {queue}",
        "agreement": "{kind} {number} until {day}",
        "promise": "Promise",
        "plan": "Plan",
        "settlement": "Settlement",
        "restructuring": "New schedule",
        "end_cured": "paid",
        "end_settled": "settled",
        "end_not_cured": "not paid",
        "end_recalled": "back with the lender",
        "end_sold": "sold",
        "end_written_off": "written off",
    },
    "es": {
        "circumstance": "{what}: tiene que decidir una persona",
        "dispute": "Disputa comunicada",
        "hardship": "Dificultades comunicadas",
        "bereavement": "Fallecimiento comunicado",
        "vulnerable": "Vulnerabilidad comunicada",
        "paused": "En pausa hasta el {until} UTC",
        "case": "El caso {case} está con {queue}",
        "agreement": "{kind} {number} hasta el {day}",
        "promise": "Compromiso",
        "plan": "Plan",
        "settlement": "Quita",
        "restructuring": "Nuevo calendario",
        "end_cured": "pagado",
        "end_settled": "saldado con quita",
        "end_not_cured": "sin pagar",
        "end_recalled": "devuelto a la entidad",
        "end_sold": "vendido",
        "end_written_off": "dado por perdido",
    },
    "pt": {
        "circumstance": "{what}: uma pessoa precisa decidir",
        "dispute": "Contestação comunicada",
        "hardship": "Dificuldade comunicada",
        "bereavement": "Falecimento comunicado",
        "vulnerable": "Vulnerabilidade comunicada",
        "paused": "Em pausa até {until} UTC",
        "case": "O caso {case} está com {queue}",
        "agreement": "{kind} {number} até {day}",
        "promise": "Promessa",
        "plan": "Plano",
        "settlement": "Acordo com desconto",
        "restructuring": "Novo cronograma",
        "end_cured": "pago",
        "end_settled": "quitado com desconto",
        "end_not_cured": "sem pagamento",
        "end_recalled": "devolvido ao credor",
        "end_sold": "vendido",
        "end_written_off": "baixado",
    },
}


def standstill(state: LoanState, language: str) -> str | None:
    """Why the strategy's own contacts stand still, as `LoanState.hold` has it; None while they do not."""
    words, locale = STANDSTILL_WORDS[language], locale_of(language, "")
    if state.hold is None:
        return None
    if state.circumstance is not None:
        return words["circumstance"].format(what=words[state.circumstance.value])
    if state.paused_until is not None:
        until = format_datetime(state.paused_until.astimezone(UTC), "d MMM y, HH:mm", locale=locale)
        return words["paused"].format(until=until)
    if (case := state.holding_case) is not None:
        return words["case"].format(case=case.case_id, queue=case.queue)
    agreement = state.agreement
    assert agreement is not None
    kind, day = words[agreement.kind.value], format_date(agreement.last_due, locale)
    return words["agreement"].format(kind=kind, number=agreement.number, day=day)


def ended_as(end: str | None, language: str) -> str | None:
    """How the loan ended; an end that has no words of its own is shown as the records call it."""
    return None if end is None else STANDSTILL_WORDS[language].get(f"end_{end}", end.replace("_", " "))
