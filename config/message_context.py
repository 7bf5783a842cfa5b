"""What a message may say about a borrower and a loan, and what a rendered message is."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.money import Money

_FORMAT_CONTROLS_KEPT = {"\u200c", "\u200d"}  # they join letters in names of some scripts


def _one_line(value: object) -> object:
    """Names come from files of others: no line break, control or direction mark may leave its place."""
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isprintable():
        return " ".join(value.split())
    kept = []
    for char in value:
        category = unicodedata.category(char)
        if category in ("Zs", "Zl", "Zp", "Cc"):
            kept.append(" ")
        elif category not in ("Cf", "Cs") or char in _FORMAT_CONTROLS_KEPT:
            kept.append(char)
    return " ".join("".join(kept).split())


def _lines(value: object) -> object:
    """What a person wrote keeps its lines, one empty one at most between them; each is as clean as a name."""
    if not isinstance(value, str):
        return value
    cleaned = [str(_one_line(line)) for line in value.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(cleaned)).strip()


OneLine = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=200)]
Notice = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=1000)]
Quoted = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=5000)]
Words = Annotated[str, BeforeValidator(_lines), Field(min_length=1, max_length=5000)]
LinkUrl = Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=500)]


class MessageContext(BaseModel):
    """What a template may print. A value that is None is absent: printing it is an error.

    `caller_name` is who contacts: the agency that collects for the lender, or the lender itself. `loan_id` is the
    reference the borrower knows; `days_past_due` is negative before the due date;
    `consent_url` is where the borrower lets us read their balance, `agree_url` where they see what can be agreed on;
    `today` is the borrower's local date; amounts and dates print in the locale of the message's language and `country`
    (ISO 3166-1 alpha-2).
    Texts are brought to one line. `opt_out_hint` is a whole sentence (see `config.templates.opt_out_hint`);
    `one_way` is set where the sender is a name, which nobody can answer: nothing then asks for a reply;
    `own_words` is what a person of ours wrote, with its lines, and `own_subject` their subject of an e-mail.
    `legal_notice` is what law asks a given sender to add, such as the disclosure of a third-party collector in
    the United States. Errors never show the values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    lender_name: OneLine
    lender_phone: OneLine
    caller_name: OneLine | None = None
    loan_id: OneLine
    borrower_name: OneLine | None = None
    amount_due: Money
    due_date: date
    days_past_due: int
    today: date
    link_url: LinkUrl | None = None
    consent_url: LinkUrl | None = None
    agree_url: LinkUrl | None = None
    agreed_amount: Money | None = None
    agreed_date: date | None = None
    agreed_payments: Notice | None = None
    answer_by: date | None = None
    faq_answer: Notice | None = None
    amount_paid: Money | None = None
    paid_on: date | None = None
    debit_on: date | None = None
    mandate_reference: OneLine | None = None
    creditor_id: OneLine | None = None
    account_ending: Annotated[str, Field(pattern=r"^[0-9A-Z]{4}$")] | None = None
    opt_out_hint: OneLine | None = None
    one_way: bool | None = None
    own_words: Words | None = None
    own_subject: OneLine | None = None
    legal_notice: Notice | None = None
    document_url: LinkUrl | None = None


VARIABLES = tuple(name for name in MessageContext.model_fields if name != "country")


