"""What the pages show can be copied, and what they list is all there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands.processes import ROOT
from config.approved_templates import APPROVED_FILE, load_approved
from config.message_context import VARIABLES
from config.strategies import load_strategy
from domain.agreements.model import MESSAGES
from domain.contact import Purpose
from domain.contact_orders import ASKED, CONSENT, FUNDS, PART_RECEIPT, RECEIPT
from domain.conversation.model import REPLY
from domain.ledger_entries import LoanEnd

PAGES = ROOT / "docs"
OF_OURS = (RECEIPT, PART_RECEIPT, FUNDS, ASKED, CONSENT, REPLY, *MESSAGES)


def page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def examples(name: str, beginning: str) -> list[str]:
    """The YAML blocks of a page that begin so."""
    return [block for block in re.findall(r"```yaml\n(.*?)```", page(name), re.DOTALL) if block.startswith(beginning)]


def line_of(text: str, beginning: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(beginning))


def test_the_strategy_that_is_shown_can_be_used(tmp_path: Path) -> None:
    (shown,) = examples("strategies.md", "name:")
    file = tmp_path / "short-loans.yaml"
    file.write_text(shown, encoding="utf-8")

    assert load_strategy(file).key == "short-loans@3"


def test_the_mapping_of_a_whatsapp_template_that_is_shown_can_be_read(tmp_path: Path) -> None:
    (shown,) = examples("channels.md", "templates:")
    file = tmp_path / "mine.yaml"
    file.write_text(shown, encoding="utf-8")

    assert {text.ours.name for text in load_approved(file)} == {"recobro_payment", "recobro_payment_link"}


@pytest.mark.parametrize("taken", OF_OURS)
def test_every_name_of_our_own_contacts_is_said_and_refused(taken: str, tmp_path: Path) -> None:
    """Given a step of that name, when the strategy is read, then it is refused; and the page said so."""
    (shown,) = examples("strategies.md", "name:")
    file = tmp_path / "short-loans.yaml"
    file.write_text(shown.replace("id: late,", f"id: {taken},"), encoding="utf-8")

    with pytest.raises(ValueError, match="a name that Recobro gives to contacts of its own"):
        load_strategy(file)
    said = "agreement_..." if taken in MESSAGES else taken
    assert f"`{said}`" in page("strategies.md").split("Names that Recobro gives")[1].split("\n\n")[0]


def test_every_value_of_a_message_is_in_the_table() -> None:
    rows = "\n".join(line for line in page("strategies.md").splitlines() if line.startswith("| `"))

    assert [name for name in VARIABLES if f"`{name}`" not in rows] == []


@pytest.mark.parametrize("end", [end.value for end in LoanEnd])
def test_every_end_is_listed_where_ends_are_counted(end: str) -> None:
    listed = page("cli.md").split("`ends` (how many ended, by kind:")[1].split(")")[0]

    assert end in re.findall(r"\w+", listed)
    assert f"`{end}`" in line_of(page("rehearsals.md"), "| `ends`")


@pytest.mark.parametrize("purpose", [purpose.value for purpose in Purpose])
def test_every_purpose_is_listed_where_contacts_are_counted(purpose: str) -> None:
    assert f"`{purpose}`" in line_of(page("rehearsals.md"), "| `contacts_by_channel`")


def test_templates_at_whatsapp_that_the_changelog_names_are_in_the_mapping() -> None:
    told = set(re.findall(r"`(recobro_[a-z_]+)`", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))
    metrics = set(re.findall(r"`(recobro_[a-z_]+)`", page("metrics.md")))
    known = {text.ours.name for text in load_approved(APPROVED_FILE)}

    assert told - metrics - known == set()
    assert told & known


def test_every_release_whose_histories_are_kept_has_its_heading_in_the_changelog() -> None:
    headings = re.findall(r"^## (\d+\.\d+\.\d+) - ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert {release.parent.name for release in (ROOT / "tests/histories").glob("*/release.json")} <= set(headings)
