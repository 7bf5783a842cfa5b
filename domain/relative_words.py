"""Whether who writes says that they are a relative, a partner, a friend or a carer of the borrower.

In Spanish, English and Portuguese, over the clauses of `opt_out_words.clauses_of`. A debt is told to nobody else, so
what may be a relative's is taken for one's; who has children ("soy madre de dos", "I'm a father of two") has said
nothing of the kind.
"""

from __future__ import annotations

import re

from domain.opt_out_phrases import END
from domain.opt_out_words import clauses_of

KIN = (
    r"(?:mama|papa|madre|padre|hij[oa]|espos[oa]|marido|mujer|senora|herman[oa]|abuel[oa]|suegr[oa]|sobrin[oa]|"
    r"prim[oa]|"
    r"ti[oa]|cunad[oa]|niet[oa]|novi[oa]|pareja|vecin[oa]|companer[oa]|mae|pai|filh[oa]|irmao|irma|namorad[oa]|"
    r"vizinh[oa]|sogr[oa]|mum|mom|mother|father|dad|son|daughter|wife|husband|brother|sister|partner|girlfriend|"
    r"boyfriend|"
    r"aunt|uncle|cousin|niece|nephew|friend|neighbou?r|flatmate|roommate|coworker|ex)"
)
_END = re.escape(END)
_SPOUSE = (
    r"espos[oa]s?|marido|novi[oa]|namorad[oa]|concubin[oa]|prometid[oa]|noiv[oa]|herman[oa]s?|irmaos?|irmas?|cunad[oa]|"
    r"cunhad[oa]|nuera|yerno|nora|genro"
)
_OTHERS = (
    rf"{_SPOUSE}|viud[oa]|viuv[oa]|mulher|companheir[oa]|sobrinh[oa]|net[oa]|avo|hijastr[oa]|entead[oa]|padrastro|"
    rf"padrasto|"
    r"madrastra|madrasta|padrin[oa]|madrin[oa]|compadre|comadre|amig[oa]s?|coleg[oa]|cuidadora?|familiar(?:es)?|"
    r"parientes?|"
    r"parentes?|hij[oa]s|filh[oa]s|padres|papas|pais|mama|papi|mami|viej[oa]|jef[ea]|patron|"
    r"(?:mother|father|brother|sister|son|daughter) in law|step ?(?:son|daughter|mother|father|mum|mom|dad)|"
    r"grand(?:son|daughter|ma|pa|mother|father|dad|mum)|nan|mama|mummy|hubby|missus|mrs|fiancee?|spouse|widow(?:er)?|"
    r"ex ?(?:wife|husband|girlfriend|boyfriend|partner|espos[oa]|marido|mujer|novi[oa]|pareja|namorad[oa])|"
    r"carer|caregiver|caretaker|girl ?friend|boy ?friend|best friend|mate|boss|colleague|relative|family member|"
    r"parents?|sons|daughters|"
    r"brothers|sisters|friends|secretar[iy]a?|"
    r"sra|polol[oa]|convivient[ea]|enamorad[oa]|concun[oa]|muger|espoz[oa]|hn[oa]|herederos?|heredera|herdeir[oa]s?|"
    r"wifey|bro|sis|gf|bf|roomate|next of kin"
)
_ACTS_FOR = (
    r"(?:tutora?|curadora?|albacea|apoderad[oa]|abogad[oa]|representante|procuradora?|advogad[oa]|enfermer[oa]|"
    r"emplead[oa]|patroa|carnal|cuate|parcer[oa]|other half|power of attorney|poa|executor|executrix|"
    r"administrator|solicitor|attorney|lawyer|(?:legal )?guardian|(?:social|support) worker|landlord|landlady)"
)
"""Whoever acts for a person, or is near to them, in words that are trades as well: "soy enfermera" is no such word."""
NEAR = rf"(?:{KIN[3:-1]}|{_OTHERS})"
_ONE = rf"(?:(?!(?:senora|sra)\b){NEAR})"
"""Without what is also a title: "soy la señora López"."""

