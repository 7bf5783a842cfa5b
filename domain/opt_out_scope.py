"""Which ways of reaching a person a wish to be left alone is about, by its words in Spanish, Portuguese or English.

Ending all contact cannot be taken back by a message, so only words that leave no doubt do it; what is in doubt closes
the channel it came by, and calls. Patterns are over the clauses of `opt_out_words.clauses_of`.
"""

from __future__ import annotations

import re
from enum import StrEnum

from domain.contact import Channel
from domain.opt_out_for_now import hangs_on_a_payment, is_for_now, questions_in
from domain.opt_out_partly import (
    REFUSES,
    WELCOME,
    is_about_others,
    keeps_this_way,
    names_a_part,
    names_another_way,
    without_complaints,
    without_the_way_that_stays,
)
from domain.opt_out_phrases import END, FORBIDS
from domain.opt_out_words import OptOutReading, clauses_of, is_a_word_of_stopping, read_opt_out


class StopScope(StrEnum):
    """What a wish to be left alone is about."""

    CHANNEL = "channel"
    """Nothing is named: the channel it came by."""
    CALLS = "calls"
    """Telephone calls alone: messages are not what is unwanted."""
    NAMED_WAYS = "named_ways"
    """The ways of writing that are named, alone: the one it came by is to stay."""
    CALLS_AND_CHANNEL = "calls_and_channel"
    """Calls, and the channel it came by: both are named one by one, or whether it is more than calls is in doubt."""
    EVERYTHING = "everything"
    """Every way of reaching the person, or calls and messages in one breath."""


_END = re.escape(END)
_MESSAGE = (
    r"(?:mensajes?|mensajitos?|mensajeria|msjs?|msgs?|sms|textos?|correos?|e ?mails?|what?s ?app?s?|whats|wasaps?|wsp|"
    r"mensage(?:m|ns)|recados?|texts?|messages?)"
)
_NOUN = rf"(?!text\b){_MESSAGE}"
"""Without what may also be a verb that asks for a message."""
_MESSAGE_WORD = re.compile(rf"\b{_MESSAGE}\b")
_CALLS = r"(?:telefono|telefone|phone|llamadas?|ligac(?:ao|oes)|calls?)"
_BOTHER = r"(?:contact\w*|molest\w*|hostig\w*|acos\w*|incomod\w*|perturb\w*|fastidi\w*|contat\w*|bother\w*|harass\w*)"
_NO_CALLS = re.compile(
    rf"\b{FORBIDS} (?:llam(?:en|ar|arme|arnos|adas?)|marcar(?:me)?|marquen|timbren|lig(?:uem?|ar|arem|acoes))\b|"
    r"\b(?:no|ni|nem|nor|nao|n|or|and|ou|tampoco|tampouco|neither|nunca|jamas|jamais)"
    r"(?: (?:quiero|deseo|quero|mas|mais|que|me|nos|le|les|lo|la|vuelv\w+|volvais|"
    r"sig\w+|est(?:en?|es|eis)|a|want|any|more|recibir|receber|sus|tus|estas|suas|tantas)){0,6} "
    r"(?:llam(?:en|e|es|eis|ar|arme|arnos|ando|andome|adas?)|marquen?|marcar(?:me)?|marcando(?:me)?|timbren|telefoneen|"
    r"lig(?:uem?|ues|ar|ando|acao|acoes)|call(?:s|ing)?)\b|"
    r"\b(?:dej(?:en|e|es|a|ar|ad|eis)(?:me|nos)?|par(?:en|em|e|a|ad)|ces(?:en|e|sem)|deix(?:em|e)) (?:ya )?"
    r"de (?:me |nos )?(?:llam|marcar|timbrar|ligar|telefone)\w*|"
    r"\b(?:basta de|chega de|nada de|stop(?: the)?|sem|sin|paren con las|parem com as|baja de|cancel(?:en|ar)) "
    r"(?:tantas |mas |mais |las |sus |todas )*(?:llamadas?|llamar\w*|ligac(?:ao|oes)|ligar|calls?|calling)\b|"
    r"\b(?:quit|stop) (?:calling|phoning|ringing)\b|"
    r"\b(?:cease|discontinue|stop) (?:and desist )?(?:(?:all|any|further|future|your|the|from) )*"
    r"(?:calls?|calling|(?:tele)?phone (?:calls?|contact|communications?))\b|"
    r"\b(?:do not|don t|dont|never) (?:\w+ ){0,2}?(?:call|phone|ring)(?: me| us)?\b|\b(?:nao|n) me liga\b|"
    r"\b(?:do not|don t|dont|no longer|never|not) (?:want|wish) (?:you )?to "
    r"(?:(?:be|get) called(?! an? )|(?:ever )?(?:call|phone|ring)(?: me| us|(?<=you to call)|(?<=you to phone)))\b|"
    r"(?:(?<=\btexted )|(?<=\bmessaged )|(?<=\bemailed ))(?:or|nor|and) called\b|"
    rf"\b{_BOTHER} (?:\w+ ){{0,2}}?(?:por|by|on|pelo|com|con|with) (?:the |tantas |sus |as |suas |mas )?"
    rf"(?:{_MESSAGE} (?:y|e|o|ou|ni|nem|and|or) (?:con |por |com )?(?:sus |las |as )?)?{_CALLS}\b"
)

