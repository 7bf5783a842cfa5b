"""Strategy files: what ships can be used, and whatever is wrong with a file is told by line and field."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config.strategies import (
    STRATEGIES_FOLDER,
    StrategyError,
    find_strategy,
    list_strategies,
    load_strategy,
    read_strategy_file,
)
from domain.contact import Channel
from domain.strategy import (
    AmountThreshold,
    Conditions,
    Queue,
    ShareThreshold,
    Stage,
    Step,
    StepKind,
    Strategy,
    WholeThreshold,
)
from domain.strategy_timeline import timeline

GOOD = """\
name: small
version: 2
title: A small one
currency: EUR
languages: [es]
steps:
  - {id: hello, kind: remind, dpd: 1, at: 9:30, channels: [sms], template: missed_payment}
  - id: pay
    kind: offer_link
    after_days: 4
    channels: [email, sms]
    template: payment_link
    when: {amount_at_least: 10.10, amount_at_most: "250", consent: true}
ends: {after_days: 30}
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "small.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path) -> list[tuple[int | None, str, str]]:
    with pytest.raises(StrategyError) as refused:
        load_strategy(path)
    assert all(problem.file == str(path) for problem in refused.value.problems)
    return [(problem.line, problem.field, problem.reason) for problem in refused.value.problems]


def test_amounts_are_written_in_major_units_and_read_exactly(file: Callable[[str], Path]) -> None:
    strategy = load_strategy(file(GOOD))

    when = strategy.steps[1].when
    assert (when.amount_at_least_minor, when.amount_at_most_minor, when.consent) == (1010, 25000, True)
    assert strategy.steps[0].at.isoformat() == "09:30:00"
    assert strategy.key == "small@2"


@pytest.mark.parametrize(
    ("currency", "written", "minor"),
    [
        ("EUR", "0.1", 10),
        ("EUR", "1.15", 115),
        ("CLP", "15000", 15000),
        ("COP", "15000", 1500000),
        ("KWD", "1.005", 1005),
    ],
)
def test_an_amount_follows_its_currency(file: Callable[[str], Path], currency: str, written: str, minor: int) -> None:
    text = GOOD.replace("EUR", currency).replace("10.10", written).replace(', amount_at_most: "250"', "")

    assert load_strategy(file(text)).steps[1].when.amount_at_least_minor == minor


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("whole", WholeThreshold()),
        ("{share: 0.5}", ShareThreshold(kind="share", share=0.5)),
        ("{amount: 100}", AmountThreshold(kind="amount", amount_minor=10000)),
        ('{amount: "99.99"}', AmountThreshold(kind="amount", amount_minor=9999)),
    ],
)
def test_a_watch_waits_for_the_whole_a_share_or_an_amount(
    file: Callable[[str], Path], threshold: str, expected: object
) -> None:
    watch = f"watch: {{threshold: {threshold}, channels: [sms], template: funds_seen}}\n"

    strategy = load_strategy(file(GOOD + watch))

    assert strategy.watch is not None
    assert strategy.watch.threshold == expected


@pytest.mark.parametrize(
    "threshold",
    [
        "{share: 0}", "{share: 1.01}", "{share: .nan}", "{share: 1e-9}", "{amount: 0}", "{amount: -5}",
        "{amount: .inf}", "{}", "half", "{share: 0.5, amount: 3}", "[whole]",
    ],
)  # fmt: skip
def test_a_threshold_that_means_nothing_is_refused_on_its_line(file: Callable[[str], Path], threshold: str) -> None:
    found = problems(file(GOOD + f"watch:\n  threshold: {threshold}\n  channels: [sms]\n  template: funds_seen\n"))

    assert [(line, field.startswith("watch.threshold")) for line, field, _ in found] == [(16, True)]


