"""The check of one message against its market's content rules, and the lines law asks us to add to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict

from domain.contact_rules.model import Evidence, Profile
from domain.content_rules.folding import readings, words_only
from domain.content_rules.message import Circumstances, Facts, Wording
from domain.content_rules.model import (
    EVERYWHERE,
    ContentPack,
    ForbiddenRule,
    Need,
    Notice,
    Part,
    RequiredRule,
    Rule,
    When,
    WordList,
    phrases_of,
)
from domain.content_rules.phrases import Phrases

UNKNOWN_MARKET = "ALL.content.unknown_market"
_DOUBTFUL = frozenset({Evidence.UNVERIFIED, Evidence.CONFLICTING})
_ADDRESS = re.compile(r"\S*(?:@|://)\S*")
_FACT = re.compile(r"\{(\w+)\}")


class Finding(BaseModel):
    """A rule that speaks against a message.

    `found` is what was met, `lacks` what is missing: words of the template or names of facts, never a
    borrower's data. `forbids` is false for what only deserves a look.
    """

    model_config = ConfigDict(frozen=True)

    rule: str
    source: str
    evidence: Evidence
    text: str
    part: Part
    found: str | None = None
    lacks: str | None = None
    forbids: bool = True

    def __str__(self) -> str:
        about = f"{self.part} says {self.found!r}" if self.found else f"{self.part} lacks {self.lacks}"
        return f"{self.rule}: {about}. {self.text} ({self.source}; evidence: {self.evidence})"


class ContentBook:
    """All content rules of a profile. Raises ValueError for a rule whose phrases cannot be read."""

    def __init__(
        self, packs: Iterable[ContentPack], vocabulary: dict[str, WordList], profile: Profile = Profile.STRICT
    ) -> None:
        by_country = {pack.country: pack for pack in packs}
        self._everywhere = by_country.pop(EVERYWHERE, None)
        self._packs = by_country
        self.profile = profile
        self._phrases: dict[str, Phrases | None] = {}
        for pack in (*self._packs.values(), *([self._everywhere] if self._everywhere else [])):
            for forbidden in pack.forbidden:
                self._phrases[forbidden.id] = phrases_of(forbidden, vocabulary)
            for required in pack.required:
                self._phrases[required.id] = phrases_of(required, vocabulary)

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(sorted(self._packs))

    def pack(self, market: str) -> ContentPack | None:
        return self._packs.get(market)

    def version(self, market: str) -> str:
        pack = self._packs.get(market)
        return "none" if pack is None else pack.version

    def rules(self, market: str) -> tuple[Rule, ...]:
        """Every rule that can speak in a market in this profile, its own first."""
        packs = [pack for pack in (self._packs.get(market), self._everywhere) if pack is not None]
        return tuple(rule for pack in packs for rule in pack.rules if rule.profile in (None, self.profile))

    def holding(self, circumstances: Circumstances) -> tuple[Rule, ...]:
        """The rules that hold in these circumstances; a market's own rule silences the general one on its topic."""
        own = self._packs.get(circumstances.market)
        holding = [rule for rule in self.rules(circumstances.market) if _holds(rule, circumstances)]
        if own is None:
            return tuple(holding)
        ours = {rule.id for rule in own.rules}
        taken = {(type(rule), rule.topic) for rule in holding if rule.id in ours}
        return tuple(rule for rule in holding if rule.id in ours or (type(rule), rule.topic) not in taken)

    def phrases(self, rule: ForbiddenRule | RequiredRule) -> Phrases | None:
        return self._phrases[rule.id]


def check_content(
    wording: Wording,
    circumstances: Circumstances,
    facts: Facts,
    book: ContentBook,
    *,
    authored: Wording | None = None,
    topics: frozenset[str] | None = None,
) -> tuple[Finding, ...]:
    """Everything that speaks against sending `wording`, the market's own rules first; empty when nothing does.

    `authored` is the same message with stand-ins for the borrower's own values (name, reference, link):
    forbidden phrases are looked for in it, so that nobody's surname is taken for a threat. `topics`: only these are
    looked at, as for a line that is no message by itself.
    A market without a pack is refused: what must be said there is not known.
    """
    if book.pack(circumstances.market) is None:
        return (_unknown_market(circumstances.market),)
    names = (*facts.creditor, *facts.agency)
    said = [(part, readings(text)) for part, text in (authored or wording).parts()]
    said += [(Part.SENDER, readings(name)) for name in names]
    parts = [(part, text) for part, text in wording.parts() if part is not Part.SUBJECT]
    findings: list[Finding] = []
    for rule in book.holding(circumstances):
        if topics is not None and rule.topic not in topics:
            continue
        if isinstance(rule, ForbiddenRule):
            findings += _said(rule, said, book)
        elif isinstance(rule, RequiredRule):
            findings += _missing(rule, parts, facts, book)
    return tuple(findings)