_WRITTEN_TO = (
    r"(?:escrib(?:an?|as|ais|ir(?:me|nos)?|iendo\w*)|"
    r"(?:mand|envi)(?:em?|en|es|eis|ar(?:me|nos)?|ando\w*)\b(?! (?:\w+ ){0,2}?(?:buro|dicom|asnef|veraz|infocorp|"
    r"serasa|spc|data ?credito|cobrador\w*|gestor\w*|abogad\w*|advogad\w*|motorizad\w*|juicio|juridic\w*|visitas?|"
    r"links?|boletos?|recibos?|facturas?|dinero|plata)\b)|"
    r"texte(?:en?|es|ar(?:me)?|ando(?:me)?)|mensaje(?:en|ar(?:me)?)|[wg]u?asape(?:en?|es|ar(?:me)?|ando(?:me)?)|"
    r"wh?ats?app?ee?n|contact(?:en?|es|eis|ar(?:me|nos)?)|busquen|"
    r"molest(?:en?|es|eis|ar(?:me|nos)?)|escrev(?:am?|er)|contatem?|procurem?|incomodem?|texting|messaging|"
    r"writ(?:e|ing|ten to)|emailing|sending|texted|messaged|emailed|contacted)"
)
_NOR = re.compile(
    r"\b(?:ni|nem|nor|(?<=liga )e nao)(?: (?:me|nos|le|les|a|de|por|mas|mais|tampoco|sus|los|quiero|que|vuelvan|stop|"
    r"est(?:en?|es|eis)|sigan?|and(?:en?|es)))* "
    rf"(?:{_WRITTEN_TO}|{_MESSAGE}|text|(?:manda|envia) {_MESSAGE})\b"
)
_AFTER_NO_CALLS = r"(?: (?:mas|mais|me|us|nunca|anymore|por favor))*"
_NOTHING_FOLLOWS = (
    r"(?: (?:me|us|nos|mas|mais|ya|nunca|anymore|ever|again|more|por favor|please|gracias|thanks))*"
    rf"(?: {_END}|$)"
)
_AND_THESE = re.compile(
    rf"^{_AFTER_NO_CALLS} (?:o|or|ou|y|e|and)(?: (?:de|me|nos|a|los|sus|os|as|stop))* "
    rf"(?:{_WRITTEN_TO}|{_NOUN}|(?<=or )text){_NOTHING_FOLLOWS}|"
    rf"^{_AFTER_NO_CALLS} (?:{_END} )?(?:y|e|and)(?: que)? (?:no|nao|don t|do not)"
    rf"(?: (?:me|nos|mas|mais|quiero|sus|mandar?|mande[nm]?))* (?:{_WRITTEN_TO}|{_MESSAGE}){_NOTHING_FOLLOWS}"
)
"""Directly after no calls, and with nothing behind it that wants them: "and messaging works better" does."""
_AND_WRITING = re.compile(rf"^{_AFTER_NO_CALLS} (?:o|or|ou|y|e|and)(?: (?:de|me|nos|stop))* {_WRITTEN_TO}\b")
_LISTED = re.compile(
    rf"^ {_END} (?:sus )?{_NOUN}(?: {_END} {_NOUN})* (?:{_END} )?"
    rf"(?:(?:ni|nem|nor)\b|or (?:{_NOUN}|anything){_NOTHING_FOLLOWS})"
)
"""Directly after no calls: "calls, messages or anything"."""
_OR_TEXT = re.compile(
    r"\b(?:do not|don t|dont|no longer|not|never) (?:\w+ ){0,3}?(?:call|phone|ring)(?: me| us)? (?:or|nor) "
    r"(?:text|message|email|write)\b"
)
"""Whatever follows it."""
_ENDS_DOING = re.compile(r"^(?:dej|par|ces|deix|stop|quit)")
_BEGINS_WITH_NOR = re.compile(r"^(?:ni|nem|nor|or|ou|and)\b")