def test_every_problem_of_a_file_is_told_at_once_with_its_line_and_field(file: Callable[[str], Path]) -> None:
    text = """\
name: Bad Name
version: 0
titel: x
currency: EUR
languages: [es, xx9]
steps:
  - {id: a, kind: remind, dpd: 3, channels: [sms, smss], template: nothing}
  - {id: a, kind: offer, dpd: 1, after_days: 2, channels: [sms], template: payment_lnk, at: 25:00}
  - {id: c, kind: handoff, dpd: x, queue: q, when: {amount_at_least: 1.234, stages: [foo], consent: maybe}}
  - {id: d, kind: remind, dpd: 5, channels: [sms], template: payment_link}
  - 7
watch: {threshold: whole, reads_per_day: 9, channels: [], template: funds_seen, foo: 1}
queues:
  b: {sla_hours: 0, then: e}
  c: {sla_hours: 2, then: c}
receipt: {channels: [email]}
name: again
"""

    told = [(line, field) for line, field, _ in problems(file(text))]

    found = set(told)
    assert [line for line, _ in told] == sorted(line for line, _ in told if line is not None)

    assert found == {
        (1, "name"), (1, "ends"), (2, "version"), (3, "titel"), (5, "languages[#2]"),
        (7, "steps[a].channels[#2]"), (7, "steps[a].template"),
        (8, "steps[a].at"), (8, "steps[a].after_days"), (8, "steps[a].kind"), (8, "steps[a].id"),
        (8, "steps[a].dpd"), (8, "steps[a].template"),
        (9, "steps[c].when.amount_at_least"), (9, "steps[c].when.stages[#1]"), (9, "steps[c].when.consent"),
        (9, "steps[c].dpd"), (9, "steps[c].queue"), (10, "steps[d].template"), (11, "steps[#5]"),
        (12, "watch.foo"), (12, "watch.reads_per_day"), (12, "watch.channels"),
        (14, "queues.b.sla_hours"), (14, "queues.b.then"), (15, "queues.c.then"), (16, "receipt.template"),
        (17, "name"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "line", "field", "reason"),
    [
        (("dpd: 1", "dpds: 1"), 7, "steps[hello].dpds", "unknown key; did you mean dpd?"),
        (("amount_at_least:", "amount_atleast:"), 13, "steps[pay].when.amount_atleast",
         "unknown key; did you mean amount_at_least?"),
        (("10.10", "10.105"), 13, "steps[pay].when.amount_at_least", "has more decimals than EUR"),
        (("10.10", "1e999999"), 13, "steps[pay].when.amount_at_least", "is no amount in major units"),
        (("10.10", "300"), 13, "steps[pay].when.amount_at_most", "is below amount_at_least: the step never applies"),
        (("currency: EUR\n", ""), 12, "steps[pay].when.amount_at_least", "an amount needs the strategy's currency"),
        (("EUR", "EUX"), 4, "currency", "is no currency"),
        (("9:30", "36000"), 7, "steps[hello].at", "is no time of day"),
        (("9:30", "10:00+01:00"), 7, "steps[hello].at", "is no time of day"),
        (("after_days: 4", "after_days: 400"), 10, "steps[pay].after_days", "is out of range"),
        (("after_days: 4", "after_days: 4.5"), 10, "steps[pay].after_days", "is not a whole number"),
        (("    after_days: 4\n", ""), 8, "steps[pay]", "does not say when"),
        (("    template: payment_link\n", ""), 8, "steps[pay]", "kind offer_link without template"),
        (("[email, sms]", "[email, sms, email]"), 11, "steps[pay].channels[#3]", "stands twice: email"),
        (("[email, sms]", "email"), 11, "steps[pay].channels", "is not a list such as [sms, email]"),
        (("id: pay", "id: receipt"), 8, "steps[receipt].id", "is a name that Recobro gives to contacts of its own"),
        (("id: pay", "id: notice-1"), 8, "steps[notice-1].id", "is a name that Recobro gives to contacts of its own"),
        (("id: pay", "id: agreement_link"), 8, "steps[agreement_link].id",
         "is a name that Recobro gives to contacts of its own"),
        (("version: 2", "version: two"), 2, "version", "is not a whole number"),
        (("{after_days: 30}", "30"), 14, "ends", "is no mapping"),
        (("title: A small one", "title: ''"), 3, "title", "is out of range"),
        (("languages: [es]", "languages: es"), 5, "languages", "is no list of languages"),
        (("EUR\n", "EUR\nstages: {late: 30, early: 1}\n"), 5, "stages.early",
         "starts at 1, not after the stage before it (30)"),
        (("EUR\n", "EUR\nstages: {later: 30}\n"), 5, "stages.later", "unknown key; did you mean late?"),
        (("kind: offer_link", "kind: handoff"), 8, "steps[pay]", "a handoff step has no queue"),
        (("kind: offer_link", "kind: escalate"), 8, "steps[pay]", "an escalate step has no stage"),
    ],
)  # fmt: skip
def test_one_mistake_gives_one_problem_where_it_stands(
    file: Callable[[str], Path], change: tuple[str, str], line: int, field: str, reason: str
) -> None:
    assert change[0] in GOOD

    found = problems(file(GOOD.replace(*change)))

    assert (line, field, reason) in found
    assert len(found) == 1 or "kind: " in change[0] or "currency" in change[0]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", None, "the file is empty"),
        ("name: [a\nversion: 1\n", 2, "broken YAML"),
        ("name: a\n\tversion: 1\n", 2, "broken YAML"),
        ("a: 1\n---\nb: 2\n", 2, "broken YAML"),
        ("name: \x00\n", None, "broken YAML"),
        ("- 1\n", 1, "is no mapping"),
        ("just words\n", 1, "is no mapping"),
        ("name: !!python/object/apply:os.system [ls]\n", 1, "means nothing here"),
        ("? [a, b]\n: 1\n", 1, "a key is a list or a mapping"),
        ("[" * 2000, None, "broken YAML"),
        ("a: &x [*x]\n", None, "nested more than 20 levels deep"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{n}: &{n} [{','.join([f'*{p}'] * 10)}]\n" for p, n in zip("abcdef", "bcdefg", strict=True)
        ), None, "unfolds into more than 5000 values"),
        ("#" * 70_000, None, "at most 65536"),
    ],
)  # fmt: skip
def test_broken_yaml_is_one_clear_line(file: Callable[[str], Path], text: str, line: int | None, reason: str) -> None:
    with pytest.raises(StrategyError) as refused:
        load_strategy(file(text))

    found = [each for each in refused.value.problems if reason in str(each)]
    assert len(found) == 1
    assert "\n" not in str(found[0])
    if line is not None:
        assert found[0].line == line