_FIRST = (
    r"(?:^(?:(?:hola|buenas|buenos|dias|tardes|noches|hello|hi|hey|good|morning|afternoon|evening|ola|oi|bom|boa|"
    r"dia|tarde|"
    rf"noite|disculpe|sorry|{_END}) ){{0,6}}|{_END} )"
)
"""Where a clause begins."""
_NOT = r"(?<!\bno )(?<!\bni )(?<!\bnao )(?<!\bnot )(?<!\bnem )(?<!\bsi )(?<!\bif )"
_AM = (
    rf"(?:{_NOT}\b(?:soy|soi|somos|sou|i am|i m|im|we are|we re|this is|it s|its|it is|(?:te |le |les |lhe )?"
    r"(?<!\bme )(?<!\bnos )(?:habla(?: con)?|escribe|escreve|contesta|responde|informa|fala|saluda|hablando|falando|"
    r"speaking)(?: es)?|hablas con|esta(?:s| usted)? hablando con|you(?: are| re|re) (?:speaking|talking) (?:to|with)|"
    r"quem (?:fala|escreve|responde|(?:es)?ta (?:falando|escrevendo|respondendo)) e|quien suscribe|aqui(?: e)?|aca)|"
    r"\b(?:ya no soy|nao sou mais|(?:i am|i m|im) no longer))"
)
_A_NAME = (
    r"(?: (?!(?:mi|mis|my|our|minha|meu|su|sus|seu|sua|his|her|their|your|tu|con|com|with|y|and|e|el|la|o|a|the|de|"
    r"del|do|da|of|"
    r"no|not|nao|un|uma?|una|an|para|pra|por|to|for|al|en|em|in|at|que|who|s|pero|but|mas|cuando|quando|when|"
    r"llam\w*|hable|"
    rf"dig\w*|pregunt\w*|speak\w*|talk\w*|call\w*)\b)\w+| {_END}){{0,5}}?"
)
"""Who they are called, before whose relative they are."""
_THE = r"(?: (?:el|la|los|las|o|a|os|as|the|un|una|uma?|an?|only|ex|best|good)){0,2}"
_OF = r"(?:del?|d|do|da|dos|das|of)"
_KIND = (
    r"(?: (?:mayor|menor|gemel[oa]|herman[oa]|legal|de (?:trabajo|piso|cuarto|casa)|politic[oa]|mas velh[oa]|"
    r"mais velh[oa]|mais nov[oa]))?"
)
_TITLE = rf"(?: (?:el|la|l|o|a|the|seu|senora?|senhora?|don|dona|miss|(?:sra?|mrs?|ms)(?: {_END})?)){{0,2}}"
_ENGLISH_TITLE = rf"(?: (?:late|miss|(?:mrs?|ms)(?: {_END})?)){{0,2}}"
_SPOKEN_OF = (
    r"(?:el|ella|ellos|ele|ela|eles|him|hers?|his|them|theirs|titular|client[ea]?|deudora?|devedora?|"
    rf"account ?holder|borrower|customer|(?:senora?|senhora?|rapaz|joven|caballero)(?= {_END}|$)|"
    r"(?:es[ae]|est[ae]|ess[ae]|la|a) (?:persona?|pessoa|senora?|numero|linea|"
    r"telefono)|"
    r"(?:quien|la que|el que|quem) (?:\w+ ){0,2}?(?:busc\w+|procur\w+|llam\w+)|(?:the )?person you\b)"
)