_ASIDE = r"(?:(?!(?:no|not|nao|stop|quit|sin|sem|without|never|nunca|ni|nor|nem|dej\w*|par[ea]\w*)\b)\w+ ){0,3}?"
_WRITING = rf"(?:{_MESSAGE}|escri[bt]\w*|escrev\w*|mand\w*|envi\w*|texting|messaging|emailing|writing)"
_PREFERRING = r"(?:prefier\w*|preferi\w*|prefir\w*|prefer|better|instead|melhor|mejor|works|fine)"
_PREFERS = re.compile(
    rf"\b(?:{_PREFERRING} {_ASIDE}{_WRITING}|{_WRITING} {_ASIDE}{_PREFERRING}|"
    rf"(?:solo|solamente|unicamente|apenas|only|just|pode|podem|puede|pueden|can) {_ASIDE}{_WRITING}|"
    rf"so (?:por |pelo |via )?{_MESSAGE}|"
    rf"{_MESSAGE} (?:(?:y|o|or|ou|e|and) {_MESSAGE} )?(?:only|si|sim|solo|nada mas|please)|"
    rf"(?:contact|escrib|mand|envi)[aei]d?n?me)\b|"
    rf"(?:^|{_END} |(?<!call )(?<!call me )(?<!llamen )(?<!llame )\b(?:and|y|e) )"
    rf"(?:(?:text|email|message|write|what?s ?app) (?:me|us)|"
    rf"(?:mandem?|manda|enviem?|escrevam?|escriba[ns]?|mande[ns]?|"
    rf"envie[ns]?) (?:{_MESSAGE}|por|pelo))\b"
)
"""Wants to be written to, by this way or another."""