def test_bytes_that_are_no_text_and_files_that_are_none_are_told(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: a\ntitle: Préstamo".encode("latin-1"))

    assert problems(latin) == [(2, "", "the file is not UTF-8 text")]
    assert problems(tmp_path / "nowhere.yaml") == [(None, "", "there is no such file")]
    assert problems(tmp_path)[0][2].startswith("the file cannot be read")


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert load_strategy(path).key == "small@2"


def test_a_template_missing_in_one_language_is_told_with_channel_and_language(
    file: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "templates"
    (folder / "es").mkdir(parents=True)
    for name in ("missed_payment.sms.txt", "payment_link.sms.txt"):
        (folder / "es" / name).write_text("Hola {{ lender_name }}")
    (folder / "es" / "payment_link.email.txt").write_text("Hola\n")

    with pytest.raises(StrategyError) as refused:
        load_strategy(file(GOOD.replace("[es]", "[es, en]")), templates=folder)

    found = sorted((each.line, each.reason.split(": ")[0]) for each in refused.value.problems)
    assert found == [(7, "sms in en"), (12, "email in en"), (12, "email in es"), (12, "sms in en")]


def test_a_step_that_offers_no_link_may_not_use_a_template_that_prints_one(
    file: Callable[[str], Path],
) -> None:
    found = problems(file(GOOD.replace("template: missed_payment", "template: payment_link")))

    assert [(line, field) for line, field, _ in found] == [(7, "steps[hello].template")]
    assert "needs link_url" in found[0][2]


def test_a_loan_in_flight_finds_its_own_version_and_new_ones_the_current(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(GOOD.replace("version: 2", "version: 3"))
    (tmp_path / "small@2.yaml").write_text(GOOD)

    assert find_strategy("small", folder=tmp_path).version == 3
    assert find_strategy("small", 3, folder=tmp_path).version == 3
    assert find_strategy("small", 2, folder=tmp_path).version == 2
    assert find_strategy("small@2", folder=tmp_path).version == 2
    assert find_strategy(tmp_path / "small@2.yaml").version == 2
    assert [each.strategy.key for each in list_strategies(tmp_path)] == ["small@3", "small@2"]


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("small", 7, "small@7: there is no such version (expected one of 2, 3)"),
        ("smal", None, "smal: there is no such strategy; did you mean small? (expected one of other, small)"),
        ("../small", None, "../small: the file cannot be read|../small: there is no such file"),
        ("Small One", None, "'Small One': is no strategy name"),
        ("small@02", None, "'small@02': is no strategy name"),
        ("other", None, "name: the file holds 'small' (expected 'other')"),
    ],
)
def test_a_strategy_that_is_not_there_is_refused_with_what_there_is(
    tmp_path: Path, name: str, version: int | None, words: str
) -> None:
    (tmp_path / "small.yaml").write_text(GOOD.replace("version: 2", "version: 3"))
    (tmp_path / "small@2.yaml").write_text(GOOD)
    (tmp_path / "other.yaml").write_text(GOOD)

    with pytest.raises(StrategyError) as refused:
        find_strategy(name, version, folder=tmp_path)

    assert any(each in str(refused.value) for each in words.split("|"))


def test_an_older_file_must_hold_the_version_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "small@1.yaml").write_text(GOOD)

    with pytest.raises(StrategyError, match=re.escape("version: the file holds 2 (expected 1)")):
        find_strategy("small", 1, folder=tmp_path)


