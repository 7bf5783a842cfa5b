"""Stop states: what closes contact whatever the hour, in order of precedence."""

from __future__ import annotations

from domain.contact import Channel, ContactRequest, Purpose, Reason
from domain.contact_rules.pack import Pack

_TRANSACTIONAL_ONLY = frozenset({Purpose.TRANSACTIONAL})
_ANSWERS_TOO = frozenset({Purpose.TRANSACTIONAL, Purpose.REPLY})
_SPOKEN = frozenset({Channel.CALL, Channel.VISIT})

# What may still be sent under each flag. A receipt carries no demand; a reply answers the person's own
# message. Under bankruptcy, minority and representation even an answer belongs to a person or a lawyer.
_STILL_OPEN: dict[str, tuple[frozenset[Purpose], str]] = {
    "deceased": (frozenset(), "The person is reported dead: nothing is sent; a person handles the estate."),
    "minor": (_TRANSACTIONAL_ONLY, "The person is a minor: no collection contact."),
    "bankruptcy": (_TRANSACTIONAL_ONLY, "Insolvency proceedings are open: no collection contact."),
    "moratorium": (_ANSWERS_TOO, "A moratorium runs: no collection contact; the person's own questions are answered."),
    "attorney": (_TRANSACTIONAL_ONLY, "The person is represented: contact goes to the representative only."),
    "third_party": (frozenset(), "The address belongs to someone else: arrears are nobody else's business."),
    "workplace": (frozenset(), "The address is the person's place of work: no contact there."),
    "cease": (frozenset(), "The person asked for all contact to cease."),
    "dispute": (_ANSWERS_TOO, "The debt is disputed: collection is held; only answers to the person."),
    "hardship": (_ANSWERS_TOO, "Hardship is being handled: collection is held; only answers to the person."),
    "vulnerable": (_ANSWERS_TOO, "The person is vulnerable: collection is held; only answers to the person."),
}

HOLD_DEBITS: frozenset[str] = frozenset(_STILL_OPEN) - {"third_party", "workplace"}
"""Stop states of the person, not of an address: nothing is collected from their account by direct debit either."""

NO_CALLS = "no_calls"
"""The person asked not to be called or visited; writing stays open."""

NO_WHATSAPP_MARKETING = "no_whatsapp_marketing"
"""The person told WhatsApp that they want no marketing of ours: its own terms hold that back, and nothing else."""

# Known, and never a reason to stop here: who is asked (a co-debtor is treated as the debtor), and facts that set a
# rule of some pack aside or wake one. A waiver in the contract itself sets nothing aside.
_WITHOUT_EFFECT = frozenset(
    {
        "requested_by_debtor",
        "codebtor",
        "contract_waiver",
        "statutory_notice",
        "debt_adviser",
        "bank_calendar",
        NO_WHATSAPP_MARKETING,
    }
)

KNOWN_FLAGS: frozenset[str] = frozenset(_STILL_OPEN) | _WITHOUT_EFFECT | {NO_CALLS}


def stops(request: ContactRequest, purpose: Purpose, pack: Pack | None, flags: frozenset[str]) -> list[Reason]:
    """Every stop state that closes this request, the strongest first; none: it goes on to the hours.

    `purpose` is what the request counts as: a reply to nothing counts as collection. `flags` are the
    request's, and those that follow from what else it says.
    """
    if not flags and not request.opted_out:
        return []
    found: list[Reason] = []
    for flag, (still_open, text) in _STILL_OPEN.items():
        if flag not in flags:
            continue
        by_law = _of_pack(flag, request, purpose, pack)
        if by_law is not None:
            found += by_law
        elif purpose not in still_open:
            found.append(Reason(rule=f"stop.{flag}", source="policy", text=text))
    if flags - KNOWN_FLAGS:
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
    if NO_CALLS in flags and request.channel in _SPOKEN:
        found.append(
            Reason(rule="stop.no_calls", source="policy", text="The person asked not to be called: in writing only.")
        )
    return found


def _of_pack(flag: str, request: ContactRequest, purpose: Purpose, pack: Pack | None) -> list[Reason] | None:
    """What the country's own rules for a stop state say; None where it has none for this actor and place."""
    if pack is None:
        return None
    rules = [
        rule
        for rule in pack.stops
        if rule.flag == flag and request.actor in rule.binds and pack.binds_there(rule, request.region, request.city)
    ]
    if not rules:
        return None
    return [rule.reason(pack.version) for rule in rules if rule.awake(request.flags) and purpose not in rule.still_open]
