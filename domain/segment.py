"""Conditions on loans, as operators write them: `dpd >= 15 and amount < 300 and city = 'Sevilla'`.

A condition is parsed by a grammar of its own and never evaluated as a program. Known fields are `FIELDS`; words such as
`and` and field names may be written in any case, and texts compare without regard to case and accents. What is not
known of a loan meets no comparison, and neither does its opposite.
"""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

LONGEST = 2000
_DEEPEST = 50


class FieldKind(StrEnum):
    NUMBER = "number"
    TEXT = "text"
    YES_NO = "yes or no"


FIELDS: Mapping[str, tuple[FieldKind, str]] = {
    "dpd": (FieldKind.NUMBER, "days past due, negative before the due date"),
    "amount": (FieldKind.NUMBER, "what is due now, in the loan's currency (300 means 300.00)"),
    "currency": (FieldKind.TEXT, "ISO 4217, such as EUR"),
    "country": (FieldKind.TEXT, "ISO 3166-1, such as ES"),
    "region": (FieldKind.TEXT, "ISO 3166-2 without the country, such as AN"),
    "city": (FieldKind.TEXT, "as the lender's file says"),
    "language": (FieldKind.TEXT, "of messages, such as es"),
    "grade": (FieldKind.TEXT, "the lender's own"),
    "stage": (FieldKind.TEXT, "pre_due, early, late, pre_legal or legal"),
    "strategy": (FieldKind.TEXT, "its name"),
    "campaign": (FieldKind.TEXT, "the campaign's id"),
    "loan": (FieldKind.TEXT, "the loan's id"),
    "consent": (FieldKind.YES_NO, "may the balance be read"),
    "phone": (FieldKind.YES_NO, "is a telephone number known"),
    "email": (FieldKind.YES_NO, "is an e-mail address known"),
}

LoanRow = Mapping[str, Decimal | str | bool | None]
"""A loan by the names of `FIELDS`: numbers as Decimal (amounts in major units), None for what is not known."""


class BadCondition(ValueError):
    """One line: what is wrong with the condition, and where."""


@dataclass(frozen=True)
class Condition:
    """A parsed condition."""

    text: str
    _test: Callable[[LoanRow], bool | None]

    def holds(self, loan: LoanRow) -> bool:
        """Whether the loan surely meets it."""
        return self._test(loan) is True


_GRAMMAR = r"""
start: either
?either: both (_OR both)*
?both: inverse (_AND inverse)*
?inverse: _NOT inverse -> opposite
        | "(" either ")"
        | test
test: NAME OPERATOR value -> compared
    | NAME _IN "(" value ("," value)* ")" -> one_of
    | NAME _NOT _IN "(" value ("," value)* ")" -> none_of
    | NAME -> bare
value: SIGNED -> number
     | STRING -> text
     | NAME -> word
_OR.2: /or\b/i
_AND.2: /and\b/i
_NOT.2: /not\b/i
_IN.2: /in\b/i
NAME: /[a-z_]+/i
OPERATOR: "<=" | ">=" | "!=" | "<>" | "==" | "=" | "<" | ">"
SIGNED: /-?\d+(\.\d+)?/
STRING: /'[^'\n]*'|"[^"\n]*"/
%ignore /[ \t\n]+/
"""
_parser = Lark(_GRAMMAR, parser="lalr", propagate_positions=False)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_Test = Callable[[LoanRow], bool | None]


def parse_condition(text: str) -> Condition:
    """The condition `text` says. Raises BadCondition."""
    if len(text) > LONGEST:
        raise BadCondition(f"the condition is longer than {LONGEST} characters")
    if text.count("(") > _DEEPEST or text.lower().count("not") > _DEEPEST:
        raise BadCondition(f"the condition nests more than {_DEEPEST} deep")
    try:
        return Condition(text, _Build().transform(_parser.parse(text)))
    except UnexpectedInput as wrong:
        raise BadCondition(_where(text, wrong)) from None
    except VisitError as wrong:
        if isinstance(wrong.orig_exc, BadCondition):
            raise wrong.orig_exc from None
        raise


