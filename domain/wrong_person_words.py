"""Whether somebody says that we write to the wrong person; Spanish, English and Portuguese.

Only plain statements are taken: the address is then closed and somebody looks for the right one. Anything
else is for a person to read. That we are mistaken about a day, a sum or a payment is the borrower's own word.
"""

from __future__ import annotations

import re
import unicodedata

from domain.replies.text import plain as plain_words

_WHOM = (
    r"(?:numero|personas?|telefono|celular|cliente|contacto|correo|mail|destinatario|direccion|domicilio|nombre|senora?|"
    r"deudora?|pessoa)"
)
_COURTESY = (
    r"(?:\ (?:senor(?:a|ita|es)?|usted(?:es)?|amig[oa]|joven|caballero|jefe|mija|disculpe|perdon|gracias|por\ favor|"
    r"lo\ siento|creo|ya|pe|po|pues|aqui|saludos|sorry|moc[oa]))*"
)
_STRANGER = (
    r"(?:(?:aqui|aca)\ no\ (?:vive|hay|es)|est[ea]\ (?:numero|telefono|cel(?:ular)?|correo|linea)\ (?:ya\ )?(?:no\ )?"
    r"es\ de|este\ no\ es|no\ (?:lo\ |la\ )?conozco|no\ hay\ (?:ningun|nadie)|(?:ya\ )?no\ vive|soy\ otra|"
    r"(?:yo\ )?no\ soy\ (?!deudor|moros))"
)
_FIGURES = (
    r"(?!\ (?:de|del|da|do|para)\ (?:la\ |el\ |mi\ |su\ |una?\ |a\ |o\ )?(?:cuenta|conta|referencia|tarjeta|cartao|"
    r"convenio|clabe|contrato|cuotas?|pagos?|factura|credito|prestamo|operacion|cedula|documento|dni|rut|cpf|poliza|"
    r"boleto|pix|transferencia|cheque|recibo)\b)"
)
_NOT_A_PERSON = (
    r"(?!\ (?:deuda|prestamo|empresa|entidad|banco|credito|cuenta|cobro|contrato|cargo|financiera|compra|compania|"
    r"negocio|marca|tienda|app|aplicacion|pagina|institucion|firma|agencia|sociedad|cooperativa|caja|organizacion|"
    r"prestamista|divida|conta|cobranca|emprestimo|boleto|valor|financeira|entidade|companhia|loja|instituicao|"
    r"agencia|aplicativo|credor\w*|firma)\b)"
)
_STATEMENTS = re.compile(
    rf"""\b(?:
        wrong\ (?:number(?!\ of)|person|phone|guy|lady|address|e?mail)
      | (?:you\ (?:have|ve|got)|this\ is)\ the\ wrong\ (?!(?:amount|sum|figure|total|balance|date|day|due|info\w*|data|
        loan|account|bank|card|payment|bill|number\ of|price|rate|month|week|year|link|currency)\b)\w+
      | not\ (?:his|her|their)\ (?:number|phone)
      | (?:i\ (?:do\ not|don\ ?t)\ know|never\ heard\ of)\ (?:(?:him|her|them|any)\b|(?:this|that)\b
        (?!\ (?:\w+\ )?(?:debt|loan|company|bank|account|charge|bill|lender|business|firm|agency|entity|credit|app|
        website)\b))
      | (?:numero|telefono|persona|correo)\ (?:equivocad[oa]|erronea?|erroneo|incorrect[oa])\b{_FIGURES}
      | (?:se\ ha|se\ han|se|te\ has|te|os\ habeis|os)\ (?:equivocado|equivoco|equivocaste|equivocaron)
        {_COURTESY}\ (?:de?\ {_WHOM}\b|{_STRANGER})
      | (?:se\ equivocan?|te\ equivocas|estan?\ equivocad[oa]s?)\ de?\ {_WHOM}\b
      | (?:yo\ )?no\ soy\ (?:esa|esta|la)\ persona
      | no\ (?:conozco|se\ quien\ es)\ (?:a\ )?(?:esa|ese|esta|este|quien|nadie)\b{_NOT_A_PERSON}
      | (?:este|el)\ (?:numero|telefono)\ (?:ya\ )?no\ es\ (?:de|suyo)
      | (?:aqui|aca)\ no\ (?:vive\b|es(?:{_COURTESY}$|\ de\ (?!mi\b)|\ donde\b|
        \ (?:el|la|su)\ (?:numero|telefono|celular|casa|domicilio|persona|familia)\b))
      | numero\ errado{_FIGURES} | pessoa\ errada | foi\ engano | lig(?:ou|aram|ando)\ errado
      | nao\ (?:sou|conheco)\ (?:essa|esta|esse|este)\b{_NOT_A_PERSON}
    )""",
    re.VERBOSE,
)
_MISTAKEN = re.compile(
    rf"\b(?:se\ (?:ha|han)|se|te\ has|te|os\ habeis|os)\ (?:equivocado|equivoco|equivocaste|equivocaron){_COURTESY}$",
    re.VERBOSE,
)
_OF_MONEY = re.compile(
    r"\d|\b(?:pag\w*|cuotas?|montos?|fechas?|deud\w*|deb[oi]|saldos?|interes\w*|cobr\w*|calcul\w*|cuentas?|importe|"
    r"abon\w*|deposit\w*|transf\w*|prestamo|credito|plazos?|factura|recibo|comprobante|cancel\w*)\b"
)
"""Whoever speaks of it may mean that our sum or day is mistaken."""
_ENDS_A_CLAUSE = re.compile(r"\b(?:aqui|aca) no es(?: (?:senor(?:a|ita)?|amig[oa]|disculpe))? ?[.,;!?\n]")
_WHOLE = frozenset({"equivocado", "equivocada", "wrong", "engano", "e engano", "numero equivocado"})
_DENIED = re.compile(
    r"\b(?:not|isn ?t|no es|no esta) (?:the |a |el |un |una |la )?(?:wrong|numero equivocado|equivocad)"
)
_OWN_MISTAKE = re.compile(
    r"\b(?:sale|aparece|dice|me marca|puse|escribi|ingrese|anote|(?:mande|envie|transferi|deposite|consigne|"
    r"pague|hice|yapee)(?: \w+){0,4}? (?:al?|en|con)) (?:que )?(?:es )?(?:un |una |el |la |mi |otro )?"
    r"(?:numero|telefono|persona|correo) (?:equivocad|erron|incorrect)[a-z]*"
)


def speaks_of_money(text: str) -> bool:
    """Whether `text` names a sum, a payment, an instalment or a debt."""
    return _OF_MONEY.search(plain_words(text)) is not None


def says_wrong_person(text: str) -> bool:
    """Whether `text`, whatever its case, accents and punctuation, says that it reached somebody else."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = " ".join(re.findall(r"[a-z0-9]+", plain))
    if _DENIED.search(words):
        return False
    words = _OWN_MISTAKE.sub(" ", words)
    if words in _WHOLE or _STATEMENTS.search(words) or _ENDS_A_CLAUSE.search(plain):
        return True
    return _MISTAKEN.search(words) is not None and _OF_MONEY.search(words) is None
