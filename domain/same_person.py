"""Whether two records, each under a customer number of its own, are of one human being, as far as they say."""

from __future__ import annotations

from dataclasses import dataclass

from domain.contact_rules.model import folded_name

_ENOUGH_WORDS = 2


@dataclass(frozen=True)
class KnownAs:
    """What a record says of who somebody is. `id_digits`: the last four of the identity document. `erased`: it said
    more once."""

    name: str | None
    id_digits: str | None
    erased: bool = False


def same_person(one: KnownAs, other: KnownAs) -> bool:
    """By equal digits or by the name; where neither record ever said anything, by what brings the two together."""
    if one.id_digits and one.id_digits == other.id_digits:
        return True
    if one.name and other.name:
        return _same_name(one.name, other.name)
    says_nothing = not any((one.name, one.id_digits, other.name, other.id_digits))
    return says_nothing and not one.erased and not other.erased


def _same_name(one: str, other: str) -> bool:
    """The same words in any order, or all of the shorter name's, two at least, in the longer."""
    fewer, more = sorted((set(folded_name(one).split()), set(folded_name(other).split())), key=len)
    return fewer == more or (len(fewer) >= _ENOUGH_WORDS and fewer < more)
