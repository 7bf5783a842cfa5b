"""The labelled messages in the repository, and files of them that somebody writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.replies.labels import ORDER, Intent, Reason
from replies.data import KEPT, TRAINING, BadData, line_of, read_file, read_folder, read_promises


def test_every_intent_and_reason_is_trained_and_measured() -> None:
    training, kept = read_folder(TRAINING), read_folder(KEPT)

    assert len({example.text for example in training}) >= 5_000
    assert {example.intents[0] for example in training} == set(ORDER)
    assert {example.intents[0] for example in kept} == set(ORDER)
    assert {example.reason for example in training} == {None, *Reason}


def test_intents_stand_in_the_settled_order() -> None:
    for example in [*read_folder(TRAINING), *read_folder(KEPT)]:
        first, *rest = example.intents
        assert all(ORDER.index(first) < ORDER.index(other) for other in rest), example


def test_what_is_kept_apart_is_never_trained_on() -> None:
    trained = {example.text.casefold() for example in read_folder(TRAINING)}
    # One word of acknowledgement or one stop word is the same for everybody.
    kept = {example.text.casefold() for example in read_folder(KEPT) if len(example.text.split()) > 3}

    assert not kept & trained


def test_a_line_that_is_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text(
        line_of("# pago {hoy|mañana}\nno", (Intent.PROMISE_TO_PAY, Intent.HARDSHIP), Reason.JOB_LOSS, True) + "\n",
        encoding="utf-8",
    )

    (example,) = read_file(file)

    assert example.text == "pago (hoy|mañana)\nno"
    assert example.intents == (Intent.PROMISE_TO_PAY, Intent.HARDSHIP)
    assert (example.reason, example.person) == (Reason.JOB_LOSS, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hola", "one.txt:1: a message before the first heading"),
        ("== promise\nhola", "one.txt:1: 'promise' is not a valid Intent"),
        ("== other / nope\nhola", "one.txt:1: 'nope' is not a valid Reason"),
        ("== other\n{@nobody}", "one.txt:2: there is no list @nobody"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "one.txt"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(BadData, match=said):
        read_file(file)


def test_promises_kept_apart_stand_among_the_messages_kept_apart() -> None:
    promises = read_promises(KEPT)
    kept = {" ".join(example.text.split()) for example in read_folder(KEPT) if Intent.PROMISE_TO_PAY in example.intents}

    assert len(promises) > 500
    assert sum(" ".join(promise.text.split()) in kept for promise in promises) > 0.98 * len(promises)
    assert all(promise.day or promise.amount for promise in promises)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"text": "pago el viernes"}', '{"text": 1, "sent_at": "x", "country": "MX"}']
)
def test_a_bad_promise_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "one.jsonl").write_text(line + "\n", encoding="utf-8")

    with pytest.raises(
        BadData, match=r"one\.jsonl:1: expected text, sent_at, country, promise_date and promise_amount"
    ):
        read_promises(tmp_path)
