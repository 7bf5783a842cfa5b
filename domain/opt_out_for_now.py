"""Whether a wish for no contact at all is one for now, hangs on a payment to come, or is asked as a question.

Patterns are over the clauses of `opt_out_words.clauses_of`.
"""

from __future__ import annotations

import re
from itertools import pairwise

from domain.opt_out_phrases import END

_END = re.escape(END)
_IF_OR_WHEN = (
    r"(?:si|if|cuando|una vez que|en cuanto|apenas|tan pronto(?: como)?|luego que|despues de(?: que)?|once|after|when|"
    r"as soon as|quando|se|assim que|depois (?:de|que))"
)
_PAYS = r"(?:pag\w+|abon\w+|deposit\w+|transf\w+|liquid\w+|pay|paid|pays|paying|settle|quit(?:ar|o|e))"
_HANGS_ON_PAYING = rf"{_IF_OR_WHEN} (?:(?!no\b|not\b|nao\b|don\b|dont\b)\w+ ){{0,3}}?{_PAYS}\b"
_TELLS_US = r"(?:les|te|os|lhes?|avis\w+|let|tell|i|sera|seria|me)"
_CONDITION = re.compile(rf"\b{_HANGS_ON_PAYING}")
_CONDITION_BEFORE = re.compile(
    rf"(?:(?:y|e|and|pero|but|mas|que|ok|bueno|entonces) )*{_HANGS_ON_PAYING}(?: (?!{_TELLS_US}\b)\w+){{0,4}}"
)
"""A clause of its own, and nothing else in it: not "cuando pague les aviso"."""
_NOW = re.compile(
    r"(?<!\bde )(?<!\bdesde )(?<!\bfrom )(?<!\bhasta )\b(?:ahorita|ahora|agora|hoy|hoje|right now|today)(?: mism[oa])?"
    rf"(?: (?:{_END}|por favor|please|porfa|ya))* (?:no|ni|nao|nem|n|don t|dont|do not)\b"
)
_PLACE = (
    r"(?:reunion|juntas?|trabajo|chamba|hospital|urgencias|clinica|clases?|medico|doctor|oficina|misa|funeral|entierro|"
    r"velorio|tanatorio|cine|carretera|autobus|bus|avion|consulta|cita|examen|entrevista|curso|turno|reuniao|trabalho|"
    r"aula|medica|consultorio|velorio|enterro|estrada|onibus|viagem|viaje|vacaciones|guardia|"
    r"work|meeting|class|church|surgery|appointment|interview|funeral|shift|vacation|holiday|plane|bus|train|office)"
)
_BUSY = re.compile(
    rf"(?:{_END}|\b(?:que|q|porque|pq|xq|pues|pois|because|cause|cuz|since|as)) "
    r"(?:(?:ahora|ahorita|agora|yo|eu|hoy|hoje) )*(?:mismo )?(?:estoy|estamos|ando|toy|i m|im|i am|estou|to) "
    r"(?:(?:ahora|ahorita|agora|right now|currently) )?"
    r"(?:trabajando|manejando|conduciendo|durmiendo|ocupad[oa]|reunid[oa]|trabalhando|dirigindo|dormindo|"
    r"working|driving|sleeping|busy|"
    rf"(?:en|de|em|no|na|numa|num|in|at|on|a|al)(?: (?:el|la|una?|mi|plen[ao]|uma?|meu|minha|the|an?|my))? {_PLACE})\b"
)
_NEVER_AGAIN = re.compile(r"\b(?:nunca|jamas|jamais|never|ever again)\b")
_ASKED = re.compile(r"([^.,;:!?¿¡\n()]+)\?")


def is_for_now(clauses: str, stopping: list[str]) -> bool:
    """Whether it is said of this moment; `stopping` are the clauses that stop."""
    if _NEVER_AGAIN.search(END.join(stopping)):
        return False
    return _NOW.search(clauses) is not None or _BUSY.search(clauses) is not None


def hangs_on_a_payment(clauses: str, stopping: list[str]) -> bool:
    """Whether it is to hold once a payment is made; `stopping` are the clauses that stop."""
    if any(_CONDITION.search(each) for each in stopping):
        return True
    parts = [each.strip() for each in clauses.split(END)]
    stops = {each.strip() for each in stopping}
    return any(after in stops and _CONDITION_BEFORE.fullmatch(before) is not None for before, after in pairwise(parts))


def questions_in(text: str) -> list[str]:
    """Each last part of a sentence that ends with a question mark."""
    return [found[1] for found in _ASKED.finditer(text)]
