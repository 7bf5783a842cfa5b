"""Two statements in one message: what people say in one breath, made from messages that say one thing each."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from domain.replies.labels import Intent, in_order
from domain.replies.text import language_of
from replies.data import Example

_TOGETHER: Mapping[Intent, tuple[Intent, ...]] = {
    Intent.VULNERABLE: (
        Intent.COMPLAINT, Intent.OPT_OUT, Intent.REQUEST_AGENT, Intent.PROMISE_TO_PAY, Intent.REQUEST_PLAN,
        Intent.HARDSHIP, Intent.CALLBACK_REQUEST,
    ),
    Intent.WRONG_PERSON: (Intent.COMPLAINT, Intent.OPT_OUT),
    Intent.DISPUTE: (
        Intent.COMPLAINT, Intent.REFUSAL, Intent.OPT_OUT, Intent.REQUEST_AGENT, Intent.ASK_BALANCE,
    ),
    Intent.COMPLAINT: (
        Intent.ALREADY_PAID, Intent.OPT_OUT, Intent.OPT_OUT, Intent.REQUEST_AGENT, Intent.PROMISE_TO_PAY,
        Intent.REQUEST_PLAN, Intent.HARDSHIP,
    ),
    Intent.REFUSAL: (Intent.COMPLAINT, Intent.OPT_OUT),
    Intent.PAYMENT_RECEIPT: (Intent.ALREADY_PAID, Intent.ASK_BALANCE),
    Intent.ALREADY_PAID: (Intent.REQUEST_AGENT, Intent.ASK_BALANCE, Intent.OPT_OUT),
    Intent.OPT_OUT: (Intent.PROMISE_TO_PAY, Intent.ALREADY_PAID, Intent.HARDSHIP),
    Intent.REQUEST_AGENT: (Intent.REQUEST_PLAN, Intent.HARDSHIP, Intent.ASK_HOW_TO_PAY, Intent.REQUEST_DISCOUNT),
    Intent.PROMISE_TO_PAY: (Intent.ASK_HOW_TO_PAY, Intent.ASK_BALANCE, Intent.CALLBACK_REQUEST),
    Intent.REQUEST_DISCOUNT: (Intent.REQUEST_PLAN, Intent.HARDSHIP, Intent.ASK_HOW_TO_PAY, Intent.ASK_BALANCE),
    Intent.REQUEST_PLAN: (Intent.HARDSHIP, Intent.HARDSHIP, Intent.ASK_BALANCE, Intent.ASK_HOW_TO_PAY),
    Intent.HARDSHIP: (Intent.CALLBACK_REQUEST, Intent.ASK_BALANCE),
    Intent.ASK_HOW_TO_PAY: (Intent.ASK_BALANCE, Intent.ASK_BALANCE),
    Intent.ACKNOWLEDGEMENT: tuple(i for i in Intent if i not in {Intent.OTHER, Intent.ACKNOWLEDGEMENT}),
}  # fmt: skip
"""What is said beside what. Courtesy goes with everything and is no act of its own there."""
_LONGEST = 160
_AND = {
    "es": (
        ". ",
        ", ",
        " y ",
        " ",
        ", además ",
        ". Y ",
        ", y ",
        "\n",
        ", por cierto ",
        " pero ",
        " ademas ",
        " y tambien ",
    ),
    "pt": (". ", ", ", " e ", " ", ", além disso ", "\n", " mas "),
    "en": (". ", ", ", " and ", " ", ", also ", "\n", " but "),
}


def mixed(examples: Sequence[Example], chance: random.Random, every: int) -> Iterator[Example]:
    """One message of two for every `every` of `examples`: acts that go together, or the same act said twice over.

    Both halves come from `examples`: what must stay apart is to be given apart.
    """
    by_act: dict[tuple[str, Intent], list[Example]] = defaultdict(list)
    single = [each for each in examples if len(each.intents) == 1 and len(each.text) <= _LONGEST]
    for each in single:
        by_act[language_of(each.text, "MX"), each.intents[0]].append(each)
    for one in single:
        if chance.randrange(every):
            continue
        language = language_of(one.text, "MX")
        others = _TOGETHER.get(one.intents[0], ())
        again = one.intents[0] not in {Intent.ACKNOWLEDGEMENT, Intent.OTHER}
        wanted = (
            one.intents[0]
            if again and (not others or chance.random() < 0.25)
            else chance.choice(others or (one.intents[0],))
        )
        found = by_act.get((language, wanted), ())
        if found and others:
            yield _joined(one, chance.choice(found), language, chance)


def _joined(one: Example, other: Example, language: str, chance: random.Random) -> Example:
    courtesy = one.intents[0] is Intent.ACKNOWLEDGEMENT
    first, last = (one, other) if courtesy or chance.random() < 0.5 else (other, one)
    start, end = first.text.strip(), last.text.strip()
    link = chance.choice(_AND[language])
    if not start[-1:].isalnum():
        link = " "
    elif link[-1] == " " and link[0] != "." and end[:1].isupper() and end[1:2].islower():
        end = end[0].lower() + end[1:]
    intents = other.intents if courtesy else in_order((*one.intents, *other.intents))
    told = [each for each in (one, other) if each.reason is not None]
    told.sort(key=lambda each: intents.index(each.intents[0]) if each.intents[0] in intents else len(intents))
    return Example(start + link + end, intents, told[0].reason if told else None, one.person or other.person, one.line)
