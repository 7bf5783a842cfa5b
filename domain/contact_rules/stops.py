"""Stop states: what closes contact whatever the hour, in order of precedence."""

from __future__ import annotations

from domain.contact import ContactRequest, Purpose, Reason

_TRANSACTIONAL_ONLY = frozenset({Purpose.TRANSACTIONAL})
_ANSWERS_TOO = frozenset({Purpose.TRANSACTIONAL, Purpose.REPLY})

# What may still be sent under each flag. A receipt carries no demand; a reply answers the person's own
# message. Under bankruptcy, minority and representation even an answer belongs to a person or a lawyer.
_STILL_OPEN: dict[str, tuple[frozenset[Purpose], str]] = {
    "deceased": (frozenset(), "The person is reported dead: nothing is sent; a person handles the estate."),
    "minor": (_TRANSACTIONAL_ONLY, "The person is a minor: no collection contact."),
    "bankruptcy": (_TRANSACTIONAL_ONLY, "Insolvency proceedings are open: no collection contact."),
    "moratorium": (_ANSWERS_TOO, "A moratorium runs: no collection contact; the person's own questions are answered."),
    "attorney": (_TRANSACTIONAL_ONLY, "The person is represented: contact goes to the representative only."),
    "cease": (frozenset(), "The person asked for all contact to cease."),
    "dispute": (_ANSWERS_TOO, "The debt is disputed: collection is held; only answers to the person."),
    "hardship": (_ANSWERS_TOO, "Hardship is being handled: collection is held; only answers to the person."),
    "vulnerable": (_ANSWERS_TOO, "The person is vulnerable: collection is held; only answers to the person."),
}

# Known, and never a reason to stop. It widens nothing either until a pack says what it opens.
_WITHOUT_EFFECT = frozenset({"requested_by_debtor"})

KNOWN_FLAGS: frozenset[str] = frozenset(_STILL_OPEN) | _WITHOUT_EFFECT


def stops(request: ContactRequest, purpose: Purpose) -> list[Reason]:
    """Every stop state that closes this request, the strongest first; none: it goes on to the hours.

    `purpose` is what the request counts as: a reply to nothing counts as collection.
    """
    found = [
        Reason(rule=f"stop.{flag}", source="policy", text=text)
        for flag, (still_open, text) in _STILL_OPEN.items()
        if flag in request.flags and purpose not in still_open
    ]
    if request.flags - KNOWN_FLAGS:
        found.append(
            Reason(
                rule="stop.unknown_flag",
                source="policy",
                text="A stop state is set that the rules do not know: refused, not guessed.",
            )
        )
    if request.channel in request.opted_out:
        found.append(
            Reason(
                rule="stop.channel_opt_out",
                source="policy",
                text=f"The person closed the channel {request.channel}.",
            )
        )
    return found