_OURS = (
    rf"(?!(?:\w+ )?(?:{NEAR}|{_ACTS_FOR}) (?:me|nos|falou|disse|dijo|ofrecio|prometio)\b)(?!viej[oa] client)"
    rf"(?!amig[oa] (?:{_END} )?zz)(?!amig[oa] (?:{_END} )?no\b)"
)
"""Not "su compañera me dijo", who is a colleague of ours, nor "su amigo Juan", who is the borrower."""
_THEIRS = re.compile(
    rf"{_AM}{_A_NAME}(?: (?:e|la|el|a|o))?(?: (?:su|sus|seu|seus|sua|suas|his|her|their)) {_OURS}"
    rf"(?:\w+ )?(?:{NEAR}|{_ACTS_FOR})\b|"
    rf"{_AM}{_A_NAME}{_THE} {NEAR}{_KIND} (?:del[ea]s?|{_OF} {_SPOKEN_OF}|{_OF} (?:el|la|o|a|the) {_SPOKEN_OF}|"
    r"suy[oa]s?)\b"
)
"""Of whoever we look for, not named: "soy su esposa", "sou filha dele", "I'm the son of the account holder"."""
_HERE = re.compile(
    rf"{_FIRST}(?:su|seu|sua|his|her|their) {NEAR} (?:al habla|here|aqui|aca|escribe|speaking|por aqui)\b"
)
"""Of whoever we look for: "su hija al habla"."""
_THE_ONE = re.compile(
    rf"{_AM}(?: (?:yo|eu|{_END})){{0,2}} (?:un|una|um|uma) (?:familiar|pariente|parente|amiga)(?= {_END}|$)|"
    rf"{_AM}(?: (?:yo|eu|{_END})){{0,2}} (?:el|la|o|the|"
    rf"(?<!\bm )(?<!\bam )(?<!\bim )(?<!\bis )(?<!\bs )(?<!\bre )a) {_ONE}"
    rf"(?= (?:{_END}|(?:(?:y|e|and|pero|but|mas) )?(?:el|ella|ele|ela|he|she)\b|(?:y yo|e eu) (?:l[aeo]s? )?pag)|$)"
)
"""Of nobody named: "soy la esposa", "aqui é a filha"."""
_NOT_A_NAME = (
    r"(?!(?:mis?|sus?|tus?|un[ao]?s?|dos|tres|cuatro|cinco|seis|\d+|famil\w*|los|las|est[aeo]s?|es[ao]s?|nin[oa]s?|"
    r"vari[oa]s|much[oa]s|"
    r"tod[oa]s?|trabajo|casa|piso|el|la|meus?|minhas?|uma?s?|dois|duas|quatro|os|as|o|a|my|an?|the|two|three|four|"
    r"five|six|some|"
    r"several|kids?|children|your|tres|gemel\w+|gemeos|mellizos|twins|trillizos|crianc\w+|menores|dios|deus|god|"
    r"pequen\w*|bebes?|"
    r"militar|polici\w+|profession|profesion|escuela|escola|clase|nuestr\w+|noss\w+|vuestr\w+|hogar|lar|limpieza|"
    r"limpeza|tienda|local|colegio|iglesia|igreja|sucursal|obra|empresa|negocio|oficina|barrio|pescador\w*|all|bank)\b)"
)
_OF_SOMEBODY = re.compile(
    rf"{_AM}{_A_NAME} (?:el|la|los|las|o|a|os|as) {_ONE}{_KIND} (?!of\b){_OF}{_TITLE} {_NOT_A_NAME}\w{{3,}}|"
    rf"{_AM}{_A_NAME} (?:the|a) {_ONE} of{_ENGLISH_TITLE} {_NOT_A_NAME}\w{{3,}}|"
    rf"{_AM}{_A_NAME} (?:{_SPOUSE}) (?!of\b){_OF}{_TITLE} {_NOT_A_NAME}\w{{3,}}|"
    rf"{_AM}(?: {_END})? (?!(?:my|our|your|a|an|the|what|that|it|he|she|there|here|let|who|where|"
    rf"how|god|(?:some|any|every)(?:body|one)|nobody)\b)\w{{3,}}(?: \w{{3,}})? s {_ONE}\b(?! s\b)"
)
"""Of somebody by a name that need not be the borrower's, as the records have it: "soy la mujer de Pepe"."""
_SPEAKS = (
    r"(?:escrib\w+|habl\w+|llam\w+|contest\w+|respond\w+|escrev\w+|fal[oa]\w*|writing|writ\w+|reply\w+|answer\w+|"
    r"speak\w+|text\w+|"
    r"messag\w+|email\w+|calling)"
)
_BEHALF = r"(?:(?:de|da|por) parte d[eoa]l?|en nombre del?|en representacion del?|on behalf of)"
_IN_THE_NAME = rf"(?:{_BEHALF}|a nombre del?|em nome d[eoa])"
"""Who writes so speaks for somebody; what is paid so stands in somebody's name."""
_MY = r"(?:mi|my|our|nuestr[oa]|minha|meu)"
_BEHALF_OF_KIN = re.compile(
    rf"(?:{_FIRST}(?!por ){_BEHALF}|\b(?:{_SPEAKS}|actuo|actuando|acting) (?:\w+ ){{0,2}}?{_IN_THE_NAME}) "
    rf"(?:{_MY} (?!jef|patron|boss){_ONE}|(?:el|ella|him|her)\b(?= {_END}| porque| y |$))|"
    rf"\b(?:writing|texting|replying|answering|emailing|speaking) for {_MY} {_ONE}\b|"
    rf"\b(?:contesto|contestando|respondo|respond[ei]ndo|falo|falando|escrib(?:o|iendo)(?! por {_MY} (?:hij|filh))) "
    rf"(?:(?:por|pel[oa]) )(?:{_MY} )?{_ONE}\b|\ben (?:mi )?calidad de {_ONE} del?\b|"
    rf"\bpower of attorney for (?:{_MY} {_ONE}|him\b|her\b)"
)
_IS_MY_KIN = re.compile(
    rf"{_FIRST}(?:el|ella|ele|ela|he|she) (?:es|e|is|s|era|was) {_MY} {_ONE}\b|"
    rf"{_FIRST}(?:he|she) s {_MY} {_ONE}\b"
)