_NO = r"(?:no|ni|nao|nem|n|nunca|jamas|tampoco|tampouco|don t|dont|do not|never|nor|neither)"
_CONTACTED = (
    r"(?:contact\w*|contat\w*|escrib\w*|escrev\w*|molest\w*|busqu\w*|procur\w*|comuni\w*|incomod\w*|perturb\w*|"
    r"mand\w*|envi\w*|mensaj\w*|mensag\w*|text|write|message|bother|acos\w*|hostig\w*|insist\w*)"
)
_NONE = (
    r"(?:(?:por|de|en|bajo|a traves de) (?:ningun|ninguna) (?:otro |otra )?(?:medios?|formas?|manera|via|canal|modo)|"
    r"(?:por|de|em) nenhuma? (?:outr[oa] )?(?:meio|forma|maneira|jeito|via|canal|modo|hipotese)|"
    r"(?:in|by|through) (?:any|no) (?:other )?(?:way|form|means|manner|channel))"
)
_ANY = (
    r"(?:(?:por|de|en|em) (?:cualquier|qualquer) (?:otro |otra |outr[oa] )?"
    r"(?:medio|forma|manera|via|canal|modo|meio|maneira|jeito)|por (?:todos los medios|todos os meios))"
)
_BETWEEN = (
    r"(?: (?:me|nos|a|mi|mas|mais|nunca|jamas|por favor|please|again|us|anymore|ever|ya|nada|mensajes?|mensagens?|"
    r"ni|nem|or|o|llamen|liguem|call|comigo|conmigo))*"
)
_BY_NO_MEANS = re.compile(
    rf"\b(?:{_CONTACTED}{_BETWEEN} {_NONE}|{_NONE}{_BETWEEN} {_CONTACTED}|"
    rf"{_NO}{_BETWEEN} {_CONTACTED}{_BETWEEN} {_ANY}|(?<!at )(?:any|no) contact (?:whatsoever|at all))\b"
)
_CEASE_ALL = re.compile(
    r"\b(?:(?:cease|stop|discontinue|end) (?:and desist )?(?:all|any) (?:further |future |your )?"
    r"(?:communicat\w+|contact(?:ing)?|correspondence)|"
    r"cease and desist(?! (?:\w+ ){0,3}?(?:phone|telephone|calls?|calling|texts?|texting|emails?)\b))\b"
    r"(?! (?:\w+ ){0,2}?(?:at|to|on|by|via|through) (?:this|my|the|phone|text|email)\b)"
)
"""How a debtor ends all contact by law (15 USC 1692c(c))."""
_HEAR_NOTHING = re.compile(r"\bhear (?:\w+ )?from (?:you|u|any of you|this company|your company)\b")
_ANY_CONTACT_WORD = re.compile(rf"\b(?:{_CONTACTED}|llam\w*|lig(?:uem?|ar)|call\w*)\b")
_SOME_MEANS = re.compile(rf"\b{_NONE}\b")
_NO_CONTACT = re.compile(
    rf"\b{_NO}(?: (?:me|nos|mas|mais|ya|quiero que|want you to|vuelvan a|sigan))* "
    r"(?:contact|contat|busqu|procur|comuni|molest|incomod|perturb|bother)\w*"
)
_NEVER_AGAIN = re.compile(r"\b(?:nunca|jamas|jamais|never|ever again)\b")
_FOR_GOOD = re.compile(rf"\b(?:mas|mais|any ?more|again)\b|{_BY_NO_MEANS.pattern}")
_AT_ONCE = re.compile(r"\bright now\b")
_POINTS_BACK = re.compile(
    r"\b(?:ahi|alli|alla(?! (?:ustedes|uds|voces)\b)|(?<!is )(?<!are )there(?! (?:is|are|s|was|were)\b)|"
    r"(?:a|en) es[aeo]s? \w+|(?:at|on|in) (?:that|those) \w+|ness[ae]s? \w+|naquel[ae]s? \w+|ess[ae]s? horas?|"
    r"nel[ae]s?|(?:a|para|pra|pro|com) el[ae]s|(?:a|para|pra|pro|com) ela|(?:para|pra|pro|com) ele|"
    r"(?:a|para|con) ell[ao]s?|(?:no|ni) (?:la|lo|le|las|los|les) "
    r"(?:llam|marqu|marc|timbr|escrib|mand|envi|contact|molest|busqu|habl|texte|mensaje|vuelv|sig)\w*|"
    r"(?<!tell )(?<!told )(?<!ask )(?<!asked )(?:her|him|them))\b|"
    rf"\b(?:la|then|a ele?)(?: (?:mais|nunca|again|any ?more|please|por favor))*(?= {_END}|$)"
)
"""To the place, the hour or the person that was spoken of before."""
_ASKS_FOR_A_CALL = re.compile(
    r"\b(?:(?<!\bno )(?:llam(?:[ea]n?|ad)me|marqu?[ea]n?me)|(?:(?:me|nos) )?(?:llamen?|liguem?) "
    r"(?:mejor|melhor|despues|depois|luego|manana|amanha)|(?<!\bno )(?<!\bno me )pueden? llamar(?:me|nos)?|"
    r"(?<!\bnao )(?<!\bnao me )podem? (?:me )?ligar|(?:can|could|would|will) you (?:please )?(?:call|ring|phone) me|"
    r"(?<!\byou )(?<!\bnot )(?<!\bto )(?<!\bguys )(?<!\bpeople )(?<!\bthey )(?<!\bkeep )(?:call|ring|phone) me|"
    r"give me a (?:call|ring))\b"
)

_WELCOME = (
    r"(?:mejor|melhor|prefier|prefir|solo|pued|pode|si\b|sim\b|escrib|manden|mandeme|better|text|llega|receb|recib)"
)
_MESSAGES_TOO = re.compile(
    r"\b(?:no|ni|nao|nem|tampoco|tampouco|nada (?:de|com)|sin|sem|basta|chega|neither|nor|don t|dont|do not|stop|"
    rf"(?:paren|parem|pare) (?:con|com)) (?:(?!{_WELCOME})\w+ ){{0,4}}?{_MESSAGE}\b|"
    rf"\b(?:no|ni|nao|nem|tampoco|tampouco|nor|neither)(?: (?:me|nos|mas|mais|vuelvan|a))* {_WRITTEN_TO}\b(?! nada)|"
    rf"\b{_MESSAGE} (?:\w+ )?(?:either|tampoco|tampouco)\b|"
    r"\bsaber (?:mas |mais )?(?:nada )?(?:mas |mais )?(?:de|sobre) (?:ustedes|uds|vosotros|usted|voces)\b"
)
_NAMED = {
    Channel.SMS: re.compile(r"\b(?:sms|texts?|textos?|txts?|texteen|texting)\b"),
    Channel.WHATSAPP: re.compile(r"\b(?:wh?ats? ?app?s?|whats|wasaps?|wsp|wpp|zap|[wg]u?asape\w*|wh?ats?app?een)\b"),
    Channel.EMAIL: re.compile(r"\b(?:e ?mails?|mails?|correos?|emailing)\b(?! de voz)"),
}
_GOES_ON = re.compile(rf"^(?: (?:mas|mais))* (?:(?:{_END} )?(?:con|com) (?:\w+ )?{_MESSAGE}|(?:ni|nem) nada)\b")
_THIS_WAY = re.compile(
    rf"^{_AFTER_NO_CALLS} (?:(?:{_END} )?(?:ni|nem|tampoco|tampouco) )?(?:por|pelo|via|on|en|no) "
    rf"(?:el |la |this )?(?:aqui|aca|est[ea] (?:medio|via|canal|meio)|{_MESSAGE}|here)\b"
)