def notice(circumstances: Circumstances, facts: Facts, language: str, book: ContentBook) -> str | None:
    """The lines that law asks this sender to add here, in `language`; None when there are none.

    A notice that is not written in the language is given in the market's first language that it has.
    """
    pack = book.pack(circumstances.market)
    spoken = () if pack is None else pack.languages
    said: list[str] = []
    for rule in book.holding(circumstances):
        if isinstance(rule, Notice):
            chosen = next((each for each in (language, *spoken, *rule.sentences) if each in rule.sentences), language)
            said += (line for each in rule.sentences[chosen] if (line := _filled(each, facts)) is not None)
    return " ".join(said) or None


def facts_of(sentence: str) -> tuple[str, ...]:
    """The names of the facts a notice's sentence holds."""
    return tuple(_FACT.findall(sentence))


def _filled(sentence: str, facts: Facts) -> str | None:
    for name in facts_of(sentence):
        values = facts.of(Need(name))
        if not values:
            return None
        sentence = sentence.replace(f"{{{name}}}", values[0])
    return sentence


def _holds(rule: Rule, circumstances: Circumstances) -> bool:
    bound = (
        circumstances.actor in rule.binds
        and circumstances.channel in rule.channels
        and circumstances.purpose in rule.purposes
    )
    return bound and _is_so(rule, circumstances)


def _is_so(rule: Rule, circumstances: Circumstances) -> bool:
    match rule.when:
        case When.ALWAYS:
            return True
        case When.FIRST_CONTACT:
            return not circumstances.told & rule.purposes
        case When.LATER_CONTACT:
            return bool(circumstances.told & rule.purposes)
        case When.DISPUTED:
            return circumstances.disputed
        case When.OLD_DEBT:
            age = circumstances.debt_age_years
            return age is None or age >= (rule.years or 0)
        case When.NO_PROMOTION_CONSENT:
            return not circumstances.promotion_consent


def _said(rule: ForbiddenRule, parts: Iterable[tuple[Part, tuple[str, ...]]], book: ContentBook) -> Iterator[Finding]:
    phrases = book.phrases(rule)
    assert phrases is not None
    for part, found_readings in parts:
        if part in rule.parts and (found := phrases.find_in(found_readings)) is not None:
            yield _finding(rule, part, found=found, forbids=not rule.warns)


def _missing(
    rule: RequiredRule, parts: Iterable[tuple[Part, str]], facts: Facts, book: ContentBook
) -> Iterator[Finding]:
    phrases = book.phrases(rule)
    for part, text in parts:
        lacking = [_need_words(need, facts) for need in rule.needs if not _shows(text, facts.of(need))]
        if phrases is not None and phrases.find(text) is None:
            lacking.append(f"words such as {_example(rule)}" if rule.words else f"{rule.topic.replace('_', ' ')}")
        if lacking:
            yield _finding(rule, part, lacks=", ".join(lacking))


def _shows(text: str, spellings: tuple[str, ...]) -> bool:
    """Whether a fact stands in the text. A name inside a web or mail address names nobody."""
    for spelling in spellings:
        words = words_only(spelling)
        where = text if _ADDRESS.search(spelling) else _ADDRESS.sub(" ", text)
        if words and f" {words} " in f" {words_only(where)} ":
            return True
    return False


def _need_words(need: Need, facts: Facts) -> str:
    name = need.value.replace("_", " ")
    return f"the {name}" if facts.of(need) else f"the {name}, which is not known"


def _example(rule: RequiredRule) -> str:
    return repr(next(phrase for words in rule.words.values() for phrase in words))


def _finding(
    rule: Rule, part: Part, *, found: str | None = None, lacks: str | None = None, forbids: bool = True
) -> Finding:
    doubt = " Not verified: the narrower reading is taken." if rule.evidence in _DOUBTFUL else ""
    return Finding(
        rule=rule.id,
        source=rule.source,
        evidence=rule.evidence,
        text=rule.text + doubt,
        part=part,
        found=found,
        lacks=lacks,
        forbids=forbids,
    )


def _unknown_market(market: str) -> Finding:
    return Finding(
        rule=UNKNOWN_MARKET,
        source="policy",
        evidence=Evidence.POLICY,
        text=f"There are no content rules for {market}, so what must and must not be said there is not known.",
        part=Part.TEXT,
        lacks="a market with rules",
    )
