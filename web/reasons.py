"""Why a case waits and why a loan refuses something, in the language of a page.

The loan gives its reasons in English, with amounts in minor units, and so they stand in the records and in the audit
trail. What has no words here is shown as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from config.localised import format_date, format_money, locale_of
from domain.money import Money

_PLACES = {
    "n": r"\d+",
    "days": r"\d+",
    "amount": r"\d+",
    "least": r"\d+",
    "whole": r"\d+",
    "day": r"\d{4}-\d\d-\d\d",
    "kind": r"promise|plan|settlement|restructuring",
    "what": r"dispute|hardship|bereavement|vulnerable",
    "who": r"machine|agent|supervisor",
    "end": r"cured|settled|not cured|not_cured|recalled|sold|written off|written_off",
    "state": r"kept|partly kept|completed|broken|replaced|void|cancelled|expired|proposed|open|active",
    "intents": r"[a-z ]+(?:, [a-z ]+)*",
    "name": r".+?",
    "why": r".+",
}
_MONEY = frozenset({"amount", "least", "whole"})
"""Places that hold minor units."""
_PHRASES: tuple[tuple[str, str, str], ...] = (
    ("refused: {why}", "{why}", "{why}"),
    (
        "the borrower wrote: {intents}; {why}",
        "El cliente escribió: {intents}; {why}",
        "O cliente escreveu: {intents}; {why}",
    ),
    (
        "a yes to the promise that was read back was heard late",
        "Dijo que sí a la promesa que se le leyó, pero se supo tarde",
        "Disse sim à promessa que lhe foi lida, mas isso se soube tarde",
    ),
    ("the borrower wrote: {intents}", "El cliente escribió: {intents}", "O cliente escreveu: {intents}"),
    (
        "the borrower wrote after the loan had ended: {intents}",
        "El cliente escribió con el préstamo ya terminado: {intents}",
        "O cliente escreveu depois do fim do empréstimo: {intents}",
    ),
    (
        "the borrower wrote while the loan was not in collection: {intents}",
        "El cliente escribió sin que el préstamo estuviera en gestión: {intents}",
        "O cliente escreveu sem que o empréstimo estivesse em cobrança: {intents}",
    ),
    ("the borrower says: {intents}", "El cliente dice: {intents}", "O cliente diz: {intents}"),
    ("promises to pay: {why}", "Promete pagar: {why}", "Promete pagar: {why}"),
    ("accepts an offer: {why}", "Acepta una oferta: {why}", "Aceita uma oferta: {why}"),
    (
        "asks for another day to pay: {why}",
        "Pide otro día para pagar: {why}",
        "Pede outro dia para pagar: {why}",
    ),
    ("less than the payment is named", "nombra menos que el pago acordado", "cita menos que o pagamento combinado"),
    (
        "no day that is possible is a working day",
        "ningún día posible es laborable",
        "nenhum dia possível é útil",
    ),
    ("no day that is possible suits", "no le sirve ningún día posible", "nenhum dia possível serve"),
    (
        "the conversation does not get on",
        "la conversación no avanza",
        "a conversa não avança",
    ),
    ("none can be offered", "no se puede ofrecer ninguna", "nenhuma pode ser oferecida"),
    ("another offer waits", "espera otra oferta", "outra oferta espera"),
    ("declined what could be offered", "no quiso lo que se podía ofrecer", "recusou o que podia ser oferecido"),
    ("step {name}", "Previsto en la estrategia (paso {name})", "Previsto na estratégia (passo {name})"),
    ("{what} reported", "{what} (comunicado)", "{what} (comunicado)"),
    (
        "{what} reported; a link asked for on the telephone is not sent",
        "{what} (comunicado); no se envía el enlace que pidió por teléfono",
        "{what} (comunicado); não se envia o link pedido por telefone",
    ),
    ("{kind} {n} was not kept", "No se cumplió: {kind} {n}", "Não foi cumprido: {kind} {n}"),
    (
        "{kind} {n} needs a {who}: {amount} of {least} minor units",
        "{kind} {n}, {amount} de {least}: requiere {who}",
        "{kind} {n}, {amount} de {least}: requer {who}",
    ),
    ("the borrower asked for no more contact", "El cliente no quiere más contacto", "O cliente não quer mais contato"),
    (
        "no address of the borrower works: find contact data",
        "No hay dirección que funcione: busque cómo localizar al cliente",
        "Nenhum endereço funciona: procure como encontrar o cliente",
    ),
    (
        "a link asked for on the telephone could not be sent",
        "No se pudo enviar un enlace pedido por teléfono",
        "Um link pedido por telefone não pôde ser enviado",
    ),
    (
        "what a person wrote was not sent: {why}",
        "No se envió lo que escribió una persona: {why}",
        "Não foi enviado o que uma pessoa escreveu: {why}",
    ),
    (
        "{why}, or send an approved template (`campaign send --template`)",
        "{why}, o envíe una plantilla aprobada (`campaign send --template`)",
        "{why}, ou envie um modelo aprovado (`campaign send --template`)",
    ),
    ("{why}; write by {name} instead", "{why}; escriba por {name}", "{why}; escreva por {name}"),
    (
        "{name}: WhatsApp takes own words only within {n} hours of the borrower's last message there",
        "{name}: WhatsApp solo admite palabras propias en las {n} horas tras el último mensaje del cliente",
        "{name}: o WhatsApp só aceita palavras próprias nas {n} horas após a última mensagem do cliente",
    ),
    (
        "the borrower has no open address for {name}",
        "el cliente no tiene ninguna dirección abierta para {name}",
        "o cliente não tem nenhum endereço aberto para {name}",
    ),
    (
        "no carrier is configured for {name}",
        "no hay proveedor configurado para {name}",
        "não há provedor configurado para {name}",
    ),
    ("there are no words: nothing is sent", "no hay texto: no se envía nada", "não há texto: nada se envia"),
    (
        "{name} characters are too long for {why}",
        "{name} caracteres son demasiados para {why}",
        "{name} caracteres são demais para {why}",
    ),
    ("{name}: at most {why}", "{name}: {why} como mucho", "{name}: {why} no máximo"),
    (
        "only an e-mail has a subject, and this goes out by {name}",
        "solo un correo lleva asunto, y esto sale por {name}",
        "só um e-mail tem assunto, e isto sai por {name}",
    ),
    (
        "these words were not sent ({why}): write them anew",
        "este texto no se envió ({why}): escríbalo de nuevo",
        "este texto não foi enviado ({why}): escreva de novo",
    ),
    ("withdrawn by a person", "lo retiró una persona", "uma pessoa o retirou"),
    ("these words were sent already", "este texto ya se envió", "este texto já foi enviado"),
    ("not an order a loan reads", "el préstamo no entiende esta orden", "o empréstimo não entende esta ordem"),
    ("its time was over", "se le pasó el plazo", "o prazo passou"),
    ("it could not be sent", "no se pudo enviar", "não foi possível enviar"),
    (
        "{name} is closed for this borrower",
        "{name} está cerrado para este cliente",
        "{name} está fechado para este cliente",
    ),
    (
        "{n} messages of people wait already",
        "ya esperan {n} mensajes de personas",
        "já esperam {n} mensagens de pessoas",
    ),
    ("no open case {name}", "no hay ningún caso abierto {name}", "não há caso aberto {name}"),
    (
        "a case of kind {name} is decided, not answered",
        "un caso así se decide, no se responde",
        "um caso assim se decide, não se responde",
    ),
    (
        "what a person wrote did not arrive",
        "No llegó lo que escribió una persona",
        "Não chegou o que uma pessoa escreveu",
    ),
    (
        "asked on the telephone for a way to pay",
        "Preguntó por teléfono cómo pagar",
        "Perguntou por telefone como pagar",
    ),
    (
        "asked on the telephone for a person",
        "Pidió por teléfono hablar con una persona",
        "Pediu por telefone para falar com uma pessoa",
    ),
    (
        "promised by keypad to pay on a day not understood",
        "Prometió por teclado pagar un día que no se entendió",
        "Prometeu pelo teclado pagar num dia que não se entendeu",
    ),
    (
        "promised by keypad to pay on {day}: {why}",
        "Prometió por teclado pagar el {day}: {why}",
        "Prometeu pelo teclado pagar em {day}: {why}",
    ),
    (
        "{amount} minor units of {name} were paid beyond what was due",
        "Se pagaron {amount} de más",
        "Foram pagos {amount} a mais",
    ),
    ("the loan has ended as {end}", "el préstamo ha terminado: {end}", "o empréstimo terminou: {end}"),
    (
        "{what} was reported: a person must decide first",
        "{what} (comunicado): antes tiene que decidir una persona",
        "{what} (comunicado): antes uma pessoa precisa decidir",
    ),
    (
        "{kind} {n} is in force: call it off first",
        "{kind} {n} en vigor: hay que anularlo antes",
        "{kind} {n} em vigor: é preciso anulá-lo antes",
    ),
    ("{kind} {n} is {state} already", "{kind} {n}: ya {state}", "{kind} {n}: já {state}"),
    ("{kind} {n} is approved already", "{kind} {n}: ya aprobado", "{kind} {n}: já aprovado"),
    ("{kind} {n} waits for its approval", "{kind} {n}: espera su aprobación", "{kind} {n}: espera a aprovação"),
    ("agreement {n} is not in force", "el acuerdo {n} no está en vigor", "o acordo {n} não está em vigor"),
    ("the loan has no agreement {n}", "el préstamo no tiene acuerdo {n}", "o empréstimo não tem acordo {n}"),
    ("the loan has no offer {n}", "el préstamo no tiene oferta {n}", "o empréstimo não tem oferta {n}"),
    (
        "nobody approves what they proposed themselves",
        "nadie aprueba lo que propuso",
        "ninguém aprova o que propôs",
    ),
    ("it takes a {who} to approve this", "para aprobarlo hace falta {who}", "para aprovar é preciso {who}"),
    (
        "what is due has changed from {amount} to {least}: ask for a new offer",
        "lo pendiente ha cambiado de {amount} a {least}: pida otra oferta",
        "o valor em aberto mudou de {amount} para {least}: peça outra oferta",
    ),
    (
        "its first day, {day}, has passed: ask for a new offer",
        "ya pasó su primer día, el {day}: pida otra oferta",
        "seu primeiro dia, {day}, já passou: peça outra oferta",
    ),
    (
        "no agreement with due dates is in force",
        "no hay acuerdo con fechas en vigor",
        "não há acordo com datas em vigor",
    ),
    (
        "the strategy lets no due date of a {kind} be moved",
        "la estrategia no deja mover fechas ({kind})",
        "a estratégia não deixa mudar datas ({kind})",
    ),
    ("a due date of it was moved already", "ya se movió una de sus fechas", "uma de suas datas já foi mudada"),
    ("nothing of it is left to pay", "no queda nada por pagar", "não falta pagar nada"),
    ("payment {n} was missed already", "el pago {n} ya no llegó a tiempo", "o pagamento {n} já não chegou a tempo"),
    (
        "payment {n} may move from {day} by at most {days} days",
        "el pago {n} del {day} se puede mover {days} días como mucho",
        "o pagamento {n} de {day} pode mudar no máximo {days} dias",
    ),
    ("the payment after it falls due before that", "el pago siguiente vence antes", "o pagamento seguinte vence antes"),
    ("{day} is no working day", "el {day} no es laborable", "{day} não é dia útil"),
    ("more than what is due ({amount})", "más de lo pendiente ({amount})", "mais do que está em aberto ({amount})"),
    (
        "less than the strategy takes ({amount})",
        "menos de lo que admite la estrategia ({amount})",
        "menos do que a estratégia aceita ({amount})",
    ),
    ("the date lies in the past", "la fecha ya pasó", "a data já passou"),
    (
        "the date lies more than {days} days ahead",
        "la fecha queda a más de {days} días",
        "a data fica a mais de {days} dias",
    ),
    (
        "the loan has had {n} {kind}s already",
        "el préstamo ya ha tenido {n} ({kind})",
        "o empréstimo já teve {n} ({kind})",
    ),
    ("{n} promises were broken already", "ya se rompieron {n} compromisos", "já foram quebradas {n} promessas"),
    ("the strategy has no {kind}s", "la estrategia no tiene esto: {kind}", "a estratégia não tem isto: {kind}"),
    (
        "{amount} lies below the floor of {least} ({n} % of {whole})",
        "{amount} es menos del mínimo de {least} ({n} % de {whole})",
        "{amount} é menos que o mínimo de {least} ({n} % de {whole})",
    ),
    (
        "{amount} is no less than what is due ({least})",
        "{amount} no es menos de lo pendiente ({least})",
        "{amount} não é menos do que está em aberto ({least})",
    ),
    (
        "the payments add up to {amount}, {least} is due: ask for a new offer",
        "los pagos suman {amount} y hay {least} pendientes: pida otra oferta",
        "os pagamentos somam {amount} e há {least} em aberto: peça outra oferta",
    ),
    (
        "the payments are not those of {amount} at the option's rate: ask for a new offer",
        "los pagos no son los de {amount} con el tipo de la opción: pida otra oferta",
        "os pagamentos não são os de {amount} com a taxa da opção: peça outra oferta",
    ),
    (
        "no payment may be less than {amount}",
        "ningún pago puede ser menor de {amount}",
        "nenhum pagamento pode ser menor que {amount}",
    ),
    (
        "no payments within the option's limits of at most {amount}",
        "con pagos de {amount} como mucho no se cumplen los límites de la opción",
        "com pagamentos de no máximo {amount} não se cumprem os limites da opção",
    ),
    (
        "no payments within the option's limits",
        "ningún pago cabe en los límites de la opción",
        "nenhum pagamento cabe nos limites da opção",
    ),
    (
        "more was given back than had been paid beyond what is due: {amount} minor units ({name})",
        "se devolvió más de lo que se había pagado de más: {amount} ({name})",
        "foi devolvido mais do que havia sido pago a mais: {amount} ({name})",
    ),
    ("{kind} {name}: {why}", "{kind} {name}: {why}", "{kind} {name}: {why}"),
    ("{kind}: {why}", "{kind}: {why}", "{kind}: {why}"),
    ("the debt is below {amount}", "la deuda es menor de {amount}", "a dívida é menor que {amount}"),
    ("the debt is above {amount}", "la deuda es mayor de {amount}", "a dívida é maior que {amount}"),
    ("only from {days} days past due", "solo desde {days} días de retraso", "só a partir de {days} dias de atraso"),
    ("only up to {days} days past due", "solo hasta {days} días de retraso", "só até {days} dias de atraso"),
    (
        "a note holds no telephone number, e-mail address, account or identity number: say it without",
        "una nota no lleva teléfonos, correos ni números de cuenta o de documento: escríbala sin ellos",
        "uma nota não leva telefones, e-mails nem números de conta ou de documento: escreva-a sem eles",
    ),
    ("beyond what the {who} may agree on", "más de lo que puede acordar {who}", "mais do que pode combinar {who}"),
)
_WORDS: dict[str, dict[str, str]] = {
    "es": {
        "promise": "compromiso", "plan": "plan", "settlement": "quita", "restructuring": "nuevo calendario",
        "dispute": "disputa", "hardship": "dificultades", "bereavement": "fallecimiento",
        "vulnerable": "vulnerabilidad",
        "machine": "la máquina", "agent": "un agente", "supervisor": "un supervisor",
        "cured": "pagado", "settled": "con quita", "not cured": "sin pagar", "recalled": "devuelto a la entidad",
        "sold": "vendido", "written off": "dado por perdido",
        "kept": "cumplido", "partly kept": "cumplido en parte", "completed": "completado", "broken": "roto",
        "replaced": "sustituido", "void": "sin efecto", "cancelled": "anulado", "expired": "caducado",
        "proposed": "propuesto", "open": "abierto", "active": "en vigor",
        "wrong person": "no es su número", "complaint": "queja", "refusal": "no quiere pagar",
        "payment receipt": "envía un comprobante", "already paid": "ya ha pagado", "opt out": "no quiere mensajes",
        "request agent": "pide una persona", "promise to pay": "promete pagar", "request discount": "pide una quita",
        "request plan": "pide pagar de otra forma", "callback request": "pide que le llamen",
        "ask how to pay": "pregunta cómo pagar", "ask balance": "pregunta cuánto debe", "acknowledgement": "enterado",
        "other": "otra cosa", "sms or email": "sms o email",
    },
    "pt": {
        "promise": "promessa", "plan": "plano", "settlement": "acordo com desconto", "restructuring": "novo cronograma",
        "dispute": "contestação", "hardship": "dificuldade", "bereavement": "falecimento",
        "vulnerable": "vulnerabilidade",
        "machine": "a máquina", "agent": "um agente", "supervisor": "um supervisor",
        "cured": "pago", "settled": "com desconto", "not cured": "sem pagamento", "recalled": "devolvido ao credor",
        "sold": "vendido", "written off": "baixado",
        "kept": "cumprido", "partly kept": "cumprido em parte", "completed": "concluído", "broken": "quebrado",
        "replaced": "substituído", "void": "sem efeito", "cancelled": "anulado", "expired": "vencido",
        "proposed": "proposto", "open": "aberto", "active": "em vigor",
        "wrong person": "não é o número dele", "complaint": "reclamação", "refusal": "não quer pagar",
        "payment receipt": "envia um comprovante", "already paid": "já pagou", "opt out": "não quer mensagens",
        "request agent": "pede uma pessoa", "promise to pay": "promete pagar", "request discount": "pede desconto",
        "request plan": "pede para pagar de outra forma", "callback request": "pede que liguem",
        "ask how to pay": "pergunta como pagar", "ask balance": "pergunta quanto deve", "acknowledgement": "ciente",
        "other": "outra coisa", "sms or email": "sms ou email",
    },
}  # fmt: skip


def _compiled(phrase: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", phrase)
    pattern = "".join(
        re.escape(part) if at % 2 == 0 else f"(?P<{part}_>{_PLACES[part]})" for at, part in enumerate(parts)
    )
    return re.compile(pattern)


def _in_english(phrase: str) -> str:
    """The reason itself; amounts are written as money, which names its currency."""
    return phrase.replace(" minor units of {name}", "").replace(" minor units", "").replace("refused: ", "")


_COMPILED = tuple(
    (_compiled(english), {"en": _in_english(english), "es": es, "pt": pt}) for english, es, pt in _PHRASES
)


def reason_in(text: str, language: str, currency: str) -> str:
    """A reason of the loan's in `language`, amounts as money of `currency` instead of minor units."""
    told = _told(text, language, currency)
    if language not in _WORDS:
        return told
    begins_with_a_rule = "." in told.split(":")[0].split(" ")[0]
    return told if begins_with_a_rule else told[:1].upper() + told[1:]


def _told(text: str, language: str, currency: str) -> str:
    for pattern, said in _COMPILED:
        if (match := pattern.fullmatch(text)) is not None:
            write = _writer(language, currency)
            return said.get(language, said["en"]).format(
                **{place[:-1]: write(place[:-1], value) for place, value in match.groupdict().items()}
            )
    return text


def _writer(language: str, currency: str) -> Callable[[str, str], str]:
    words, locale = _WORDS.get(language, {}), locale_of(language, "")

    def write(place: str, value: str) -> str:
        if place in _MONEY:
            return format_money(Money(amount_minor=int(value), currency=currency), locale)
        if place == "day":
            return format_date(date.fromisoformat(value), locale)
        if place == "why":
            return _told(value, language, currency)
        if place == "intents":
            return ", ".join(words.get(each, each) for each in value.split(", "))
        return words.get(value.replace("_", " "), value)

    return write