_NOT_UNWANTED = re.compile(
    rf"\b(?:prefier\w*|preferi\w*|prefir\w*|prefer|mejor|melhor|better|instead) (?:(?:por|pelo|by|el|los|un|use|via) )*"
    rf"{_MESSAGE}\b|"
    r"\b(?:llam\w*|marqu\w*|marc\w*|lig\w*|call\w*)(?: (?:me|mas|mais|nunca|again|any ?more))* "
    rf"(?:por|pelo|via|on|en|(?<=liguem )no|(?<=ligar )no) (?:el |la )?{_MESSAGE}\b"
)


def ways_wanted(text: str) -> tuple[Channel, ...]:
    """The ways of writing that are named as welcome."""
    wanted = END.join(each[0] for each in WELCOME.finditer(clauses_of(text)))
    return tuple(channel for channel, named in _NAMED.items() if named.search(wanted))


def stays(text: str, came_by: Channel) -> bool:
    """Whether the way that `text` came by is welcome by its words: "only here", or named."""
    return keeps_this_way(clauses_of(text)) or came_by in ways_wanted(text)


def named_scope(text: str, came_by: Channel | None = None) -> StopScope:
    """What the wish to stop in `text` is about: read it of a text that `read_opt_out` takes for one, or for UNCLEAR.

    `came_by`: the way it came by, which is to stay where it is named as welcome.
    """
    clauses = clauses_of(text)
    if keeps_this_way(clauses) or (came_by is not None and came_by in ways_wanted(text)):
        return _scope_beside_this_way(clauses)
    scope = _scope_of_the_whole(text, clauses)
    if scope is not StopScope.EVERYTHING:
        return scope
    if not names_a_part(_of_the_stop(clauses)):
        return StopScope.CALLS_AND_CHANNEL if _is_for_now_or_asked(text, clauses) else scope
    return StopScope.CALLS if is_about_others(clauses) else StopScope.CALLS_AND_CHANNEL


def stops_in_part(text: str) -> bool:
    """Whether `text` stops calls and messages, and may mean a part of them alone: a person has to read it."""
    clauses = clauses_of(text)
    if read_opt_out(text) is not OptOutReading.OPT_OUT:
        return False
    in_one_breath = _scope_of_the_whole(text, clauses) is StopScope.EVERYTHING
    if not names_a_part(_of_the_stop(clauses)):
        return in_one_breath and _is_for_now_or_asked(text, clauses)
    return in_one_breath or keeps_this_way(clauses) or _OR_TEXT.search(clauses) is not None


def _is_for_now_or_asked(text: str, clauses: str) -> bool:
    """Whether it may end with an hour or hang on a payment, or is no more than asked for in words that name no law."""
    stopping = _stopping(clauses)
    if hangs_on_a_payment(clauses, stopping):
        return True
    if _BY_NO_MEANS.search(clauses) or _CEASE_ALL.search(clauses):
        return False
    return is_for_now(without_complaints(clauses), stopping) or any(
        read_opt_out(each) is OptOutReading.OPT_OUT for each in questions_in(text)
    )


def ways_named(text: str) -> tuple[Channel, ...]:
    """The ways of writing that the words which stop something name, without the one that is to stay ("solo por este
    whatsapp"), one that is preferred, and one that only calls come by."""
    forbidden = WELCOME.sub(f" {END} ", without_the_way_that_stays(clauses_of(text)))
    welcomes = forbidden != clauses_of(text)
    stops = _stopping(forbidden) + ([each for each in forbidden.split(END) if REFUSES.search(each)] if welcomes else [])
    stopping = _NOT_UNWANTED.sub(f" {END} ", END.join(stops))
    return tuple(channel for channel, named in _NAMED.items() if named.search(stopping))


