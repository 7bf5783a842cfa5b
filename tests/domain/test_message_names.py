"""A WhatsApp message has one name, whoever tells of it and in whichever build."""

from __future__ import annotations

import pytest

from domain.agreements.model import Evidence
from domain.conversation.model import Conversation
from domain.message_names import of_whatsapp, without_number
from tests.domain.conversation.test_answering import after, said, talking
from tests.domain.simulated_loan import START

WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="
NAME = "wa.cd3f8a33a571b9a79443e5ecf0305c85bd53bab1"


def test_a_name_is_short_the_same_each_time_and_stays_what_it_is() -> None:
    name = of_whatsapp(WAMID)

    assert (name, of_whatsapp(name)) == (NAME, NAME)
    assert of_whatsapp(WAMID.replace("A=", "B=")) != name


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (f"meta:{WAMID}", f"meta:{NAME}"),
        (f"meta:{NAME}", f"meta:{NAME}"),
        ("twilio:SM0123", "twilio:SM0123"),
        ("call:first:1", "call:first:1"),
        ("the letter of Monday", "the letter of Monday"),
    ],
)
def test_only_whatsapps_ids_have_names(told: str, kept: str) -> None:
    assert without_number(told) == kept


def test_a_message_a_loan_heard_before_the_upgrade_is_not_answered_again_when_it_is_told_by_its_name() -> None:
    state = after(talking(), said("ask_how_to_pay", channel="whatsapp", message_id=f"meta:{WAMID}"))
    assert state.conversation is not None
    began = Conversation.model_validate({**state.conversation.model_dump(), "heard": (f"meta:{WAMID}",)})
    state = state.model_copy(update={"conversation": began})

    again = after(state, said("ask_how_to_pay", channel="whatsapp", message_id=f"meta:{NAME}"))

    assert again == state
    assert again.conversation is not None
    assert again.conversation.heard == (f"meta:{NAME}",)


def test_a_yes_from_before_the_upgrade_is_told_to_the_records_by_the_messages_name() -> None:
    kept = {"at": START.isoformat(), "message_id": f"meta:{WAMID}", "text_sha256": None}

    assert Evidence.model_validate(kept).message_id == f"meta:{NAME}"
