"""Settings of encryption: the master keys, and what of Temporal they reach."""

from __future__ import annotations

from pydantic import Field, SecretStr

from config.settings_section import LongSecret, SettingsSection


class Encryption(SettingsSection):
    """Master keys by id, base64 of 32 bytes each; `active_key` encrypts, all decrypt (docs/privacy.md).

    `payloads`: encrypt what Temporal keeps too; unset, exactly when keys are set. `temporal_ui` is the origin of the
    Web UI that may ask the web app to decode, such as `http://127.0.0.1:8233`; beside whoever has signed in and keys
    with the scope, holders of `codec_token` may ask. `person_keys_url`: the database of the people's own keys, if not
    beside the records.
    """

    keys: dict[str, SecretStr] = Field(default_factory=dict)
    active_key: str | None = None
    payloads: bool | None = None
    temporal_ui: str | None = Field(None, pattern=r"^https?://[^/]+$")
    codec_token: LongSecret | None = None
    person_keys_url: str | None = None

    @property
    def encrypts_payloads(self) -> bool:
        """Whether Temporal is to keep only ciphertext."""
        return bool(self.keys) if self.payloads is None else self.payloads