def _where(text: str, wrong: UnexpectedInput) -> str:
    at = None if getattr(getattr(wrong, "token", None), "type", "") == "$END" else wrong.pos_in_stream
    if at is None or at < 0 or at >= len(text):
        return "the condition ends too early: expected a field, a value or a closing parenthesis"
    return f"cannot read the condition at character {at + 1}, {text[at : at + 20]!r}"


class _Build(Transformer[Token, _Test]):
    """Each rule becomes a test of a loan: True, False, or None where too little is known of it."""

    def start(self, parts: list[_Test]) -> _Test:
        return parts[0]

    def either(self, parts: list[_Test]) -> _Test:
        return lambda loan: _any([part(loan) for part in parts])

    def both(self, parts: list[_Test]) -> _Test:
        return lambda loan: _all([part(loan) for part in parts])

    def opposite(self, parts: list[_Test]) -> _Test:
        (part,) = parts
        return lambda loan: None if (found := part(loan)) is None else not found

    def bare(self, parts: list[Token]) -> _Test:
        name = _field(parts[0])
        if FIELDS[name][0] is not FieldKind.YES_NO:
            raise BadCondition(f"{name} stands alone: compare it, such as {name} = ...")
        return lambda loan: cast(bool | None, loan.get(name))

    def compared(self, parts: list[Any]) -> _Test:
        token, sign, given = parts
        name = _field(token)
        kind = FIELDS[name][0]
        wanted = _value(name, given)
        if kind is not FieldKind.NUMBER and sign not in ("=", "==", "!=", "<>"):
            raise BadCondition(f"{name} is a {kind}: compare it with = or !=, not {sign}")
        compare = _COMPARE[sign]
        return lambda loan: None if (found := _known(loan, name)) is None else compare(found, wanted)

    def one_of(self, parts: list[Any]) -> _Test:
        name = _field(parts[0])
        wanted = [_value(name, given) for given in parts[1:]]
        return lambda loan: None if (found := _known(loan, name)) is None else found in wanted

    def none_of(self, parts: list[Any]) -> _Test:
        return self.opposite([self.one_of(parts)])

    def number(self, parts: list[Token]) -> Decimal:
        return Decimal(parts[0])

    def text(self, parts: list[Token]) -> str:
        return parts[0][1:-1]

    def word(self, parts: list[Token]) -> bool | Token:
        told = {"true": True, "yes": True, "false": False, "no": False}.get(parts[0].lower())
        return parts[0] if told is None else told


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def _all(found: list[bool | None]) -> bool | None:
    return False if False in found else None if None in found else True


def _field(token: Token) -> str:
    name = token.lower()
    if name not in FIELDS:
        raise BadCondition(f"no field {str(token)!r}: expected one of {', '.join(FIELDS)}")
    return name


def _value(name: str, given: object) -> Decimal | str | bool:
    kind = FIELDS[name][0]
    match given:
        case bool() if kind is FieldKind.YES_NO:
            return given
        case Decimal() if kind is FieldKind.NUMBER:
            return given
        case Token():
            raise BadCondition(f"{str(given)!r} is no value: put texts in quotes, such as {name} = '{given}'")
        case str() if kind is FieldKind.TEXT:
            return folded(given)
    expected = {FieldKind.NUMBER: "a number", FieldKind.TEXT: "a text in quotes", FieldKind.YES_NO: "yes or no"}
    raise BadCondition(f"{name} is compared with {given!r}: expected {expected[kind]}")


def _known(loan: LoanRow, name: str) -> Decimal | str | bool | None:
    found = loan.get(name)
    return folded(found) if isinstance(found, str) else found


def folded(text: str) -> str:
    """Without case, accents and outer blanks: `Málaga` is `malaga`."""
    plain = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))
