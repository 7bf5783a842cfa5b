"""What campaigns came to: kept in a file as they end, carried on from it, told as a table."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from chaos.campaign import Verdict

_TOP = Path(__file__).resolve().parent.parent
_RUNS = ("activities", "chaos", "commands", "config", "domain", "intake", "portfolios", "providers", "records")
_ALSO = ("replies", "sandbox", "web", "workflows", "requirements.lock", "worker.py", "starter.py")


class CannotCarryOn(Exception):
    """The file says nothing that can be carried on from; the message says why."""


@dataclass(frozen=True)
class _Kept:
    code: str
    asked: str
    campaigns: list[Verdict]
    broken: dict[int, str]
    holds: bool
    seconds: float


_FILE = TypeAdapter(_Kept)


def code() -> str:
    """A fingerprint of everything a campaign runs, 12 hexadecimal digits: verdicts on other code are not ours."""
    digest = hashlib.sha256()
    for name in (*_RUNS, *_ALSO):
        place = _TOP / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(_TOP)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def keep(
    out: Path, of_code: str, asked: str, verdicts: Sequence[Verdict], broken: dict[int, str], seconds: float
) -> None:
    """One object: `code` (see above), `asked` (the faults), `campaigns`, `broken` (by seed), `holds`, `seconds`."""
    told = _Kept(of_code, asked, list(verdicts), broken, holds(verdicts, broken), round(seconds, 1))
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_suffix(".new")
    beside.write_bytes(_FILE.dump_json(told, indent=2) + b"\n")
    beside.replace(out)


def holds(verdicts: Sequence[Verdict], broken: dict[int, str]) -> bool:
    """Whether campaigns ran, each to its end and without a violation, and showed what they were asked for."""
    clean = bool(verdicts) and not broken and not any(one.violations or one.not_shown for one in verdicts)
    return clean and not never_possible(verdicts)


def never_possible(verdicts: Sequence[Verdict]) -> set[str]:
    """Kinds of faults that were drawn and happened in none of the campaigns: what they needed was not there."""
    happened = {kind for verdict in verdicts for kind in verdict.faults}
    return {kind for verdict in verdicts for kind in verdict.not_possible} - happened


def kept_before(out: Path, of_code: str, asked: str) -> tuple[list[Verdict], float]:
    """The verdicts in the file and the seconds they took; campaigns that broke off are not among them.

    No file: none. Raises CannotCarryOn where the file is not of this kind, or tells of other code or other faults.
    """
    try:
        text = out.read_bytes()
    except FileNotFoundError:
        return [], 0.0
    try:
        kept = _FILE.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CannotCarryOn(f"{out}: {where + ': ' if where else ''}{first['msg']}") from error
    if kept.code != of_code:
        raise CannotCarryOn(f"{out} tells of other code ({kept.code}, this is {of_code}): run without --carry-on")
    if kept.asked != asked:
        raise CannotCarryOn(f"{out} tells of other campaigns ({kept.asked}; these: {asked}): run without --carry-on")
    return kept.campaigns, kept.seconds


def table(verdicts: Sequence[Verdict], broken: dict[int, str]) -> str:
    """A line a seed, then what each check looked at over all of them, and the faults by kind."""
    lines = ["", "seed  database    loans  faults  struck  ends compared  violations  seconds"]
    for v in verdicts:
        lines.append(
            f"{v.seed:4}  {v.database:10}  {v.loans:5}  {sum(v.faults.values()):6}  {sum(v.struck.values()):6}  "
            f"{'not asked' if v.compared is None else v.compared:>13}  {len(v.violations):10}  {v.seconds:7.0f}"
        )
    lines += [f"{seed:4}  broke off: {why}" for seed, why in broken.items()]
    lines += [f"{v.seed:4}  shows nothing: {why}" for v in verdicts for why in v.not_shown]
    if verdicts:
        lines += ["", "check          looked at  violations  question"]
        for number, check in enumerate(verdicts[0].checks):
            all_of_it = [verdict.checks[number] for verdict in verdicts]
            lines.append(
                f"{check.name:13}  {sum(c.looked_at for c in all_of_it):9}  "
                f"{sum(len(c.violations) for c in all_of_it):10}  {check.question}"
            )
        lines += ["", f"faults: {_by_kind([verdict.faults for verdict in verdicts])}"]
        if any(verdict.not_possible for verdict in verdicts):
            lines += [f"not possible: {_by_kind([verdict.not_possible for verdict in verdicts])}"]
        if never := never_possible(verdicts):
            lines += [f"never happened, so nothing is shown of it: {', '.join(sorted(never))}"]
    return "\n".join(lines)


def _by_kind(counted: Sequence[dict[str, int]]) -> str:
    total: Counter[str] = Counter()
    for one in counted:
        total.update(one)
    return ", ".join(f"{kind} {number}" for kind, number in sorted(total.items()))
