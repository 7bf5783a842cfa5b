"""The bones of a message: a day, a sum, paying to come or done, a denial, a question, a condition, in their order.

`el 15 les doy 10.000`, `tmrw 45` and `pal 1 son suyas las 70 lucas` are built alike, whatever their words.
"""

from __future__ import annotations

from collections.abc import Iterator

from replies.concepts import concept_of

_BONES = {
    "zznow": "T", "zzbusynow": "t", "zzsoon": "D", "zzweekday": "D", "zzdated": "D", "zzmonthday": "D", "zzthere": "D",
    "zzvague": "v", "zzpast": "Z", "zznoday": "z", "zzmoney": "$", "zzbare": "#", "zzn": "#", "zzfigure": "#",
    "zzattached": "@", "zzdid": "E", "zzshall": "F", "zzlong": "n", "zzurl": "u", "zzmail": "u", "zztime": "h", "zzday": "d", "zzdate": "d",
    "zzpercent": "%", "?": "?", "si": "if", "if": "if", "cuando": "if", "when": "if", "quando": "if", "hasta": "til",
    "until": "til", "ate": "til", "resto": "rest", "faltan": "rest", "falta": "rest", "otros": "rest", "otras": "rest",
    "outros": "rest", "other": "rest", "restan": "rest", "faltam": "rest", "va": "G", "van": "G", "vai": "G", "vao": "G",
    "caen": "G", "cae": "G", "tienes": "G", "tienen": "G", "tendras": "G", "tendran": "G", "recibira": "G", "recibe": "G",
    "reciben": "G", "recibiran": "G", "recebem": "G", "suyas": "G", "suyos": "G", "queda": "G", "quedo": "E", "me": "me",
    "yo": "yo", "eu": "yo", "i": "yo", "i'll": "yo",
    **dict.fromkeys("enterado enterada anotado anotada recibido recibida noted entendi entendido apuntado agendado sabendo ciente saw".split(), "ack"),
    **dict.fromkeys("vence due vencimiento corte venceu vencimento late".split(), "due"),
    **dict.fromkeys("hoping hope wish would supposed segun quisiera gustaria queria ojala podria podia seria mentiria lying quiera maybe capaz".split(), "y"),
}  # fmt: skip
_OF_CONCEPT = {
    "payi": "P", "payto": "Y", "give": "G", "paid": "X", "done": "E", "earn": "R", "payday": "R", "unsay": "N",
    "never": "N", "may": "M", "want": "W", "will": "F", "try": "y", "how": "H", "howmuch": "Q", "plan": "L", "wait": "L",
    "discount": "K", "charge": "C", "call": "B", "write": "B", "talk": "B", "stop": "O", "remove": "O", "harass": "A",
    "sue": "A", "auth": "A", "rude": "A", "insult": "A", "badservice": "A", "fraud": "U", "contract": "U", "mistake": "U",
    "notknow": "U", "agent": "J", "kin": "k", "owe": "o", "debt": "o", "proof": "V", "die": "!", "grave": "!",
    "hospital": "!", "selfharm": "!", "violence": "!", "distress": "!", "hunger": "!", "ill": "i", "jobloss": "j",
    "sales": "j", "broke": "b", "enough": "b", "gone": "g", "past": "Z", "paynoun": "p", "who": "w", "refuse": "n",
    "forgot": "f", "broken": "x", "robbed": "r", "bills": "B$",
}  # fmt: skip
_BARE_BONES = frozenset(
    "a al de del la las el los lo le les te os se y e en un una por para con su sus mi mis tu que es o u ya pues ahi da do das "
    "dos na no_ em os as um uma pra com the to of and on in it for at by is this that so este esta esto ese esa eso mas "
    "zzok zzlaugh zzsmile ! senor senora senorita jefe jefa joven amigo amiga oiga mire mira bueno ok okay listo dale gracias "
    "hola buenas buenos dias tardes noches favor thanks thank please obrigado obrigada oi bom boa dia dios".split()
)
_OPEN = "."
_SIGNATURE = ("D", "T", "t", "$", "#", "P", "G", "X", "E", "N", "?", "if", "R", "Y", "F", "M", "B", "A", "L", "H")
_LONGEST = 9


def bones_of(words: list[str]) -> list[str]:
    """What each word of an outlined message is in it; a run of words that are nothing here is one `.`."""
    bones: list[str] = []
    for word in words:
        bone = _BONES.get(word)
        if bone is None:
            concept = concept_of(word)
            if concept[0] == "~":
                bone = _OF_CONCEPT.get(concept[1:])
            if bone is None:
                if word in _BARE_BONES or concept in {"~fine", "~greet", "~thanks", "~laugh"}:
                    continue
                bone = _OPEN
        if not bones or bones[-1] != bone:
            bones.append(bone)
    return bones


def signs_in(words: list[str]) -> Iterator[str]:
    """Names of what the bones show: runs of them, with and without what stands between, and which are there at all."""
    bones = bones_of(words)
    whole = ["^", *bones, "$$"]
    yield from _runs(whole, 4, "")
    told = [bone for bone in bones if bone != _OPEN]
    yield from _runs(["^", *told, "$$"], 3, "=")
    if len(bones) <= _LONGEST:
        yield "all " + " ".join(bones)
    there = [bone for bone in _SIGNATURE if bone in bones]
    size = min(len(words), 24) // 4
    yield "has " + " ".join(there)
    yield f"has {size} " + " ".join(there)
    yield f"size {size}"
    yield f"open {bones.count(_OPEN)}"
    for index, bone in enumerate(there):
        for other in there[index + 1 :]:
            yield f"{bone}&{other}"
            yield f"{bone}&{other} {size // 2}"


def _runs(bones: list[str], longest: int, mark: str) -> Iterator[str]:
    for start in range(len(bones)):
        for size in range(1, longest + 1):
            run = bones[start : start + size]
            if len(run) == size:
                yield mark + " ".join(run)