_GIVEN, _OWN = "zzgiven", "(?:zzgiven|zzname)"
"""What stands for the borrower's given names, and for any of their names."""
_OF_THEM = rf"(?:{NEAR}|{_ACTS_FOR}){_KIND} {_OF}{_TITLE} {_OWN}\b"
_CALLED_SO = (
    r"(?:herman[oa]s?|amig[oa]s?|compadre|comadre|jef[ea]|patron|mam[ai]|pap[ai]|prim[oa]|ti[oa]|vecin[oa]|viej[oa]|"
    r"companer[oa]|coleg[oa]|irmao|cunad[oa]|padrino|mate|boss|bro|friend)"
)
"""What a borrower calls us behind their own name: "soy Juan hermano, no me cobres"."""
_BY_NAME = re.compile(
    rf"{_AM}{_A_NAME}{_THE} {_OF_THEM}|{_FIRST}(?:(?:el|la|o|a|the) )?{_OF_THEM}|"
    rf"(?:{_AM}{_A_NAME} |{_FIRST}){_OWN}(?: {_OWN}){{0,4}}(?: s| (?!{_CALLED_SO}\b)(?={_ONE})) ?"
    rf"(?:{_ONE}|{_ACTS_FOR})\b(?! (?:s|del?|do|da)\b)|"
    rf"\b{_MY} (?:\w+ )?{NEAR}(?: {_END})?{_TITLE} {_GIVEN}\b|"
    rf"\b(?:married to|casad[oa] (?:con|com)){_TITLE} {_GIVEN}\b|\brepresento a{_TITLE} {_OWN}\b|"
    rf"\b{_GIVEN}(?: {_OWN}){{0,4}} (?:es|e|eh|is|s|era|was) (?:(?:el|la|o|a) )?{_MY} {_ONE}\b|"
    rf"(?:\b{_SPEAKS} (?:\w+ ){{0,2}}?(?:{_IN_THE_NAME}|for)|{_FIRST}{_BEHALF})(?: {_MY} \w+)?{_TITLE} {_OWN}\b"
)
"""Of whoever is called so: "soy la mujer de Juan", "Juan's wife here", "my husband Juan", "Juan es mi hermano"."""
_NAMES_THEMSELVES = re.compile(
    rf"\b(?:soy|sou|i am|i m|im|this is|me llamo|mi nombre es|meu nome e|my name is) (?:yo |eu )?{_OWN}\b"
)
_WHAT_IS_OWED = r"(?:deuda|prestamo|credito|cuotas?|saldo|divida|emprestimo|parcelas?|loans?|debts?|account|bill)"
_OF_ANOTHERS_DEBT = re.compile(
    rf"\b(?:cuanto|quanto) (?:(?:es|les?|te|e|se) )*(?:(?:lo que )?deb\w+|deve|adeuda)"
    rf"(?:(?: {_MY} {_ONE}| el| ella| ele| ela)\b|{_TITLE} {_GIVEN}\b(?! zz))|"
    rf"\b{_MY} {_ONE} (?:dice |pregunta |quiere saber )?(?:que )?(?:cuanto|quanto) (?:\w+ )?deb\w+|"
    rf"\bquanto (?:{_MY} {_ONE}|ele|ela|(?:o |a )?{_GIVEN}) deve\b|"
    rf"\bhow much (?:does|did|do) (?:{_MY} {_ONE}|he|she|{_GIVEN}(?! zz)) owe\b|"
    rf"\b(?:quiero|quisiera|puedo|podria|como|donde|vengo a|necesito|deseo|yo|quero|posso|want to|can i|could i|"
    rf"like to) (?:\w+ )?(?:pag(?:ar|o)|pay|settle) (?:off )?(?:(?:la|el|las|o|a|as|lo|the) )?"
    rf"(?:(?:{_WHAT_IS_OWED} )?(?:de|del|do|da|of)(?: {_MY} {_ONE}\b|{_TITLE} {_GIVEN}\b(?! zz))|"
    rf"(?:{_MY} {_ONE} s|his|her) {_WHAT_IS_OWED}\b)|"
    rf"\b(?:titular|deudora?|devedora?) (?:es|era|e) {_MY} {_ONE}\b|"
    rf"\b{_MY} {_ONE}(?: {_END})?(?: (?:es|era|e))?(?: (?:el|la|o|a))? titular\b"
)
"""What a relative owes is asked, or to be paid: "¿cuánto debe mi papá?", "can I pay my son's loan?"."""
OWES_IT = re.compile(
    rf"\b{_WHAT_IS_OWED} (?:si |sim )?(?:es|esta|e|is|s) (?:mi[oa]|minha|meu|mine|[ae]n? mi nombre|no meu nome|"
    rf"in (?:my|both our) name)\b|\b(?:it s|its|it is) my (?:own )?(?:loan|debt)\b|"
    rf"\b(?:firme|saque|assinei|peguei|took(?: out)?|signed(?: for)?) (?:el|la|ese|este|o|a|esse|the|this) "
    rf"{_WHAT_IS_OWED}\b|\bsoy (?:yo )?(?:quien|el que|la que) debe\b"
)
"""Says that the loan is theirs, whoever's husband or mother they are; that a telephone is says nothing of it."""
_OWN_CASE = re.compile(
    rf"\b(?:no (?:pude|puedo|he podido)|nao (?:pude|posso|consigo|consegui)|(?:can|could)(?: ?t| not|not)) "
    rf"(?:pagar|pay)\b|\b{_MY} (?:{_WHAT_IS_OWED}|aval|fiadora?|avalista|guarantor)\b"
)
"""Tells of a relative beside what they owe themselves."""
_MAY_SAY = re.compile(
    rf"\b(?:{NEAR}|{_ACTS_FOR}|behalf|parte|nombre|nome|representacion|represento|married|casad[oa]|titular|"
    r"for|owe|deb\w+|deve|pag(?:ar|o)|pay)\b"
)
_LONGEST = 4_000
"""Characters that are read: as many as the model reads."""


