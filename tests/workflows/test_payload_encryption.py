"""What a lender can rely on when Temporal is told to keep only ciphertext."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from config.encryption_settings import Encryption
from config.master_keys import BadKeys, add_to_key_file, key_file, new_key
from config.settings import Settings
from workflows.payload_encryption import CannotDecrypt, EncryptionCodec, data_converter, payload_codec
from workflows.payload_json import compact_data_converter

OLD, NEW = new_key()[1], new_key()[1]


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, encryption=Encryption.model_validate(given))  # type: ignore[call-arg]


def codec(**given: object) -> EncryptionCodec:
    found = payload_codec(settings(**given))
    assert found is not None
    return found


async def written(keys: EncryptionCodec, text: str = "100 EUR") -> Payload:
    [payload] = await keys.encode(compact_data_converter.payload_converter.to_payloads([text]))
    return payload


async def read(keys: EncryptionCodec, payload: Payload) -> object:
    return compact_data_converter.payload_converter.from_payloads(await keys.decode([payload]))[0]


async def test_nothing_of_the_value_is_left_and_it_comes_back() -> None:
    keys = codec(keys={"a": OLD})

    first, second = await written(keys), await written(keys)

    assert b"100" not in first.SerializeToString()
    assert b"json" not in first.SerializeToString()
    assert first.metadata["encryption-key-id"] == b"a"
    assert first.data != second.data
    assert await read(keys, first) == "100 EUR"


async def test_after_a_change_of_key_the_new_one_encrypts_and_both_decrypt() -> None:
    before = codec(keys={"a": OLD})
    after = codec(keys={"a": OLD, "b": NEW}, active_key="b")

    old, new = await written(before), await written(after)

    assert new.metadata["encryption-key-id"] == b"b"
    assert await read(after, old) == await read(after, new) == "100 EUR"
    with pytest.raises(CannotDecrypt, match=r"'b'.*RECOBRO_ENCRYPTION__KEYS"):
        await before.decode([new])


async def test_a_running_worker_reads_what_was_encrypted_under_a_key_that_was_added_to_the_file_since(
    tmp_path: Path,
) -> None:
    file = tmp_path / "recobro.master-keys.json"
    running = EncryptionCodec(key_file(file))
    before = await written(running)

    made = add_to_key_file(key_file(file))
    payload = await written(EncryptionCodec(key_file(file)))

    assert payload.metadata["encryption-key-id"] == made.active.encode()
    assert (await read(running, payload), await read(running, before)) == ("100 EUR", "100 EUR")
    assert (await written(running)).metadata["encryption-key-id"] == made.active.encode()


async def test_what_was_written_before_it_was_switched_on_is_read_as_it_is() -> None:
    [plain] = compact_data_converter.payload_converter.to_payloads(["100 EUR"])

    assert await read(codec(keys={"a": OLD}), plain) == "100 EUR"


@pytest.mark.parametrize("change", ["bit", "cut", "other key named"])
async def test_a_changed_payload_is_refused(change: str) -> None:
    keys = codec(keys={"a": OLD, "b": OLD}, active_key="a")
    payload = await written(keys)
    if change == "bit":
        payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    elif change == "cut":
        payload.data = payload.data[:5]
    else:
        payload.metadata["encryption-key-id"] = b"b"

    with pytest.raises(CannotDecrypt, match="changed"):
        await keys.decode([payload])


async def test_failure_messages_and_their_traces_are_encrypted_too() -> None:
    converter = data_converter(settings(keys={"a": OLD}))
    try:
        raise ApplicationError("balance 4711 of L-1 cannot be read", "detail-4712", type="BankAway")
    except ApplicationError as error:
        failure = Failure()
        await converter.encode_failure(error, failure)

    assert "4711" not in str(failure)
    assert "4712" not in str(failure)
    assert "test_payload_encryption" not in str(failure)
    told = await converter.decode_failure(failure)
    assert "balance 4711 of L-1" in str(told)


def test_it_is_on_when_keys_are_set_and_off_otherwise() -> None:
    assert payload_codec(settings()) is None
    assert payload_codec(settings(keys={"a": OLD}, payloads=False)) is None
    assert data_converter(settings()) is compact_data_converter


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"keys": {"a": "no base64!"}}, "key a: expected base64"),
        ({"keys": {"a": base64.b64encode(b"short").decode()}}, "expected 32 bytes, got 5"),
        ({"keys": {"a": OLD, "b": NEW}}, "set RECOBRO_ENCRYPTION__ACTIVE_KEY"),
        ({"keys": {"a": OLD}, "active_key": "c"}, "'c' is not among the keys"),
    ],
)
def test_keys_that_cannot_be_used_are_named_and_never_shown(given: dict[str, object], said: str) -> None:
    with pytest.raises(BadKeys, match=said) as refused:
        payload_codec(settings(**given))

    assert OLD not in str(refused.value)
    assert "no base64!" not in str(refused.value)
