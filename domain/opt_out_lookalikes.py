"""What a reader of single words takes for a wish to be left alone, and what is about something else."""

from __future__ import annotations

from domain.opt_out_phrases import (
    BUREAU_LEFT,
    DEBIT_REVOKED,
    END,
    LEFT_OF_A_STOP,
    NEVER_CAME,
    NO_STOP,
    UNTROUBLED,
)
from domain.opt_out_words import OptOutReading, clauses_of, read_opt_out

_LOOKALIKES = (DEBIT_REVOKED, BUREAU_LEFT, NO_STOP, UNTROUBLED, NEVER_CAME)


def is_no_stop(text: str) -> bool:
    """Whether `text` is surely no wish to be left alone, whatever a model reads in it.

    It is about a direct debit, a credit bureau, sick leave or a message that never came, and nothing else in it speaks
    of contact or of ending it.
    """
    if read_opt_out(text) is not OptOutReading.NOT_ABOUT_THIS:
        return False
    clauses = clauses_of(text)
    rest = clauses
    for lookalike in _LOOKALIKES:
        rest = lookalike.sub(END, rest)
    return rest != clauses and LEFT_OF_A_STOP.search(rest) is None


def revokes_a_debit(text: str) -> bool:
    """Whether `text` takes back that we may charge an account: a person has to see to it."""
    return DEBIT_REVOKED.search(clauses_of(text)) is not None