def asks_for_a_call(text: str) -> bool:
    """Whether `text` asks to be called, beside the calls that it forbids."""
    return _ASKS_FOR_A_CALL.search(_NO_CALLS.sub(END, clauses_of(text))) is not None


def _stopping(clauses: str) -> list[str]:
    return [each for each in clauses.split(END) if read_opt_out(each) is OptOutReading.OPT_OUT]


def _of_the_stop(clauses: str) -> str:
    """Where a part that is meant may be named: beside a stop that is for good not in what they tell of us, unless it
    points back to that ("no llamen ni escriban más ahí"), and beside one that is for ever nowhere else."""
    stopping = f" {END} ".join(each.strip() for each in _stopping(clauses))
    if _NEVER_AGAIN.search(stopping):
        return stopping
    if _POINTS_BACK.search(stopping):
        return clauses
    ceases = _CEASE_ALL.search(clauses)
    asked = without_complaints(clauses) if ceases or _FOR_GOOD.search(stopping) else clauses
    return _AT_ONCE.sub(END, asked) if ceases else asked


def _scope_beside_this_way(clauses: str) -> StopScope:
    """What is unwanted by whoever wants to be written to "only here": beside calls the ways that are named, too."""
    if _NO_CALLS.search(clauses):
        return StopScope.CALLS
    if _SOME_MEANS.search(clauses) or names_another_way(clauses):
        return StopScope.CALLS
    if ways_named(clauses):
        return StopScope.NAMED_WAYS
    return StopScope.CALLS if _NO_CONTACT.search(clauses) else StopScope.CHANNEL


def _scope_of_the_whole(text: str, clauses: str) -> StopScope:
    """What it is about if it is meant at all hours, everywhere and of whoever writes."""
    prefers = asks_to_be_written_to(text)
    if _BY_NO_MEANS.search(clauses) or _CEASE_ALL.search(clauses):
        return StopScope.CALLS_AND_CHANNEL if prefers else StopScope.EVERYTHING
    no_calls = list(_NO_CALLS.finditer(clauses))
    if any(_SOME_MEANS.search(clause) and _ANY_CONTACT_WORD.search(clause) for clause in clauses.split(END)):
        return StopScope.CALLS if no_calls and prefers else StopScope.CALLS_AND_CHANNEL
    if not no_calls:
        return StopScope.CALLS_AND_CHANNEL if _HEAR_NOTHING.search(clauses) else StopScope.CHANNEL
    beside = _NO_CALLS.sub(f" {END} ", clauses)
    stops_beside = read_opt_out(beside)
    if _in_one_breath(clauses, no_calls) or (
        stops_beside is OptOutReading.OPT_OUT and any(_BEGINS_WITH_NOR.search(each[0]) for each in no_calls)
    ):
        return StopScope.CALLS_AND_CHANNEL if prefers or ways_wanted(text) else StopScope.EVERYTHING
    if stops_beside is not OptOutReading.NOT_ABOUT_THIS or is_a_word_of_stopping(text):
        return StopScope.CALLS_AND_CHANNEL
    return StopScope.CALLS_AND_CHANNEL if _goes_further(clauses, beside, no_calls) else StopScope.CALLS


def asks_to_be_written_to(text: str) -> bool:
    """Whether `text` says, beside what it stops, that messages are welcome."""
    clauses = clauses_of(text)
    return _PREFERS.search(clauses) is not None or keeps_this_way(clauses)


def _in_one_breath(clauses: str, no_calls: list[re.Match[str]]) -> bool:
    rests = [clauses[each.end() :] for each in no_calls]
    joined_on = any(_AND_THESE.search(rest) or _LISTED.search(rest) for rest in rests)
    return joined_on or _NOR.search(clauses) is not None


def _goes_further(clauses: str, beside: str, no_calls: list[re.Match[str]]) -> bool:
    """Whether more than calls may be unwanted."""
    named = any(_MESSAGE_WORD.search(each[0]) for each in no_calls)
    if named or _MESSAGES_TOO.search(beside) or _OR_TEXT.search(clauses):
        return True
    for each in no_calls:
        rest = clauses[each.end() :]
        if _THIS_WAY.search(rest) or _GOES_ON.search(rest):
            return True
        if _ENDS_DOING.search(each[0]) and _AND_WRITING.search(rest) and not _PREFERS.search(clauses):
            return True
    return False
