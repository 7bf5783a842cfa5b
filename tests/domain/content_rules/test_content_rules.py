"""What may not be said and what must be, market by market: the reference's cases and near-words that are harmless."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.content_rules import load_content
from domain.contact import Actor, Channel, Purpose
from domain.contact_rules.model import Profile
from domain.content_rules import Circumstances, ContentBook, Facts, Finding, Wording, check_content, notice
from domain.content_rules.checking import UNKNOWN_MARKET

BOOK = load_content()
LITERAL = load_content(profile=Profile.LITERAL)
SENDER = Facts(
    creditor=("Credialba",),
    agency=("Recupera Sur",),
    agent=("Ana Ruiz",),
    address=("Av. Juárez 10, Col. Centro, CDMX",),
    phone=("55 5010 2030",),
    responsible=("Luis Peña",),
    complaints=("une@credialba.example",),
    reference=("P-20417",),
    amount=("$1,234.50",),
    calculated_on=("4 mar 2026",),
)
ANYWHERE = ("CL", "CO", "PE", "EC", "MX", "AR", "UY", "PY", "ES", "BR", "US", "GB")


def spoken(
    text: str,
    market: str,
    *,
    subject: str | None = None,
    html: str | None = None,
    channel: Channel = Channel.SMS,
    facts: Facts = SENDER,
    book: ContentBook = BOOK,
    **around: object,
) -> tuple[Finding, ...]:
    circumstances = Circumstances.model_validate(
        {"market": market, "channel": channel, "told": frozenset(Purpose), **around}
    )
    return check_content(Wording(subject=subject, text=text, html=html), circumstances, facts, book)


def forbidden(text: str, market: str, **around: object) -> set[str]:
    """The rules that forbid a text which otherwise holds all that is asked for."""
    whole = f"Credialba, Recupera Sur: {text}. Reply STOP. This is from a debt collector."
    return {finding.rule for finding in spoken(whole, market, **around)}  # type: ignore[arg-type]


# Judicial look-alikes, threats, shaming, third parties


@pytest.mark.parametrize("market", ["CL", "PE", "AR", "MX", "US"])
@pytest.mark.parametrize(
    "text",
    [
        "ORDEN JUDICIAL: pague hoy",
        "Notificación del Juzgado 4 de lo Civil",
        "Mandamiento de pago",
        "Cédula de notificación n. 55",
        "Se le cita ante el Tribunal",
        "COURT ORDER enclosed",
        "Notice of lawsuit",
        "Summons to the county court",
    ],
)
def test_judicial_look_alikes_are_refused_by_the_markets_own_rule(market: str, text: str) -> None:
    assert f"{market}.content.judicial" in forbidden(text, market)


@pytest.mark.parametrize("market", ANYWHERE)
@pytest.mark.parametrize(
    "text",
    [
        "Puede ir a la cárcel",
        "Embargaremos su sueldo",
        "La policía irá a su casa",
        "You may be arrested",
        "We will garnish your wages",
        "Você vai para a prisão",
        "Vamos pedir a penhora",
    ],
)
def test_prison_police_and_seizure_are_refused_in_every_market(market: str, text: str) -> None:
    assert any(rule.endswith(".jail") for rule in forbidden(text, market))


@pytest.mark.parametrize("market", ANYWHERE)
@pytest.mark.parametrize(
    "text",
    [
        "Publicaremos su foto en redes",
        "Irá a la lista de morosos",
        "No sea sinvergüenza, pague",
        "Your photo goes on the wall of shame",
        "Pay up, deadbeat",
        "Você é um caloteiro",
    ],
)
def test_shaming_is_refused_in_every_market(market: str, text: str) -> None:
    assert any(rule.endswith(".shaming") for rule in forbidden(text, market))


@pytest.mark.parametrize("market", ANYWHERE)
@pytest.mark.parametrize(
    "text",
    [
        "Llamaremos a tu jefe",
        "Vamos a avisar a sus vecinos",
        "Su familia se enterará",
        "Dígale a su hijo que pague",
        "Tu hermano debe 300 pesos",
        "We will contact your employer",
        "Your neighbors will know",
        "Tell your son that he owes us",
        "Avisaremos sua família",
    ],
)
def test_nobody_else_is_told_or_used_in_any_market(market: str, text: str) -> None:
    assert {rule.split(".")[2] for rule in forbidden(text, market)} & {"third_parties", "work"}


def test_wa5_procederemos_legalmente_is_refused_on_whatsapp() -> None:
    for market in ANYWHERE:
        rules = forbidden("Si no paga, procederemos legalmente", market, channel=Channel.WHATSAPP)
        assert rules
        assert {rule.split(".")[2] for rule in rules} <= {"threats", "legal_threat"}


@pytest.mark.parametrize("market", ANYWHERE)
@pytest.mark.parametrize(
    "text",
    [
        "Último aviso antes de demanda",
        "Si no paga hoy procederemos al embargo de sus bienes",
        "Se turnará su caso al área jurídica",
        "Lo denunciaremos",
        "Evite un proceso judicial",
        "Será reportado a sus referencias personales",
        "Se lo diremos a su familia",
        "Iremos a su trabajo",
        "Le visitará el fiscal",
        "Pasaremos con un actuario",
        "Es usted un ratero",
        "You will be sued",
        "We may sue",
        "A warrant has been issued for you",
        "Failure to pay is a crime",
        "Contact our law firm",
        "Attorney referral pending",
        "We will instruct bailiffs",
        "Vamos te processar",
    ],
)
def test_what_collectors_are_known_to_write_is_refused_in_every_market(market: str, text: str) -> None:
    assert forbidden(text, market)


# Rules of single markets


@pytest.mark.parametrize(
    "text",
    [
        "¿Por qué no has pagado?",
        "¿Por que no pagó su cuota?",
        "Explícanos el motivo de tu atraso",
        "¿A qué se debe su mora?",
        "¿Cuál es la razón del no pago?",
        "Cuéntanos por qué",
        "¿Qué pasó con tu pago?",
        "Why have you not paid?",
    ],
)
def test_colombia_nobody_is_asked_why(text: str) -> None:
    assert forbidden(text, "CO") == {"CO.content.asking_why"}
    assert forbidden(text, "CL") == set()


@pytest.mark.parametrize(
    ("markets", "texts"),
    [
        (
            ("CL", "PE", "AR", "MX", "US"),
            "Última notificación antes de la audiencia|You have been served|Legal notice: case filed against you",
        ),
        (("MX", "US", "BR"), "Hay orden de captura en su contra|Perderá su casa|Te van a meter preso"),
        (
            ("MX", "PE", "AR", "BR", "GB"),
            "Lo exhibiremos en Facebook|Pegaremos carteles en su puerta|We will post your name|We name and shame",
        ),
        (ANYWHERE, "We'll call your family|Hemos contactado a su jefe|Hablaremos con sus referencias"),
        (
            ("MX",),
            "Pague directamente con su gestor|Haga el pago al gestor|CLABE del despacho: 0123|Pague al cobrador",
        ),
        (("PE",), "Solicita un nuevo préstamo|Tenemos un préstamo preaprobado para ti|Refinancia tu deuda"),
        (("CO",), "¿Cuál es el motivo de su mora?|Díganos por qué está en mora|¿A qué se debe el retraso?"),
    ],
)
def test_each_markets_own_list_in_words_of_other_collectors(markets: tuple[str, ...], texts: str) -> None:
    passed = [(market, text) for market in markets for text in texts.split("|") if not forbidden(text, market)]

    assert passed == []


@pytest.mark.parametrize(
    "text",
    [
        "Para pagar, hable con su gestor",
        "Pague en el banco y avise a su gestor",
        "Si perdió su tarjeta, pague en la web",
        "Pedimos disculpas: su pago fue publicado tarde",
        "Hemos contactado a su banco",
    ],
)
def test_what_only_sounds_like_it_passes_in_mexico(text: str) -> None:
    assert forbidden(text, "MX") == set()


def test_colombia_references_are_never_contacted() -> None:
    assert forbidden("Contactaremos a las referencias que nos diste", "CO") == {"CO.content.third_parties"}


def test_pe9_renewing_is_promotion_to_an_overdue_client_who_did_not_ask_for_it() -> None:
    assert forbidden("Renueva tu crédito hoy", "PE") == {"PE.content.promotion"}
    assert forbidden("Refinancia tu préstamo", "PE") == {"PE.content.promotion"}
    assert forbidden("Renueva tu crédito hoy", "PE", promotion_consent=True) == set()
    assert forbidden("Renueva tu crédito hoy", "EC") == set()


def test_mx9_the_agencys_own_account_is_never_given() -> None:
    text = "Transfiere 500 pesos a nuestra cuenta en el banco"

    assert forbidden(text, "MX", actor=Actor.AGENCY) == {"MX.content.pay_the_agency"}
    assert forbidden(text, "MX", actor=Actor.CREDITOR) == set()
    for actor in Actor:
        assert "MX.content.pay_the_collector" in forbidden("Deposite a la cuenta del gestor", "MX", actor=actor)
        assert "MX.content.pay_the_collector" in forbidden("Paga en efectivo al cobrador", "MX", actor=actor)


@pytest.mark.parametrize("name", ["Fiscalía de Cobro", "Procuraduría del Crédito", "Agencia Federal de Cobranza"])
def test_mexico_a_sender_named_like_an_institution_is_refused(name: str) -> None:
    facts = SENDER.model_copy(update={"agency": (name,)})

    told = spoken(f"{name} por encargo de Credialba: tu cuota.", "MX", facts=facts, actor=Actor.AGENCY)

    assert [str(finding.part) for finding in told if finding.rule == "MX.content.institution_name"] == ["sender"]


def test_mexico_complaints_may_name_the_authority() -> None:
    assert forbidden("Quejas: CONDUSEF, 55 5340 0999", "MX") == set()
    assert "MX.content.institution_voice" in forbidden("Somos la Procuraduría", "MX")


def first(market: str, actor: Actor = Actor.CREDITOR, language: str = "es", facts: Facts = SENDER) -> str:
    around = Circumstances(market=market, channel=Channel.SMS, actor=actor)
    return notice(around, facts, language, BOOK) or ""


@pytest.mark.parametrize(
    "lacking", ["creditor", "phone", "address", "responsible", "reference", "amount", "calculated_on", "complaints"]
)
def test_mx11_a_first_contact_that_lacks_a_disclosure_is_refused(lacking: str) -> None:
    [value] = SENDER.model_dump()[lacking]
    whole = f"Credialba: tu cuota vence. {first('MX')}"

    assert spoken(whole, "MX", told=()) == ()
    findings = spoken(whole.replace(value, "..."), "MX", told=())
    [told] = [finding for finding in findings if finding.rule == "MX.content.first_contact"]
    assert told.lacks == f"the {lacking.replace('_', ' ')}"
    assert "MX.content.first_contact" not in {f.rule for f in spoken("Credialba: tu cuota.", "MX")}


@pytest.mark.parametrize("told", [{Purpose.TRANSACTIONAL}, {Purpose.REPLY}, {Purpose.TRANSACTIONAL, Purpose.REPLY}])
def test_mexico_a_receipt_or_an_answer_does_not_use_up_the_disclosures_of_the_first_demand(told: set[Purpose]) -> None:
    """Given a borrower who got a receipt or an answer first, when the first demand lacks what must be disclosed, then
    it is refused; after a demand it is not asked for again."""
    around = Circumstances(market="MX", channel=Channel.SMS, told=frozenset(told))
    whole = f"Credialba: tu cuota vence. {notice(around, SENDER, 'es', BOOK)}"
    bare = "Credialba: tu cuota vence."

    assert spoken(whole, "MX", told=told) == ()
    assert "MX.content.first_contact" in {f.rule for f in spoken(bare, "MX", told=told)}
    assert "MX.content.first_contact" not in {f.rule for f in spoken(bare, "MX", told={Purpose.COLLECTION})}


def test_argentina_an_agencys_receipt_does_not_use_up_what_its_first_demand_says() -> None:
    told = {Purpose.TRANSACTIONAL}
    lacking = spoken("Credialba, Recupera Sur: tu cuota.", "AR", actor=Actor.AGENCY, told=told)
    assert [each.rule for each in lacking] == ["AR.content.agency_first_contact"]


def test_united_states_any_communication_of_a_collector_is_the_first() -> None:
    bare = "Credialba, Recupera Sur: your payment. Reply STOP."
    found = spoken(bare, "US", actor=Actor.AGENCY, told={Purpose.TRANSACTIONAL})
    assert [each.rule for each in found] == ["US.content.later_notice"]


def test_mexico_a_fact_the_settings_do_not_give_is_named_as_not_known() -> None:
    facts = SENDER.model_copy(update={"address": ()})

    text = f"Credialba: tu cuota vence. {first('MX', facts=facts)}"

    assert [told.lacks for told in spoken(text, "MX", facts=facts, told=())] == ["the address, which is not known"]


def test_mexico_an_agencys_first_contact_names_agency_and_agent() -> None:
    text = first("MX", Actor.AGENCY)

    assert spoken(text, "MX", actor=Actor.AGENCY, told=()) == ()
    lacking = spoken(text.replace("Ana Ruiz", "alguien"), "MX", actor=Actor.AGENCY, told=())
    assert [told.rule for told in lacking] == ["MX.content.first_contact_agency"]


def test_argentina_an_agencys_first_contact_says_who_it_is_and_where() -> None:
    text = f"Tu cuota. {first('AR', Actor.AGENCY)}"

    assert spoken(text, "AR", actor=Actor.AGENCY, told=()) == ()
    lacking = spoken(text.replace("Juárez", ""), "AR", actor=Actor.AGENCY, told=())
    assert [told.rule for told in lacking] == ["AR.content.agency_first_contact"]
    assert spoken("Credialba: tu cuota.", "AR", told=()) == ()


def test_united_states_a_collectors_first_and_later_notices() -> None:
    for language in ("en", "es"):
        told = first("US", Actor.AGENCY, language)
        text = f"{told} Reply STOP. Responde STOP."
        assert spoken(text, "US", actor=Actor.AGENCY, told=()) == ()
        assert {f.rule for f in spoken(text, "US", actor=Actor.AGENCY)} == {"US.content.later_notice"}
    bare = "Credialba, Recupera Sur: your payment. Reply STOP."
    assert {f.rule for f in spoken(bare, "US", actor=Actor.AGENCY, told=())} == {"US.content.first_notice"}
    assert spoken(bare, "US", told=()) == ()


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL, Channel.WHATSAPP])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_united_states_every_message_says_how_to_stop_them(channel: Channel, purpose: Purpose) -> None:
    told = spoken("Credialba: thank you for your payment.", "US", channel=channel, purpose=purpose)

    assert [(finding.rule, finding.lacks) for finding in told] == [("US.content.opt_out_creditor", "opt out")]
    for words in ("Reply STOP to end texts", "Responde BAJA para no recibir SMS", "reply with the word STOP"):
        assert spoken(f"Credialba: thank you. {words}", "US", channel=channel, purpose=purpose) == ()
    assert spoken("Credialba: thank you.", "US", channel=channel, purpose=purpose, book=LITERAL) == ()


@pytest.mark.parametrize("actor", list(Actor))
def test_us17_a_voicemail_that_shows_it_is_about_an_account_is_no_limited_content_message(actor: Actor) -> None:
    caller = "Recupera Sur" if actor is Actor.AGENCY else "Credialba"
    limited = f"Hello, this is Ana Ruiz of {caller}. Please call Ana Ruiz back at 55 5010 2030."

    assert spoken(limited, "US", channel=Channel.CALL, actor=actor) == ()
    told, *_ = spoken(f"{limited} It is about your account balance", "US", channel=Channel.CALL, actor=actor)
    assert told.rule.startswith("US.content.voicemail")
    assert told.found == "account"


def test_us_a_voicemail_without_a_number_to_call_is_refused() -> None:
    told = spoken("This is Ana Ruiz of Recupera Sur.", "US", channel=Channel.CALL, actor=Actor.AGENCY)

    assert [(finding.rule, finding.lacks) for finding in told] == [("US.content.voicemail_call_back", "the phone")]


@pytest.mark.parametrize("market", ANYWHERE)
def test_an_agency_that_calls_under_the_lenders_name_is_refused_everywhere(market: str) -> None:
    def found(actor: Actor) -> set[str]:
        return {each.rule for each in spoken("Credialba calls.", market, channel=Channel.CALL, actor=actor)}

    assert "ALL.content.caller_agency" in found(Actor.AGENCY)
    assert "ALL.content.caller" not in found(Actor.CREDITOR)


@pytest.mark.parametrize("market", ANYWHERE)
@pytest.mark.parametrize(
    "name",
    [
        "Sunshine Debt Collections",
        "Cobros y Deudas del Sur",
        "North Recovery",
        "Cobranzas Andinas",
        "Recuperación Integral",
        "Recobros Norte",
        "Sul Cobrança e Recuperação",
        "Sunshine D3bt",
    ],
)
def test_a_call_that_opens_with_a_name_that_tells_of_a_debt_is_refused_everywhere(market: str, name: str) -> None:
    facts = SENDER.model_copy(update={"agency": (name,)})

    told = spoken(f"Hola, le llama {name}", market, channel=Channel.CALL, actor=Actor.AGENCY, facts=facts)
    neutral = spoken("Hola, le llama Recupera Sur", market, channel=Channel.CALL, actor=Actor.AGENCY)

    rule = "ALL.content.agency_caller_shows_no_debt"
    assert rule in {each.rule for each in told}
    assert rule not in {each.rule for each in neutral}


@pytest.mark.parametrize(
    ("name", "may_call"), [("Banco de Crédito", True), ("Credialba", True), ("Sur Deudas y Cobros", False)]
)
def test_a_bank_calls_by_its_name_and_a_creditor_whose_name_tells_of_a_debt_does_not(name: str, may_call: bool) -> None:
    facts = SENDER.model_copy(update={"creditor": (name,)})

    told = spoken(f"Hola, le llama {name} por un asunto personal", "ES", channel=Channel.CALL, facts=facts)

    assert [each.rule for each in told] == ([] if may_call else ["ALL.content.caller_shows_no_debt"])


@pytest.mark.parametrize("text", ["Asnef", "Esto puede afectar al registro de morosidad", "your credit report"])
def test_es11_while_a_debt_is_disputed_nothing_is_said_of_solvency_files(text: str) -> None:
    assert "ES.content.bureau_in_dispute" in forbidden(text, "ES", disputed=True)
    assert "ES.content.bureau_in_dispute" not in forbidden(text, "ES", debt_age_years=1)


def test_uy5_a_debt_of_five_years_is_not_spoken_of_with_the_bureau() -> None:
    text = "Figurarás en el Clearing de Informes"

    assert forbidden(text, "UY", debt_age_years=5.0) == {"UY.content.bureau_after_five_years"}
    assert forbidden(text, "UY", debt_age_years=4.9) == set()
    assert forbidden(text, "UY") == {"UY.content.bureau_after_five_years"}  # an age not known counts as old


@pytest.mark.parametrize("number", ["0905 123 456", "+44 905 123456", "09051234567"])
def test_united_kingdom_no_premium_rate_number_is_given(number: str) -> None:
    assert forbidden(f"Please call us on {number}", "GB") == {"GB.content.premium_rate"}
    assert forbidden("Please call us on +44 20 7946 0909 by 09/12/2026", "GB") == set()


def test_spain_an_agency_names_the_creditor() -> None:
    told = spoken("Recupera Sur: tu cuota.", "ES", actor=Actor.AGENCY)

    assert {finding.rule for finding in told} == {"ES.content.agency_identity", "ALL.content.identity"}


# Identity, subjects, markup, markets


@pytest.mark.parametrize("market", ANYWHERE)
def test_a_message_that_does_not_say_who_writes_is_refused_everywhere(market: str) -> None:
    rules = {finding.rule for finding in spoken("Tu cuota vence hoy. Responde BAJA", market)}

    assert any(rule.endswith("content.identity") for rule in rules)


def test_the_subject_of_an_email_does_not_show_the_debt_on_the_screen() -> None:
    told = spoken("Credialba: hola", "ES", subject="Tu deuda está vencida", channel=Channel.EMAIL)

    assert [(finding.rule, str(finding.part)) for finding in told] == [("ALL.content.discreet_subject", "subject")]


def test_both_faces_of_an_email_are_read_and_each_must_say_who_writes() -> None:
    told = spoken("Credialba: hola", "CL", html="<p>Hola</p><b>orden</b>\n judicial<style>x{}</style>", subject="Hola")

    assert [(f.rule, str(f.part)) for f in told] == [
        ("CL.content.judicial", "html"),
        ("CL.content.identity", "html"),
    ]


def test_a_market_without_rules_is_refused() -> None:
    assert [finding.rule for finding in spoken("Credialba: hello. Reply STOP", "FR")] == [UNKNOWN_MARKET]


def test_a_borrowers_own_name_is_never_a_threat() -> None:
    wording = Wording(text="Credialba: Hola Justo Cárcel, tu cuota vence hoy")
    authored = Wording(text="Credialba: Hola Ana, tu cuota vence hoy")
    around = Circumstances(market="MX", channel=Channel.SMS, told=frozenset(Purpose))

    assert check_content(wording, around, SENDER, BOOK)
    assert check_content(wording, around, SENDER, BOOK, authored=authored) == ()


def test_a_finding_names_rule_source_evidence_and_the_words() -> None:
    [finding] = spoken("Credialba: llevaremos una orden judicial", "PE")

    assert str(finding) == (
        "PE.content.judicial: text says 'judicial'. Peru: no document that looks like a judicial notice or "
        "resolution. (Ley 29571 art. 62.a; evidence: primary)"
    )


def test_what_is_not_verified_says_so() -> None:
    [finding] = spoken("Credialba: aparecerás en Asnef", "ES", debt_age_years=6)

    assert "Not verified: the narrower reading is taken." in finding.text


def test_the_literal_profile_is_never_narrower_than_the_strict_one() -> None:
    text = "procederemos legalmente, orden judicial, cárcel, por qué no has pagado, renueva tu crédito"
    for market in ANYWHERE:
        for actor in Actor:
            strict = {f.rule for f in spoken(text, market, actor=actor, told=())}
            literal = {f.rule for f in spoken(text, market, actor=actor, told=(), book=LITERAL)}
            # A general rule may speak where the market's own stands in its place in the strict profile only.
            assert {rule for rule in literal - strict if not rule.startswith("ALL.")} == set()


# Disguises and harmless near-words

DISGUISES = [
    "Órden   JUDICIAL",
    "o r d e n  j u d i c i a l",
    "o r d e n j u d i c i a l",
    "orden j.u.d.i.c.i.a.l",
    "orden jud-icial",
    "orden jud1c1al",
    "orden jud\u200bicial",
    "orden judiciаl",  # a Cyrillic a
    "orden juuudicial",
    "orden\njudicial",
    "orden. Judicial",
    "ｏｒｄｅｎ ｊｕｄｉｃｉａｌ",
    "c4rcel",
    "c@rcel",
    "c*rcel",
    "CARCEL",
    "cár\u00adcel",
    "em_bar_go",
    "e-m-b-a-r-g-o",
    "3mb4rg0",
]


@pytest.mark.parametrize("text", DISGUISES)
def test_a_disguise_hides_nothing(text: str) -> None:
    assert forbidden(f"Aviso: {text} ya", "MX")


HARMLESS = """Sin embargo, podemos ayudarte|Hemos mandado el recibo a tu correo|Es una gestión extrajudicial y amable
A tu juicio, ¿qué fecha te viene mejor?|No tiene consecuencias por mora si pagas antes del viernes
Tu pago quedó detenido en el banco|La fecha de corte de tu tarjeta es el 5|Hay alta demanda de llamadas, disculpa
Te llamaremos mañana si quieres|Puedes hablarlo con tu familia y decidir con calma
Pide un cambio de fecha de tu préstamo|Información veraz sobre tu cuenta|¿Por qué no nos llamas y lo vemos juntos?
Escríbenos porque no vemos el pago|Somos una entidad legalmente autorizada|Tipo de interés legal: 3,25 %
Nota legal: este correo es confidencial|Si tienes abogado, dinos cómo contactarle|Tu domicilio fiscal es correcto
Sin penalización por pago anticipado|No dejes de mandar el comprobante|El motivo de este mensaje es tu atraso de un día
No te dé vergüenza pedir ayuda|Estamos procesando tu pago|Estamos processando seu pagamento
La corte de pelo no, la cuota sí|Paga con tarjeta, transferencia o en efectivo en tu banco|Oferta de pago: dos cuotas
Protege tu cuenta del fraude: nunca pedimos claves|El número de tu caso es 4512|Un cordial saludo de tu gestor
Deposita en cualquier sucursal de tu banco|Puedes renovar tu consentimiento cuando quieras|Ordena tus pagos con calma
Of course, we can move the date|There is no shame in asking for help|We do not judge you|Courtesy reminder
If you have an attorney, tell us and we will write to them|Nonprofit legal aid can help you|The warranty is unchanged
Please attach your bank statement|Sue from our team will call you|The issue is solved
We will call you tomorrow|You can talk to your family first|This is a courtesy message from our support team
Your card will be charged once|It is fine to pay in parts|Arrange a new date online
¿Perdiste tu trabajo? Cuéntanos y buscamos una salida|Evita recargos pagando hoy|Tu año fiscal no cambia
Si tiene una queja, puede acudir a la autoridad|You may dispute this debt within 30 days|You can settle for less
Our office is at 100 Court Street|If a law firm represents you, tell us|Si un familiar te ayuda, comparte el enlace
Aprovecha el descuento por pronto pago|Seu pagamento será processado hoje|No compartas tu clave con nadie
Se precisar, fale com a gente|Sem juros se pagar hoje|Obrigado, recebemos seu pagamento"""


@pytest.mark.parametrize("text", [t.strip() for line in HARMLESS.splitlines() for t in line.split("|")])
def test_ordinary_kind_words_are_not_taken_for_threats(text: str) -> None:
    assert {market: rules for market in ANYWHERE if (rules := forbidden(text, market))} == {}


@settings(deadline=None, max_examples=60)
@given(
    word=st.sampled_from(["judicial", "embargo", "tribunal", "juzgado"]),
    upper=st.lists(st.booleans(), min_size=8, max_size=8),
    between=st.sampled_from(["", "\u200b", "-", ".", "_", " "]),
)
def test_case_and_marks_between_letters_change_nothing(word: str, upper: list[bool], between: str) -> None:
    spelled = between.join(c.upper() if up else c for c, up in zip(word, upper, strict=False))
    whole = spelled + word[8:]

    assert forbidden(f"Aviso de {whole} aquí", "MX")


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=300), st.sampled_from(ANYWHERE))
def test_any_text_is_answered_and_never_quoted_beyond_the_words_met(text: str, market: str) -> None:
    for finding in spoken(text, market):
        assert finding.rule
        assert finding.source
        assert (finding.found is None) != (finding.lacks is None)
