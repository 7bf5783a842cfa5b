"""Words as rules read them: lower case, no accents, punctuation kept."""

from __future__ import annotations

import re
import unicodedata

from text_to_num import alpha2digit

_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\xa0": " "})
_ACCENT_WANTED = {
    "es": {
        "veintiun": "veintiún",
        "veintidos": "veintidós",
        "veintitres": "veintitrés",
        "veintiseis": "veintiséis",
        "millon": "millón",
    },
    "pt": {"tres": "três", "milhao": "milhão", "milhoes": "milhões"},
    "en": {},
}
_FIGURE_TIMES = re.compile(r"(?<=\d)\s+(?=(?:mil|mill?on(?:es)?|milh(?:ao|oes)|thousand|hundred|grand|million)\b)")
_WORD = re.compile(r"[a-z]+")
_LANGUAGES = {
    "es": frozenset(
        "el la los las un una de del que y en no es lo le les me se mi su por para con ya hola buenas buenos dias "
        "pago pagar voy puedo hoy manana quincena cuando gracias tengo estoy pero si como cuanto deuda usted ustedes "
        "favor nada soy este esta eso al hasta cuenta mas tambien porque cobro banco dinero plata lunes viernes "
        "quiero necesito deje dejen numero muy trabajo ahora bueno yo tu te dale listo vale enterado "
        "dia tarde noche deposito dos tres cuatro mil mes semana abono martes miercoles jueves sabado domingo ahi al ya ahorita "
        "fin final cae y".split()
    ),
    "pt": frozenset(
        "o a os as um uma de do da dos das que e em no na nao eh lo me se meu minha seu por para pra com ja ola oi bom "
        "boa dia tarde pago pagar vou posso hoje amanha quando obrigado obrigada tenho estou to mas sim como quanto "
        "divida voce voces vcs vc favor nada sou esse essa isso ao ate conta mais tambem porque recebo dinheiro "
        "grana boleto pix segunda sexta quero preciso parem numero muito trabalho agora eu ta blz beleza mil mes fim final dois duas tres reais sabado domingo deposito terca quarta "
        "quinta feira pro proxima proximo fica cai".split()
    ),
    "en": frozenset(
        "the a an of to and in is it i i'm i'll you my me your on for with not no don't can't hello hi thanks thank "
        "pay paid will can today tomorrow when how much please have am but if this that money debt account stop next "
        "week friday monday get got at be was been we they he she number who ok yes wrong job work".split()
    ),
}
_USUAL = {"BR": "pt", "PT": "pt", "US": "en", "GB": "en"}


def plain(text: str) -> str:
    """Lower-case letters without accents, straight quotes, single spaces; digits, signs and line ends stay."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_QUOTES).casefold())
    letters = "".join(c for c in decomposed if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    return re.sub(r"\n+", "\n", re.sub(r"[^\S\n]+", " ", letters)).strip()


_PRETERITE = re.compile(r"(?<![^\W_])[^\W\d_]{2,}(?:ó|(?:[^\W\d_re]|[^\W\d_aei]r)[éí])(?![^\W_])", re.IGNORECASE)
_NO_PRETERITE = frozenset("qué porqué café bebé esté aló así aquí ahí allí allá sí mí casi también".split())


def with_past_marked(text: str) -> str:
    """`plain`, but for a mark `'` after a verb whose accent says that it is done: `dejó` is `dejo'`, `pagaré` stays."""

    def marked(found: re.Match[str]) -> str:
        word = found.group()
        return word if word.casefold() in _NO_PRETERITE else f"{word}'"

    return plain(_PRETERITE.sub(marked, unicodedata.normalize("NFC", text)))


def usual_language(country: str) -> str:
    """What is mostly written there: ISO 639-1."""
    return _USUAL.get(country.upper(), "es")


def language_of(text: str, country: str) -> str:
    """`es`, `pt` or `en`: the one whose common words occur most; where none stands out, the country's."""
    words = re.findall(r"[a-z']+", plain(text))
    usual = usual_language(country)
    points = {name: sum(word in known for word in words) + (0.5 if name == usual else 0.0)
              for name, known in _LANGUAGES.items()}  # fmt: skip
    return max(points, key=lambda name: points[name])


def with_figures(text: str, language: str) -> str:
    """`text` (plain) with numbers in words as figures: `mil quinientos` becomes `1500`, `200 mil` stays."""
    joined = _FIGURE_TIMES.sub("", text)
    wanted = _ACCENT_WANTED[language]
    accented = _WORD.sub(lambda word: wanted.get(word.group(), word.group()), joined)
    return plain(str(alpha2digit(accented, language))) if accented else accented
