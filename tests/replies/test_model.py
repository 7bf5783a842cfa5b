"""A model is trained, written and read back, and nothing else is taken for one."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from domain.replies.labels import SAFETY, Intent
from replies.classify import classify, in_use, shipped
from replies.data import KEPT, Example, read_folder, read_promises
from replies.evaluation import evaluate
from replies.model import BadModel, load, save
from replies.training import train

AT = datetime(2026, 11, 27, 15, tzinfo=UTC)


def _few() -> list[Example]:
    said = {
        Intent.PROMISE_TO_PAY: ("pago mañana", "mañana deposito", "el viernes pago", "pago el lunes", "mañana pago"),
        Intent.OPT_OUT: (
            "no me escriban más",
            "no escriban",
            "ya no me escriban",
            "no escriban más",
            "no más mensajes",
        ),
        Intent.OTHER: ("jaja qué risa", "jaja", "qué risa jaja", "risa jaja", "jajaja qué risa"),
    }
    return [
        Example(text, (intent,), None, False, f"{intent}:{number}")
        for intent, texts in said.items()
        for number, text in enumerate(texts)
    ]


def test_the_same_messages_give_the_same_model_and_it_is_read_back(tmp_path: Path) -> None:
    one, other = train(_few()), train(_few())
    save(one, tmp_path / "one")
    save(other, tmp_path / "other")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    read = load(tmp_path / "one").read("mañana te pago")
    np.testing.assert_allclose(read.first, one.read("mañana te pago").first, atol=0.05)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x80\x04\x95pickle"])
def test_what_is_no_model_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "no.model"
    file.write_bytes(content)

    with pytest.raises(BadModel, match="no model of replies"):
        load(file)


@pytest.mark.long
def test_the_shipped_model_is_as_good_on_messages_kept_apart_as_it_says() -> None:
    found = evaluate(shipped(), read_folder(KEPT), read_promises(KEPT))

    assert found.figures() == shipped().model.about["measured"]
    assert found.calibration_error < 0.15
    assert {row.intent for row in found.intents} >= SAFETY


def test_a_retrained_model_is_used_once_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "replies.model"
    assert in_use(file) is shipped()

    save(train(_few()), file)

    assert in_use(file) is not shipped()
    assert in_use(file).understand("mañana pago", AT, "MX").intent is Intent.PROMISE_TO_PAY


def test_a_model_of_another_version_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "replies.model"
    save(train(_few()), file)
    with zipfile.ZipFile(file) as box:
        content = {name: box.read(name) for name in box.namelist()}
    about = json.loads(content["about.json"]) | {"form": 1}
    with zipfile.ZipFile(file, "w") as box:
        for name, raw in (content | {"about.json": json.dumps(about).encode()}).items():
            box.writestr(name, raw)

    with pytest.raises(BadModel, match="a model of form 1, this version reads form 3"):
        load(file)
    assert in_use(file) is shipped()


@pytest.mark.parametrize("text", ["", "   ", "\x00", "🤷" * 50, "a" * 20_000, "pago\n" * 900, "‮‭​"])
def test_anything_at_all_is_answered(text: str) -> None:
    said = classify(text, AT, "MX")

    assert said.intents
    assert 0.0 <= said.confidence <= 1.0


@pytest.mark.parametrize("words", ["el jueves les pago", "el viernes les pago", "El jueves pago"])
def test_a_plain_promise_is_no_refusal(words: str) -> None:
    said = classify(words, datetime(2026, 11, 28, 12, 0, tzinfo=UTC), "MX")

    assert said.intent is Intent.PROMISE_TO_PAY
    assert not said.needs_human


@pytest.mark.parametrize(
    "words",
    [
        "cual es mi saldo",
        "how much do I owe you?",
        "enterado",
        "ya pagué ayer",
        "dónde pago?",
        "cobro el martes y os lo ingreso",
    ],
)
def test_what_is_plain_needs_nobody(words: str) -> None:
    said = classify(words, AT, "MX")

    assert not said.needs_human
    assert len(said.intents) == 1
