"""Content rules as files: the shipped ones are whole, a broken one is told with file, line and field."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.content_rules import CONTENT_FOLDER, ContentRulesError, load_content
from config.jurisdictions import load_rulebook
from domain.contact_rules.model import Basis, Evidence, Profile


def folder_with(tmp_path: Path, file: str, old: str, new: str) -> Path:
    folder = tmp_path / "content"
    shutil.copytree(CONTENT_FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def test_every_market_with_contact_rules_has_content_rules() -> None:
    assert set(load_content().markets) == set(load_rulebook().versions)


@pytest.mark.parametrize("profile", list(Profile))
def test_every_shipped_rule_says_where_it_comes_from_and_how_well_that_is_known(profile: Profile) -> None:
    book = load_content(profile=profile)

    for market in book.markets:
        for rule in book.rules(market):
            assert rule.source
            assert rule.text.endswith(".")
            assert (rule.evidence is Evidence.POLICY) <= (rule.basis is Basis.POLICY), rule.id


@pytest.mark.parametrize(
    ("file", "old", "new", "above", "told"),
    [
        ("MX.yaml", "topic: judicial", "topik: judicial", 0, "forbidden.0.topik: Extra inputs are not permitted"),
        ("MX.yaml", "[judicial]", "[judical]", 0, "forbidden.0.vocabulary.0: the vocabulary has no 'judical'"),
        ("MX.yaml", "evidence: secondary", "evidence: certain", 0, "forbidden.0.evidence: Input should be"),
        ("MX.yaml", "MX.content.judicial", "CL.content.judicial", 0, "forbidden.0.id: CL.content.judicial is of"),
        ("MX.yaml", "MX.content.jail", "MX.content.judicial", 0, "forbidden.1.id: MX.content.judicial stands twice"),
        ("MX.yaml", "country: MX", "country: CL", 0, "country: is CL"),
        ("CL.yaml", "needs: [creditor]", "needs: [lender]", 0, "required.0.needs.0: Input should be"),
        ("MX.yaml", '"Quejas: {complaints}."', '"Quejas: {complaint}."', 0, "there is no fact 'complaint'"),
        ("vocabulary.yaml", "- citatorio", "- cita* torio(", 0, "'cita* torio(' has a bracket"),
        ("vocabulary.yaml", "- citatorio", "- ... citatorio", 0, "begins or ends with a gap"),
        ("vocabulary.yaml", "- citatorio", "- ci*", 0, "'ci*' is no word"),
        ("UY.yaml", "    years: 5\n", "", 7, "forbidden.2: expected years exactly where when is old_debt"),
    ],
)
def test_a_broken_rule_is_told_with_file_line_and_field(
    tmp_path: Path, file: str, old: str, new: str, above: int, told: str
) -> None:
    """`above`: how many lines over the changed one the fault is shown."""
    line = (CONTENT_FOLDER / file).read_text(encoding="utf-8").split(old)[0].count("\n") + 1 - above
    with pytest.raises(ContentRulesError) as refused:
        load_content(folder_with(tmp_path, file, old, new))

    problems = [str(problem) for problem in refused.value.problems]
    assert any(f"{file}:{line}: " in problem and told in problem for problem in problems), problems


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "MX.yaml", "topic: judicial", "topik: judicial")
    (folder / "CL.yaml").write_text("country: CL\nname: [", encoding="utf-8")
    (folder / "CO.yaml").write_text("", encoding="utf-8")

    with pytest.raises(ContentRulesError) as refused:
        load_content(folder)

    assert {Path(problem.file).name for problem in refused.value.problems} == {"MX.yaml", "CL.yaml", "CO.yaml"}


def test_an_empty_folder_is_no_set_of_rules(tmp_path: Path) -> None:
    with pytest.raises(ContentRulesError, match=r"vocabulary\.yaml: there is no such file"):
        load_content(tmp_path)