def says_relative(text: str, name: str | None = None) -> bool:
    """Whether `text` says that its writer is near to the borrower, called `name` where that is known, and not them.

    The relation is to the borrower by name ("soy la mujer de Juan", "Maria's wife here", "mi esposo Juan"), to whoever
    is spoken of ("sou filha dele"), or to somebody named who may be the borrower.
    """
    clauses = clauses_of(text[:_LONGEST])
    if _MAY_SAY.search(clauses) is None:
        return False
    clauses = _with_names_as_kinds(clauses, name)
    if any(said.search(clauses) for said in (_THEIRS, _HERE, _BEHALF_OF_KIN, _BY_NAME, _OF_ANOTHERS_DEBT)):
        return True
    if _NAMES_THEMSELVES.search(clauses) or OWES_IT.search(clauses):
        return False
    if any(said.search(clauses) for said in (_THE_ONE, _OF_SOMEBODY)):
        return True
    return _IS_MY_KIN.search(clauses) is not None and _OWN_CASE.search(clauses) is None


def _with_names_as_kinds(clauses: str, name: str | None) -> str:
    """The borrower's names as words of their kind, so that "marias" too is of Maria."""
    kinds = dict.fromkeys(names_in(name), "zzname") | dict.fromkeys(given_names(name), _GIVEN)
    clauses = _WILL_DO.sub(r"\1_", clauses)
    owned = {f"{each}s": f"{kind} s" for each, kind in kinds.items()}
    return " ".join((owned | kinds).get(word, word) for word in clauses.split())


_WILL_DO = re.compile(r"\b(will|may)\b(?! (?:s|is|was|has|had|died|passed|can|cannot|could|doesn|isn|and)\b)(?= \w)")
"""English words that are given names as well, where something is to be done: "my wife will pay"."""
_NO_NAME = frozenset({"del", "las", "los", "dos", "das", "von", "van"})


def names_in(name: str | None) -> list[str]:
    """The words of a name, as in clauses, without particles."""
    return [each for each in clauses_of(name or "").split() if len(each) > 2 and each not in _NO_NAME]


def given_names(name: str | None) -> list[str]:
    """Those of the words that are given names: a surname may be a relative's as well."""
    names = names_in(name)
    return names[:2] if len(names) > 2 else names[:1]
