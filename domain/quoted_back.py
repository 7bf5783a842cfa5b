"""What of a message its writer wrote, beside texts of ours that a program or they themselves quote back.

Our texts say how to stop, what to answer and what was agreed, and nobody who quotes them says any of that. A quotation
is cut only where it looks like a text of ours: what somebody else said in quotation marks, a STOP above all, counts.
"""

from __future__ import annotations

import re

from domain.opt_out_words import OptOutReading, read_opt_out
from domain.replies.text import plain

_EMOJI = r"[^\w\s“”„\"«».,;:!?()>]{1,12}"
_REACTED = (
    rf"(?:(?:dis)?liked|loved|laughed at|emphasi[sz]ed|questioned|reacted (?:with )?{_EMOJI} to|"
    rf"removed (?:an? |the )?(?:[\w ]{{1,30}}|{_EMOJI})(?: reaction)? from|"
    r"(?:no )?(?:le|me|te) (?:gusta|gusto|encanta|encanto)|(?:no )?(?:le |me )?ha (?:gustado|encantado)|"
    r"(?:le |me )?(?:da|dio) risa|(?:se )?(?:ha )?(?:rio|ri|reido) (?:de|con)|(?:ha )?enfatiz(?:o|ado|ou)|"
    rf"(?:ha )?cuestion(?:o|ado)|(?:ha )?reaccion(?:o|ado) con {_EMOJI} a|"
    r"(?:ha )?quit(?:o|ado) [^“\"«]{1,40} (?:de|a)|"
    r"(?:nao )?(?:curtiu|amou|adorou)|gostou de|riu de|deu enfase a|questionou|"
    rf"reagiu com {_EMOJI} a|removeu [^“\"«]{{1,40}} de|{_EMOJI} (?:to|a|para))"
)
_REACTION = re.compile(rf"{_REACTED}:? ?$")
_LONGEST_REACTION = 60
_FROM_40 = r"(?:“[^“”]{40,}(?:”|$)|«[^«»]{40,}(?:»|$)|\"[^\"]{40,}(?:\"|$)|”[^“”]{40,}”|„[^„“”]{40,}[“”])"
_QUOTATION = re.compile(_FROM_40)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_WHOLE = re.compile(r"[“„](.+?)[”“]|«(.+?)»|\"(.+?)[\"”]|[“„\"«](.+)$", re.DOTALL)
_OURS = re.compile(
    r"\b(?:respond(?:e|a|er|iendo|endo)|reply(?:ing)?|text|send|envi(?:a|e|ar|ando)|mand(?:a|e|ar)|escrib(?:e|a|iendo)|"
    r"palabra|palavra|word)\b(?: (?:with|con|com|by|la|the|a|word|palabra|palavra)\b)*[ :]*[\"'«]*"
    r"(?:stop|baja|sair|alto|parar|salir|pare)\b|\bdar(?:se|te)? de baja:|\(ref\. "
)
"""How our texts name a loan, and say how they are stopped."""


def own_words(text: str) -> str:
    """`text` without the texts of ours that it quotes; empty where it is a telephone's reaction ("Liked “…”") or quotes
    ours alone. What quotes nothing is given back as it is."""
    said = _without_reaction(text)
    reacted = said is not text
    said = _without_quoted_lines(said)
    said = _QUOTATION.sub(lambda found: " " if _is_ours(found[0]) else found[0], said)
    if said == text:
        return text
    return "" if reacted and not any(each.isalnum() for each in said) else said.strip()


def _without_reaction(text: str) -> str:
    """Whatever is quoted behind a word for a reaction was sent before, by us or by them."""
    quoted = _WHOLE.search(text)
    if quoted is None or quoted.start() > _LONGEST_REACTION:
        return text
    if _REACTION.fullmatch(plain(text[: quoted.start()])) is None:
        return text
    return text[quoted.end() :]


def _without_quoted_lines(text: str) -> str:
    lines = " ".join(each.strip(" \t>") for each in _QUOTED_LINE.findall(text))
    said = _QUOTED_LINE.sub("", text)
    # Who writes a stop behind such a sign, or nothing else, may have set the sign themselves.
    theirs = not said.strip() or read_opt_out(lines) is OptOutReading.OPT_OUT
    return text if theirs and not _is_ours(lines) else said


def _is_ours(quoted: str) -> bool:
    return _OURS.search(" ".join(plain(quoted).split())) is not None
