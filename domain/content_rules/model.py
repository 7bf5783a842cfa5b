"""Content rules of a market as data: what may not be said, what must be said, and the lines that law asks for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.contact import Actor, Channel, Purpose
from domain.contact_rules.model import Basis, Evidence, Profile
from domain.content_rules.phrases import Phrases, compile_phrases

WRITTEN = frozenset({Channel.SMS, Channel.EMAIL, Channel.WHATSAPP, Channel.POST})
EVERYWHERE = "everywhere"
"""The pack that holds in every market, beside the market's own."""

RuleId = Annotated[str, Field(pattern=r"^[A-Z]{2,3}\.(content|notice)\.[a-z0-9_]{1,40}$")]
Phrase = Annotated[str, Field(min_length=2, max_length=800)]
_Words = dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], tuple[Phrase, ...]]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(StrEnum):
    """`sender` is the name under which the sender appears."""

    SUBJECT = "subject"
    TEXT = "text"
    HTML = "html"
    SENDER = "sender"


class When(StrEnum):
    """The circumstance in which a rule holds.

    FIRST_CONTACT and LATER_CONTACT are about this loan and the rule's own purposes: a receipt is not the first demand.
    OLD_DEBT needs `years`; a debt whose age is not known
    counts as old. NO_PROMOTION_CONSENT holds unless the person is known to have agreed to offers.
    """

    ALWAYS = "always"
    FIRST_CONTACT = "first_contact"
    LATER_CONTACT = "later_contact"
    DISPUTED = "disputed"
    OLD_DEBT = "old_debt"
    NO_PROMOTION_CONSENT = "no_promotion_consent"


class Need(StrEnum):
    """A fact that a message must state; the value it must show comes with the message."""

    CREDITOR = "creditor"
    AGENCY = "agency"
    AGENT = "agent"
    ADDRESS = "address"
    PHONE = "phone"
    RESPONSIBLE = "responsible"
    COMPLAINTS = "complaints"
    REFERENCE = "reference"
    AMOUNT = "amount"
    CALCULATED_ON = "calculated_on"


class Rule(_Data):
    """What every content rule says of itself. `text` is a sentence for operators; `profile`: only in that one.

    `topic` names what the rule is about: a market's own rule takes the place of the rule of every market
    about the same topic, for the actors, channels and purposes that it binds.
    """

    id: RuleId
    topic: Annotated[str, Field(pattern=r"^[a-z_]{2,40}$")]
    source: Annotated[str, Field(min_length=3, max_length=300)]
    basis: Basis
    evidence: Evidence
    text: Annotated[str, Field(min_length=10, max_length=300)]
    binds: frozenset[Actor] = frozenset(Actor)
    channels: frozenset[Channel] = WRITTEN
    purposes: frozenset[Purpose] = frozenset(Purpose)
    when: When = When.ALWAYS
    years: int | None = Field(None, ge=1, le=50)
    profile: Profile | None = None

    @model_validator(mode="after")
    def _age_only_for_old_debts(self) -> Self:
        if (self.years is None) == (self.when is When.OLD_DEBT):
            raise ValueError("expected years exactly where when is old_debt")
        return self


class ForbiddenRule(Rule):
    """Says which phrases may not be sent: lists of the vocabulary by name, and phrases of its own by language.

    `excused` are longer phrases in which a hit is harmless. `warns` tells the operator and forbids nothing.
    """

    vocabulary: tuple[str, ...] = ()
    words: _Words = {}
    excused: tuple[Phrase, ...] = ()
    parts: frozenset[Part] = frozenset({Part.SUBJECT, Part.TEXT, Part.HTML})
    warns: bool = False

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if not self.vocabulary and not any(self.words.values()):
            raise ValueError("expected vocabulary or words: what may not be said")
        return self


class RequiredRule(Rule):
    """Says what must be there: facts (all of `needs`), and one phrase out of `vocabulary` and `words`."""

    needs: tuple[Need, ...] = ()
    vocabulary: tuple[str, ...] = ()
    words: _Words = {}

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.needs and not self.vocabulary and not any(self.words.values()):
            raise ValueError("expected needs, vocabulary or words: what must be said")
        return self


class Notice(Rule):
    """Sentences we add to a message by ourselves, by language; `{creditor}` and the like are its facts.

    A sentence with a fact that is not known is left out, and the rule that asks for the fact then speaks.
    """

    sentences: dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], tuple[Phrase, ...]]


class WordList(_Data):
    """Phrases about one thing, by language, used by the rules of many markets."""

    words: _Words
    excused: tuple[Phrase, ...] = ()


class Voicemail(_Data):
    """Whether a message that shows no debt may be left where a machine answers, and by what."""

    allowed: bool
    source: Annotated[str, Field(min_length=3, max_length=300)]


class ContentPack(_Data):
    """The content rules of one market. `languages` are those its borrowers are written to in."""

    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|everywhere)$")]
    name: Annotated[str, Field(min_length=2, max_length=80)]
    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] = ()
    voicemail: Voicemail = Voicemail(allowed=False, source="no rule known that allows it: nothing is left")
    forbidden: tuple[ForbiddenRule, ...] = ()
    required: tuple[RequiredRule, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (*self.forbidden, *self.required, *self.notices)


def phrases_of(rule: ForbiddenRule | RequiredRule, vocabulary: dict[str, WordList]) -> Phrases | None:
    """The rule's phrases, ready to look for; None when it asks for facts alone. Raises ValueError, KeyError."""
    lists = [vocabulary[name] for name in rule.vocabulary]
    wanted = [
        phrase for words in (rule.words, *(one.words for one in lists)) for each in words.values() for phrase in each
    ]
    excused = [phrase for one in lists for phrase in one.excused]
    if isinstance(rule, ForbiddenRule):
        excused += rule.excused
    return compile_phrases(wanted, excused) if wanted else None