class RenderedMessage(BaseModel):
    """`subject` (one line) and `html` exist only for e-mail."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    subject: str | None
    text: str
    html: str | None


# A pretended borrower for previews and checks: 555 numbers and .example names belong to nobody.
_SAMPLE_COUNTRY = {"es": "ES", "en": "US", "pt": "BR"}
_SAMPLE_NAME = {"es": "Lucía Gómez", "en": "Grace Miller", "pt": "Ana Souza"}
_SAMPLE_PHONE = {"ES": "900 555 010", "US": "+1 202-555-0110", "BR": "0800 555 0110"}
_SAMPLE_TODAY = date(2026, 3, 4)
_SAMPLE_FAQ = {
    "es": "Un pago con tarjeta se ve enseguida.",
    "en": "A payment shows the next day.",
    "pt": "Um pagamento com Pix aparece no mesmo dia.",
}
_SAMPLE_WORDS = {
    "es": "He mirado tu pregunta: el pago de febrero nos llego el dia 3.",
    "en": "I looked into your question: your payment of February came in on the 3rd.",
    "pt": "Vi a sua pergunta: o pagamento de fevereiro chegou no dia 3.",
}


def sample_context(
    language: str,
    *,
    currency: str = "EUR",
    country: str | None = None,
    days_past_due: int = 7,
    link: bool = True,
    paid: bool = False,
    agreed: bool = False,
    answered: bool = False,
    debit: bool = False,
    own_words: bool = False,
    opt_out_hint: str | None = None,
) -> MessageContext:
    """A context with invented values; `link`, `paid`, `agreed`, `answered`, `debit` and `own_words` say what is part of
    it: a link, a payment, an agreement to pay, a day by which a person answers, a direct debit, what a person wrote."""
    country = country or _SAMPLE_COUNTRY.get(language, "US")
    amount = Money(amount_minor=12_350, currency=currency)
    return MessageContext(
        country=country,
        lender_name="Credialba",
        caller_name="Credialba",
        lender_phone=_SAMPLE_PHONE.get(country, "+1 202-555-0110"),
        loan_id="P-20417",
        borrower_name=_SAMPLE_NAME.get(language, "Grace Miller"),
        amount_due=amount,
        due_date=_SAMPLE_TODAY - timedelta(days=days_past_due),
        days_past_due=days_past_due,
        today=_SAMPLE_TODAY,
        link_url="https://pay.credialba.example/l/7Hq2mX4c" if link else None,
        consent_url="https://cobros.credialba.example/consent/1a.KjH.0123456789abcdef01234567",
        agree_url="https://cobros.credialba.example/agree/WyJjcmVkaWFsYmEvUC0yMDQxNyJd.KjH0123456789abcdef01234567",
        agreed_amount=amount if agreed else None,
        agreed_date=_SAMPLE_TODAY + timedelta(days=1) if agreed else None,
        agreed_payments="61.75 (4/3/26), 61.75 (4/4/26)" if agreed else None,
        answer_by=_SAMPLE_TODAY + timedelta(days=2) if answered else None,
        faq_answer=_SAMPLE_FAQ.get(language, _SAMPLE_FAQ["en"]) if answered else None,
        amount_paid=amount if paid else None,
        paid_on=_SAMPLE_TODAY if paid else None,
        debit_on=_SAMPLE_TODAY + timedelta(days=14) if debit else None,
        mandate_reference="M-20417" if debit else None,
        creditor_id="ES50ZZZA12345678" if debit else None,
        account_ending="1332" if debit else None,
        own_words=_SAMPLE_WORDS.get(language, _SAMPLE_WORDS["en"]) if own_words else None,
        opt_out_hint=opt_out_hint,
    )


def full_sample(
    language: str, *, currency: str = "EUR", country: str | None = None, opt_out_hint: str | None = None
) -> MessageContext:
    """As `sample_context`, with all of it: whatever a template shows of a loan is there."""
    return sample_context(
        language,
        currency=currency,
        country=country,
        link=True,
        paid=True,
        agreed=True,
        answered=True,
        debit=True,
        own_words=True,
        opt_out_hint=opt_out_hint,
    )


_NAMES_A_PROMISE = frozenset({"reply_confirm_promise", "reply_promise_taken", "reply_promise_too_far"})
_NAMES_A_PAYMENT = frozenset({"reply_confirm_move", "reply_move_days", "reply_moved", "reply_next_payment"})
_NAMES_PAYMENTS = frozenset({"reply_plan_offer", "reply_settlement_offer", "reply_agreed"})
_NAMES_A_PERSON = frozenset({"reply_person", "reply_with_care", "reply_faq"})


def sample_answer(template: str, language: str, currency: str, hint: str | None) -> MessageContext:
    """Invented values of an answer to a borrower's message: what an answer of that kind will have."""
    return sample_context(
        language,
        currency=currency,
        link=template == "reply_how_to_pay",
        agreed=template in _NAMES_A_PROMISE | _NAMES_A_PAYMENT | _NAMES_PAYMENTS,
        answered=template in _NAMES_A_PERSON,
        opt_out_hint=hint,
    )
