"""Keys in a file: a rotation by one process is known to those that run."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.master_keys import BadKeys, add_to_key_file, current, key_file
from config.warrants import Warrants


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recobro.master-keys.json"


def test_keys_that_another_process_added_are_read_and_those_that_stand_are_not_read_again(file: Path) -> None:
    running = key_file(file)
    assert current(running) is running

    made = add_to_key_file(key_file(file))

    assert current(running) == made
    assert current(made) is made
    assert set(current(running).keys) == {running.active, made.active}


def test_a_file_that_is_gone_takes_no_keys_from_who_runs(file: Path) -> None:
    running = key_file(file)

    file.unlink()

    assert current(running) is running


def test_a_file_that_is_half_written_stops_nobody_who_holds_good_keys(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = key_file(file)
    whole = file.read_text()

    file.write_text(whole[:20])

    assert current(running) is running
    assert current(running) is running
    assert [line.getMessage() for line in caplog.records] == [
        f'{file}: no key file: expected {{"active": ID, "keys": {{ID: BASE64}}}}; the keys read before stay in use'
    ]
    with pytest.raises(BadKeys):
        key_file(file)
    file.write_text(whole)
    assert current(running) == running


def test_a_file_that_may_not_be_read_stops_nobody_who_holds_good_keys(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = key_file(file)

    def forbidden(_path: Path) -> tuple[int, int, int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("config.master_keys._state", forbidden)

    assert current(running) is running
    assert [line.getMessage() for line in caplog.records] == [
        f"{file}: Permission denied; the keys read before stay in use"
    ]


def test_an_order_signed_under_the_new_key_is_believed_by_a_worker_that_runs(file: Path) -> None:
    worker = Warrants(key_file(file))
    web = Warrants(key_file(file))
    add_to_key_file(key_file(file))

    order = {"by": "luis", "role": "supervisor"}
    for signing in (Warrants(key_file(file)), web):
        assert worker.holds("loan-demo-L1", "settlement", order, signing.sign("loan-demo-L1", "settlement", order))
    assert not worker.holds("loan-demo-L2", "settlement", order, web.sign("loan-demo-L1", "settlement", order))
