"""Whatever stands in a strategy, a contact-rule pack, a mapping or a template: an error that says so, in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import jurisdictions, strategies
from config.faq import FAQ_FOLDER, FaqError, load_faq
from config.jurisdictions import JurisdictionError, load_both, load_rulebook
from config.strategies import StrategyError, load_strategy
from config.templates import TemplateError, check_template
from config.yaml_source import bomb_in
from domain.contact import Channel
from intake import PortfolioError
from intake.mapping_files import load_mapping
from tests.config.test_templates import shipped_context
from tests.nasty import TEXT, YAML_FILES, damaged, fuzzing

ROOT = Path(strategies.__file__).parent
STRATEGY = (ROOT / "strategies" / "es-microloan.yaml").read_bytes()
PACK = (jurisdictions.SHIPPED / "CL.yaml").read_bytes()
MAPPING = (ROOT / "intake" / "microlender_es.yaml").read_bytes()
QUESTIONS = (FAQ_FOLDER / "es.yaml").read_bytes()
CONTEXT = shipped_context("payment_link", Channel.SMS, "es")
LENDER = b"country: CL\ncaps:\n  - id: own\n    channels: [call]\n    count: 1\n    per: day\n"


def lender_pack(path: Path) -> None:
    load_rulebook(lender=path.parent)


def questions(path: Path) -> None:
    load_faq(path.stem, path.parent)


READERS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "strategy": (load_strategy, StrategyError),
    "pack": (load_both, JurisdictionError),
    "lender": (lender_pack, JurisdictionError),
    "mapping": (load_mapping, PortfolioError),
    "questions": (questions, FaqError),
}


def read(kind: str, folder: Path, content: bytes) -> str | None:
    """What the reader says of a file; None if it takes it. Anything but its own error goes through."""
    path = folder / "CL.yaml"
    path.write_bytes(content)
    reader, refusal = READERS[kind]
    try:
        reader(path)
    except refusal as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", READERS)
def test_bombs_nesting_and_broken_yaml_are_refused_at_once(kind: str, tmp_path: Path) -> None:
    # With a lender's pack the law's are read each time.
    for content in YAML_FILES if kind != "lender" else YAML_FILES[-3:]:
        if kind == "questions" and not content:
            continue  # A lender may have none.
        begun = time.process_time()
        assert read(kind, tmp_path, content), content[:60]
        assert time.process_time() - begun < 5, content[:60]


@fuzzing(25)
@given(content=st.binary(max_size=300) | damaged(STRATEGY))
def test_any_strategy(tmp_path: Path, content: bytes) -> None:
    assert read("strategy", tmp_path, content) != ""


@fuzzing(25)
@given(content=st.binary(max_size=300) | damaged(PACK))
def test_any_pack(tmp_path: Path, content: bytes) -> None:
    assert read("pack", tmp_path, content) != ""


@fuzzing(3)
@given(content=damaged(LENDER))
def test_any_pack_of_a_lender(tmp_path: Path, content: bytes) -> None:
    assert read("lender", tmp_path, content) != ""


@fuzzing(25)
@given(content=st.binary(max_size=300) | damaged(MAPPING))
def test_any_mapping(tmp_path: Path, content: bytes) -> None:
    assert read("mapping", tmp_path, content) != ""


@fuzzing(10)
@given(content=st.binary(max_size=300) | damaged(QUESTIONS))
def test_any_questions(tmp_path: Path, content: bytes) -> None:
    assert read("questions", tmp_path, content) != ""


@pytest.mark.parametrize("kind", READERS)
def test_a_version_of_yaml_that_is_none_is_an_error(kind: str, tmp_path: Path) -> None:
    assert read(kind, tmp_path, b"%YAML 9.9\n---\nname: one\n")


def test_aliases_that_only_repeat_are_no_bomb() -> None:
    assert bomb_in("a: &a [1, 2]\nb: *a\nc: 'five * six'\n") is None


PIECES = st.sampled_from(
    [
        "{{ name }}",
        "{% for x in range(10**9) %}x{% endfor %}",
        "{{ 'x' * 10**9 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ name.__class__.__mro__ }}",
        "{{ ''.join(['x'] * 9999999) }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ self }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{% set a = [] %}{% for x in a %}{% endfor %}",
        "{{",
        "{%",
        "{#",
        "{{ name | center(999999999) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 300 + ")" * 300 + " }}",
    ]
)


@fuzzing(40)
@given(parts=st.lists(PIECES | TEXT, min_size=1, max_size=4))
def test_any_template(tmp_path: Path, parts: list[str]) -> None:
    folder = tmp_path / "templates"
    (folder / "es").mkdir(parents=True, exist_ok=True)
    # A name of its own: what was read before is kept by name and time.
    name = f"t{time.monotonic_ns()}"
    (folder / "es" / f"{name}.sms.txt").write_text("".join(parts), encoding="utf-8", errors="replace")

    error = check_template(name, Channel.SMS, "es", CONTEXT, folder=folder)

    assert error is None or (isinstance(error, TemplateError) and str(error))