# What ships.


@pytest.mark.parametrize("path", sorted(STRATEGIES_FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_strategy_can_be_used_in_its_languages(path: Path) -> None:
    found = read_strategy_file(path)

    alone = {"latam-consumer": {"es"}, "br-consumer": {"pt"}}
    assert set(found.languages) == alone.get(path.stem.split("@")[0], {"en", "es"})
    assert found.strategy.name == path.stem.split("@")[0]
    for step in found.strategy.steps:
        assert 9 <= step.at.hour < 20
        assert set(step.channels) <= {Channel.WHATSAPP, Channel.SMS, Channel.EMAIL, Channel.CALL, Channel.POST}


def test_the_spanish_strategy_begins_before_the_due_date_and_ends_ninety_days_past_it() -> None:
    strategy = find_strategy("es-microloan")
    entries = timeline(strategy, entry_dpd=-3)

    assert [entry.dpd for entry in entries][:5] == [-3, 0, 1, 3, 7]
    assert (strategy.currency, strategy.ends.after_days) == ("EUR", 93)
    assert [step.stage for step in strategy.steps if step.kind is StepKind.ESCALATE] == [
        Stage.LATE,
        Stage.PRE_LEGAL,
    ]
    assert strategy.watch is not None
    assert (strategy.watch.threshold, strategy.watch.reads_per_day) == (WholeThreshold(), 4)
    assert strategy.queues["agents"].then == "supervisors"
    assert all(entry.day is not None and entry.day < strategy.ends.after_days for entry in entries)


@pytest.mark.parametrize("entry", [8, 23, 75, 150])
def test_the_us_strategy_is_the_same_ninety_days_wherever_a_loan_enters(entry: int) -> None:
    strategy = find_strategy("us-consumer")
    entries = timeline(strategy, entry_dpd=entry)

    assert [each.day for each in entries] == [0, 4, 7, 12, 24, 36, 50, 64, 78]
    assert not any(each.before_entry for each in entries)
    contacts = [each for each in entries if each.channels]
    assert len(contacts) == 8
    handoff = next(each for each in entries if each.kind is StepKind.HANDOFF)
    assert (handoff.day, strategy.queues[handoff.queue or ""].sla_hours) == (36, 72)
    assert (strategy.currency, strategy.ends.after_days) == ("USD", 90)
    assert strategy.watch is not None
    assert strategy.watch.reads_per_day == 2


# Whatever a file holds, it is a strategy or a list of problems.


def read_or_refused(path: Path) -> Strategy | None:
    try:
        return load_strategy(path)
    except StrategyError as refused:
        return None if refused.problems and str(refused) else pytest.fail("refused without a reason")


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_reasons(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)

    assert read_or_refused(path) is None


@settings(deadline=None)
@given(st.text(st.sampled_from("{}[]:,-&*!|>%@`\"'#?~<= \n\tab10") | st.characters(), max_size=120))
def test_any_yaml_like_text_is_refused_with_reasons(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "text.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    assert read_or_refused(path) is None


KEYS = sorted(
    {*Strategy.model_fields, *Step.model_fields, *Conditions.model_fields, *Queue.model_fields}
    | {"languages", "threshold", "share", "amount", "amount_at_least", "reads_per_day"}
)
WORDS = ["small", "EUR", "remind", "handoff", "sms", "payment_link", "whole", "early", "10:00", "1e999999"]
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
)  # fmt: skip
keys = st.sampled_from(KEYS) | st.text(max_size=4)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), trees, max_size=10))
def test_any_values_under_the_right_keys_are_refused_with_reasons(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "tree.yaml"
    with path.open("w", encoding="utf-8", errors="surrogatepass") as stream:
        YAML(typ="safe", pure=True).dump(tree, stream)

    assert read_or_refused(path) is None


SHIPPED_TEXT = {path.stem: path.read_text(encoding="utf-8") for path in STRATEGIES_FOLDER.glob("*.yaml")}


@settings(deadline=None)
@given(st.sampled_from(sorted(SHIPPED_TEXT)), st.integers(0, 4000), st.integers(0, 40), st.text(max_size=10))
def test_a_shipped_file_damaged_anywhere_is_read_or_refused_with_reasons(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, cut: int, put: str
) -> None:
    text = SHIPPED_TEXT[name]
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_bytes((text[:at] + put + text[at + cut :]).encode("utf-8", "surrogatepass"))

    strategy = read_or_refused(path)

    assert strategy is None or strategy.steps
