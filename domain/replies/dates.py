"""The day a borrower promises to pay, by rules: docs/replies.md says how each way of saying it is read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from domain.replies.clauses import Clauses
from domain.replies.day_mentions import Mention, mentions_in
from domain.replies.day_words import respelt
from domain.replies.text import language_of, with_past_marked

_RANGE = re.compile(
    r"^[\s,]*(?:o|u|ou|or|al|a|hasta(?: el)?|ate|to|till|until|through|/|-|o a mas tardar|o a lo mucho|a mas tardar|o maximo|maximo|"
    r"como maximo|o si no|si no|sino|o sino|ou no maximo|no maximo|latest|at the latest|or at the latest|o a mas tardar hasta|"
    r"o por tarde|o a lo mas|a lo mas|ou senao|or else|o tal vez|o quizas?|o por (?:ahi|ai|hay)(?: el)?|ou por ai(?: n[oa])?|or maybe|ou talvez|o cuando mucho|o mas tardar|o el|o para el|"
    r"ou ate|y si no|e o|o incluso)?[\s,]*(?:el|la|dia|o|the|no|na|para el|hasta el|on)?[\s,]*$"
)
_BETWEEN = re.compile(r"\b(?:entre|between|del|from)(?: el| o| the| dia| los dias)?[\s,]*$")
_AND = re.compile(r"^\s*(?:y|e|and|al)\s*(?:el|la|o|the|dia)?\s*$")
_RATHER = re.compile(
    r"\b(?:mejor|mejor dicho|digo|perdon|quise decir|no no|i mean|sorry|rather|ou melhor|quero dizer|desculpa|corrijo|actually|"
    r"me equivoque|errata)\b"
)
_NO_THE_OTHER = re.compile(r"[.,;\s](?:no|nao|nope|digo|minto), ?$")
_ON_THE_EVE = re.compile(r"\b(?:antes|vispera|vespera|day before|eve of|before) (?:de |del |do |da |the )*$")
_IS_THE = re.compile(
    r"(?:\b(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo|hoy|manana|hoje|amanha|today|tomorrow|ahi)|\d) (?:es|e|is) (?:el |o )?$"
)
"""`mañana es 20 de julio`, `el lunes 2 es día de muertos`: a holiday that falls on the day, no day of paying."""
_REPEATED, _HARDLY = 0.25, -3.2
_HARDLY_A_DAY = frozenset({"past", "none", "vague", "today", "today_weak", "at_once", "there"})
_AT_ONCE = frozenset(
    {"altiro", "al tiro", "al toque", "de una", "de una vez", "ahi mismo", "ahi nomas", "na hora", "right then"}
)
"""Said beside a day, it is that day."""
_NAMES_OF_A_DAY = frozenset({"day", "day_month", "figures", "weekday_number"})


def promised_day(text: str, sent_on: date, country: str) -> date | None:
    """The day named for paying in a message that promises it, or None.

    `sent_on` is the borrower's local day; the answer is never before it. Of several payments the first counts, of a
    range or a deadline the last day named.
    """
    folded = respelt(with_past_marked(text))
    clauses = Clauses(folded, language_of(text, country))
    mentions = _merged(folded, _after_each(folded, mentions_in(folded, sent_on, country.upper()), clauses, sent_on))
    best: Mention | None = None
    best_points = 0.0
    for mention in mentions:
        if mention.kind in {"past", "none"}:
            continue
        points = clauses.points(mention.start, mention.end)
        points -= 1.5 if mention.kind == "today_weak" else 0.0
        points -= (
            0.4
            if mention.kind in {"today", "at_once", "there"} and folded[mention.start : mention.end] in _AT_ONCE
            else 0.0
        )
        points -= 0.6 if mention.kind == "vague" else 0.0
        points -= 1.8 if mention.kind in {"named", "day_month"} and _IS_THE.search(folded[: mention.start]) else 0.0
        points -= 0.7 if mention.kind == "named" and _ON_THE_EVE.search(folded[: mention.start]) else 0.0
        points -= _beside_the_point(folded, mention, mentions)
        points += _REPEATED if any(each.day == mention.day for each in mentions if each.end <= mention.start) else 0.0
        corrected = (
            best is not None
            and (
                _RATHER.search(folded[best.end : mention.start])
                or _NO_THE_OTHER.search(folded[best.end : mention.start])
            )
            is not None
        )
        if points > -2.0 and (best is None or points > best_points or (corrected and points >= best_points - 1.5)):
            best, best_points = mention, points
    named = [
        each
        for each in mentions
        if each.day is not None and each.kind not in _HARDLY_A_DAY and not _beside_the_point(folded, each, mentions)
    ]
    if best is None and len(named) == 1 and clauses.points(named[0].start, named[0].end) > _HARDLY:
        best = named[0]  # nothing else can be meant
    if best is None or best.day is None or best.day < sent_on:
        return None
    return _after_payday(best, mentions, clauses) if best.kind == "weekday" else best.day


_TODAY_IS = re.compile(r"\b(?:hoy|hoje|today),? (?:ya )?(?:es|e|is) (?:la |dia de )?$")
_HOW_IT_IS = re.compile(
    r" (?:todo se va|estoy (?:en cero|sin|corto|corta|seco|seca|mal|desemplead[oa]|parad[oa]|quebrad[oa]|pelad[oa])|"
    r"ando (?:sin|corto|corta|mal|seco|seca))\b"
)
_ASKED = re.compile(r"\bcuanto (?:esta|es|sale|debo|va|queda)\b[^.,;\n]{0,25}$")
_THE_REST = re.compile(r"\b(?:el resto|o resto|lo demas|the rest|lo que falta|o que falta)\b[^.;\n]{0,30}$")


def _beside_the_point(text: str, mention: Mention, mentions: list[Mention]) -> float:
    """What a day loses of which something else is said: `hoy es quincena`, `ahorita estoy sin nada`, `cuánto es hoy`, the
    hour in `hoy, tipo 7`, and the day of the rest where the first payment has one."""
    before = text[: mention.start]
    if mention.kind in {"today", "today_weak"}:
        return 3.2 if _HOW_IT_IS.match(text, mention.end) or _ASKED.search(before) else 0.0
    if mention.kind == "payday" and _TODAY_IS.search(before):
        return 3.0
    earlier = [each for each in mentions if each.end <= mention.start and each.day is not None and each.kind != "past"]
    if text.startswith("tipo ", mention.start) and any(each.kind == "today" for each in earlier):
        return 3.0
    return 1.2 if earlier and _THE_REST.search(before) else 0.0


def _after_each(text: str, mentions: list[Mention], clauses: Clauses, sent_on: date) -> list[Mention]:
    """`cobro el 30 y al otro día pago`: the day after the one named before, or after the message; `al toque` and `ahí
    les mando`: the day the money comes in, or else today."""
    result: list[Mention] = []
    for mention in mentions:
        if mention.kind == "next_after":
            before = next((each.day for each in reversed(result) if each.day is not None), sent_on)
            mention = replace(mention, day=before + timedelta(days=1))
        elif mention.kind in {"at_once", "there"} or text.startswith("ahi ", mention.start):
            named = [
                each for each in result if each.day is not None and each.kind not in {"past", "today", "today_weak"}
            ]
            earned = [each for each in named if mention.kind == "there" or clauses.of_income(each.start, each.end)]
            mention = replace(mention, day=earned[-1].day, kind="there") if earned else mention
        result.append(mention)
    return result


def _after_payday(chosen: Mention, mentions: list[Mention], clauses: Clauses) -> date | None:
    """`me pagan el viernes y el sábado deposito`: that Saturday follows that Friday."""
    for earlier in mentions:
        if earlier.end <= chosen.start and earlier.day is not None and chosen.day is not None:
            if earlier.day > chosen.day and clauses.of_income(earlier.start, earlier.end):
                return chosen.day + timedelta(days=7)
    return chosen.day


def _merged(text: str, mentions: list[Mention]) -> list[Mention]:
    """Ranges and deadlines become one mention with their last day."""
    result: list[Mention] = []
    for mention in mentions:
        before = result[-1] if result else None
        if before is not None and before.day and mention.day and before.kind != "past" and mention.kind != "past":
            gap = text[before.end : mention.start]
            lead = text[: before.start]
            opened = _BETWEEN.search(lead) or text[before.start : before.end].startswith(("del ", "entre "))
            named = text[mention.start : mention.end]
            goes_on = not gap.strip() and named.startswith(("al ", "hasta ", "ate "))
            either_day = not gap.strip() and named.startswith("o ") and before.kind in _NAMES_OF_A_DAY
            weak = mention.kind == "today_weak" or before.kind == "today_weak"
            if not weak and (either_day or _joins(gap) or (opened and (goes_on or _AND.match(gap)))):
                later = max(before.day, mention.day)
                if before.kind == mention.kind == "day" and mention.day.day > before.day.day:
                    later = mention.day  # `entre el 26 y el 28`, said on the 26th
                if mention.kind == "weekday" and mention.day < before.day:
                    later = mention.day + timedelta(days=7)
                result[-1] = Mention(before.start, mention.end, "range", later)
                continue
            if _apposition(gap, before, mention):
                relative = before.kind not in {"weekday", "next_after"} and mention.kind == "weekday"
                result[-1] = Mention(before.start, mention.end, mention.kind, before.day if relative else mention.day)
                continue
        result.append(mention)
    return result


def _joins(gap: str) -> bool:
    return bool(gap.strip(" ,")) and _RANGE.match(gap) is not None


def _apposition(gap: str, before: Mention, after: Mention) -> bool:
    """`mañana viernes`, `mañana 28`, `el viernes 28 de noviembre`: two names of one day."""
    return gap.strip(" ,()") in {"", "dia", "el dia", "o sea", "es decir", "que es", "que es el"} and (
        (before.kind in {"plus1", "plus2", "today", "next_after"} and after.kind in _NAMES_OF_A_DAY | {"weekday"})
        or (before.kind == "weekday" and after.kind in _NAMES_OF_A_DAY)
    )
