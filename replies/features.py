"""What the model sees of a message: words, pairs of words and pieces of words, with names of days and sums taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from domain.replies.outline import outline
from domain.replies.text import plain
from replies.concepts import concept_of
from replies.skeleton import signs_in

_EMOJI = {
    **dict.fromkeys("👍👌🙏✅🤝👏🙌💪🫡✔☑🆗👋", " zzok "),
    **dict.fromkeys("😡🤬😠🖕💢👎😤", " zzangry "),
    **dict.fromkeys("😭😢😔😞💔😥😿🥺😩😫😪🥲", " zzsad "),
    **dict.fromkeys("😂🤣😅😆😁😄😀🙂😊😉😃😎❤💕😘🥰☺🤗", " zzsmile "),
    **dict.fromkeys("🙄🤔🤨🧐", " zzhmm "),
}
_SHORT = {
    "q": "que", "k": "que", "ke": "que", "qe": "que", "xq": "porque", "pq": "porque", "porq": "porque", "xk": "porque",
    "porke": "porque", "x": "por", "tmb": "tambien", "tb": "tambien", "tbn": "tambien", "tmbn": "tambien", "pa": "para",
    "pra": "para", "d": "de", "dl": "del", "toy": "estoy", "ta": "esta", "tas": "estas", "toi": "estoy", "tengp": "tengo",
    "bn": "bien", "ntp": "no te preocupes", "msj": "mensaje", "msjs": "mensajes", "mjs": "mensajes", "mens": "mensaje",
    "grax": "gracias", "grcs": "gracias", "gcs": "gracias", "gcias": "gracias", "grac": "gracias", "thx": "thanks",
    "ty": "thanks", "tks": "thanks", "u": "you", "ur": "your", "r": "are", "pls": "please", "plz": "please", "pmt": "payment",
    "cuando": "cuando", "cdo": "cuando", "cnd": "cuando", "qndo": "quando", "qdo": "quando", "vc": "voce", "vcs": "voces",
    "tbm": "tambem", "obg": "obrigado", "obgd": "obrigado", "blz": "beleza", "hj": "hoje", "agr": "agora", "n": "nao",
    "ñ": "no", "mto": "muito", "mt": "muito", "dps": "depois", "porfa": "por favor", "porfis": "por favor",
    "pf": "por favor", "xfa": "por favor", "xfavor": "por favor", "plis": "por favor", "porfavor": "por favor",
    "eh": "e", "dnd": "donde", "dond": "donde", "nro": "numero", "num": "numero", "tel": "telefono", "cel": "celular",
    "wsp": "whatsapp", "wasap": "whatsapp", "wa": "whatsapp", "whats": "whatsapp", "zap": "whatsapp", "wpp": "whatsapp",
    "guasap": "whatsapp", "wsap": "whatsapp", "wthasapp": "whatsapp", "trankilo": "tranquilo", "aki": "aqui", "ak": "aca",
    "kiero": "quiero", "kien": "quien", "kedo": "quedo", "ps": "pues", "pz": "pues", "pos": "pues", "haber": "a ver",
    "bno": "bueno", "weno": "bueno", "hla": "hola", "ola": "hola", "aora": "ahora", "ahra": "ahora", "asta": "hasta",
    "ise": "hice", "boy": "voy", "boi": "voy", "ba": "va", "bamos": "vamos", "pagao": "pagado", "dejar": "dejar",
    "trabjo": "trabajo", "travajo": "trabajo", "chamba": "trabajo", "pega": "trabajo", "laburo": "trabajo",
    "curro": "trabajo", "camello": "trabajo", "brete": "trabajo", "cachuelo": "trabajo", "jale": "trabajo",
    "cant": "can't", "wont": "won't", "dont": "don't", "didnt": "didn't", "im": "i'm", "ive": "i've", "ill": "i'll",
    "isnt": "isn't", "doesnt": "doesn't", "wasnt": "wasn't", "couldnt": "couldn't", "thats": "that's", "gonna": "going to",
    "wanna": "want to", "idk": "i don't know", "k.": "ok", "oka": "ok", "okey": "ok", "okay": "ok", "oki": "ok", "okis": "ok",
    "okas": "ok", "vdd": "verdad", "info": "informacion", "depo": "deposito", "transf": "transferencia", "tx": "transferencia",
}  # fmt: skip
_WEEKDAY = (
    r"lunes|martes|miercoles|jueves|viernes|sabado|savado|domingo|monday|tuesday|wednesday|thursday|friday|saturday|"
    r"sunday|(?:segunda|terca|quarta|quinta|sexta)[ -]feira|viernez|miercole|juevez"
)
_MONTH = (
    r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre|janeiro|"
    r"fevereiro|marco|maio|junho|julho|setembro|outubro|novembro|dezembro|january|february|april|june|july|august|"
    r"september|october|november|december"
)
_SWAPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), swap)
    for pattern, swap in (
        (r"https?://\S+|www\.\S+", " zzurl "),
        (r"\S+@\S+\.\w+", " zzmail "),
        (r"\[(?:imagen|foto|image|imagem|pdf|documento|document|archivo|adjunto|file|photo|sticker|audio|video|comprobante)[^\]]*\]",
         " zzattached "),
        (r"(?:us\$|r\$|s/\.?|\$|€|£) ?\d[\d.,]*(?: ?(?:mil|k|lucas?|millones)\b)?", " zzsum "),
        (r"\b\d[\d.,]* ?(?:€|\$|euros?|eur|pesos?|soles|reais|dolares|usd|mil|k|lucas?|lukas|barras?|palos?|varos|mangos|pavos|"
         r"quid|bucks|pounds|dollars|millon(?:es)?|contos?|pilas)(?![a-z])(?: (?:pesos|soles|reais|euros))?", " zzsum "),
        (r"\b\d{1,2}[:h]\d{2}\b|\b\d{1,2} ?(?:am|pm|hs|hrs|horas)\b", " zztime "),
        (r"\b\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?\b", " zzdate "),
        (r"\b\d+(?:[.,]\d+)? ?%", " zzpercent "),
        (r"\b\d{7,}\b|\b\d{3,4}[ -]\d{3,4}(?:[ -]\d{2,4})*\b", " zzlong "),
        (rf"\b(?:{_WEEKDAY})\b", " zzday "),
        (rf"\b(?:{_MONTH})\b", " zzmonth "),
        (r"\b\d{1,2}(?:st|nd|rd|th)?\b", " zzn "),
        (r"\d[\d.,]*", " zzfigure "),
    )
)  # fmt: skip
_LAUGH = re.compile(r"\b(?:(?:ja|je|ji|ha|he|rs|kk|ks){2,}[a-z]?|k{3,}|lol|lmao|xd+|jsjs\w*)\b")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_TOKEN = re.compile(r"[a-z0-9']+|[?!]|[^\w\s.,;:()\"'\-/¿¡*_|<>=+\[\]{}\\~^%$#@&]")
_ENDS = re.compile(
    r"[.!?;\n]+(?=\s|$)|\n|(?<=[a-z]),? (?=(?:pero|but|ademas|y ademas|por cierto|also|alem disso|tambien quiero) )"
)
_TURNS = frozenset(
    "no nao not n't don't can't won't ya mi mis me su sus yo le les el ella si ? my i you nunca never meu minha".split()
)
"""Small words whose place near a meaning turns it."""
_MOST_OUTLINED = 1_500
_NEAR, _SHORT_WORD = 8, 6
_WINDOW, _STEP = 14, 7


@dataclass(frozen=True)
class Said:
    """A text, and the same with its days and sums as words of their kind."""

    text: str
    outline: str


@dataclass(frozen=True)
class Message:
    """What is said as a whole, and its statements one by one where there are several."""

    whole: Said
    parts: tuple[Said, ...]


def words_of(text: str) -> list[str]:
    """The words of a message: abbreviations written out, sums, days, months and links as kinds of their own."""
    for emoji, word in _EMOJI.items():
        if emoji in text:
            text = text.replace(emoji, word)
    folded = plain(text)
    folded = _LAUGH.sub(" zzlaugh ", folded)
    folded = _REPEATED.sub(r"\1", folded)
    for pattern, swap in _SWAPS:
        folded = pattern.sub(swap, folded)
    return " ".join(_SHORT.get(token, token) for token in _TOKEN.findall(folded)).split()


KINDS = ("words", "pieces", "concepts", "signs")


def features_of(said: Said) -> tuple[list[str], ...]:
    """Names of the features of what is said, a list for each of `KINDS`."""
    words = words_of(said.text)[:400]
    return (
        list(dict.fromkeys(_word_features(words))),
        list(dict.fromkeys(_pieces(words))),
        list(dict.fromkeys(_concepts(words))),
        list(dict.fromkeys(signs_in(words_of(said.outline)))),
    )


def _concepts(words: list[str]) -> Iterator[str]:
    """Runs of words in which those of one meaning are one, and which meanings are found near each other.

    Of a long word that has none its beginning stands for it: `llaméis` and `llamadme` begin alike.
    """
    told = [_meant(word) for word in words]
    for index, word in enumerate(told):
        if word[0] == "~" or word[-1] == "*":
            yield word
        for reach in (1, 2):
            run = told[index : index + reach + 1]
            if len(run) > reach and any(each[0] == "~" or each[-1] == "*" for each in run):
                yield " ".join(run)
        if word[0] == "~" or word in _TURNS:
            for later in told[index + 2 : index + _NEAR]:
                if later[0] == "~" or later in _TURNS:
                    yield f"{word}_{later}"


def _meant(word: str) -> str:
    concept = concept_of(word)
    return concept if concept[0] == "~" or len(word) <= _SHORT_WORD else f"{word[:5]}*"


def _word_features(words: list[str]) -> Iterator[str]:
    whole = ["^", *words, "$"]
    for index, word in enumerate(whole):
        if 0 < index < len(whole) - 1:
            yield word
        if index + 1 < len(whole):
            yield f"{word} {whole[index + 1]}"
        if index + 2 < len(whole):
            yield f"{word} {whole[index + 1]} {whole[index + 2]}"
            yield f"{word}_{whole[index + 2]}"
        if index + 3 < len(whole):
            yield f"{word}_{whole[index + 3]}"


def _pieces(words: list[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("zz"):
            continue
        padded = f"-{word}-"
        for size in (3, 4, 5):
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


def message_of(text: str) -> Message:
    """A message and the statements in it, outlined one by one."""
    parts: list[Said] = []
    outlines: list[str] = []
    at = 0
    for end in [*_ENDS.finditer(text[:_MOST_OUTLINED]), None]:
        piece = text[at : end.start() if end else len(text)]
        bones = outline(piece[:_MOST_OUTLINED]) if piece.strip() else ""
        outlines.append(f"{bones} {end.group() if end else ''}")
        parts += _windows(piece, bones)
        at = end.end() if end else at
    return Message(Said(text, " ".join(outlines)), tuple(parts) if len(parts) > 1 else ())


def _windows(piece: str, bones: str) -> Iterator[Said]:
    """A statement; a long one without punctuation in overlapping windows."""
    words, outlined = piece.split(), bones.split()
    if len(words) <= _WINDOW + _STEP:
        if words:
            yield Said(piece.strip(), bones)
        return
    share = len(outlined) / len(words)
    for start in range(0, len(words) - _STEP, _STEP):
        first, last = int(start * share), int((start + _WINDOW) * share) + 1
        yield Said(" ".join(words[start : start + _WINDOW]), " ".join(outlined[first:last]))
