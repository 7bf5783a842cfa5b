from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from domain.contact import Channel
from domain.message_names import of_whatsapp
from domain.platform_rules import Category, Quality, TemplateStatus
from domain.what_next import Reaction
from providers.errors import Effect, ProviderError, WhatNext
from providers.messaging.meta_codes import CODES, reaction_to_answer, reaction_to_failed_delivery
from providers.messaging.whatsapp_cloud import WhatsAppCloud, WhatsAppCloudSettings
from providers.ports import ApprovedTemplate, OutgoingMessage, Sent, TemplateValue
from tests.providers import official_json
from tests.providers.stand_in import AT, AT_ON_THE_WIRE, Answer, StandIn

EXAMPLES = json.loads((Path(__file__).parents[1] / "data" / "meta_examples.json").read_text("utf-8"))
SETTINGS = WhatsAppCloudSettings(
    access_token=SecretStr("EAAtoken"), business_account="4195612579", sender="106540352242922"
)
ACCEPTED = httpx.Response(
    200,
    json={
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+34600000000", "wa_id": "34600000000"}],
        "messages": [{"id": "wamid.HBgL", "message_status": "accepted"}],
    },
)
R, L, A, T, X = WhatNext.RETRY, WhatNext.LATER, WhatNext.STOP_SENDER, WhatNext.TERMINAL, WhatNext.SWITCH_CHANNEL


def messenger(*answers: Answer) -> tuple[WhatsAppCloud, StandIn]:
    side = StandIn("whatsapp_cloud_v23.json", *answers)
    return WhatsAppCloud(SETTINGS, side.client()), side


def message(**change: Any) -> OutgoingMessage:
    fields: dict[str, Any] = {
        "message_id": "m-1",
        "channel": Channel.WHATSAPP,
        "to": "+34600000000",
        "text": "Hola, tienes una cuota pendiente",
        "loan_id": "L1",
        "lender": "acme",
        "at": AT,
    }
    return OutgoingMessage(**(fields | change))


def refused(code: int, status: int = 400, **headers: str) -> httpx.Response:
    error = {"message": f"(#{code}) something", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    return httpx.Response(status, json={"error": error}, headers=headers)


async def test_free_text_goes_out_with_our_id_and_without_a_word_more_than_it_needs() -> None:
    adapter, side = messenger(ACCEPTED)

    sent = await adapter.send(message())

    assert sent == Sent(provider="meta", provider_message_id=of_whatsapp("wamid.HBgL"))
    [request] = side.requests
    assert request.url.path == "/v23.0/106540352242922/messages"
    assert (request.headers["Authorization"], request.headers["Date"]) == ("Bearer EAAtoken", AT_ON_THE_WIRE)
    assert json.loads(request.content) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+34600000000",
        "type": "text",
        "text": {"body": "Hola, tienes una cuota pendiente", "preview_url": False},
        "biz_opaque_callback_data": "m-1",
    }


@pytest.mark.parametrize("named", [True, False])
async def test_a_template_goes_out_from_the_number_chosen_with_its_language_and_values(named: bool) -> None:
    adapter, side = messenger(ACCEPTED)
    values = (TemplateValue(name="amount_due", text="123,50 €"), TemplateValue(name="loan_id", text="L1"))
    approved = ApprovedTemplate(name="cuota_1", language="es_ES", values=values, named=named)

    await adapter.send(message(approved=approved, sender="777"))

    [request] = side.requests
    assert request.url.path == "/v23.0/777/messages"
    template = json.loads(request.content)["template"]
    assert (template["name"], template["language"]["code"]) == ("cuota_1", "es_ES")
    [component] = template["components"]
    assert [value["text"] for value in component["parameters"]] == ["123,50 €", "L1"]
    assert [value.get("parameter_name") for value in component["parameters"]] == (
        ["amount_due", "loan_id"] if named else [None, None]
    )
    assert "123,50" not in repr(message(approved=approved))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": ""}, "empty"),
        ({"text": "x" * 4097}, "too_long"),
        ({"valid_until": AT}, "window_closed"),
    ],
)
async def test_what_meta_would_refuse_or_nobody_may_get_is_not_sent(change: dict[str, Any], code: str) -> None:
    adapter, side = messenger(ACCEPTED)

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message(**change))

    assert (caught.value.code, caught.value.effect, side.requests) == (code, Effect.NONE, [])


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("slow"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"x": 1}),
        refused(2, 503),
    ],
)
async def test_an_answer_that_was_lost_leaves_the_effect_open_and_nothing_can_be_looked_up(answer: Answer) -> None:
    adapter, _ = messenger(answer)
    if isinstance(answer, httpx.Response) and answer.is_success:
        side = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer))
        adapter = WhatsAppCloud(SETTINGS, side)

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message())

    assert (caught.value.what_next, caught.value.effect) == (R, Effect.UNKNOWN)
    assert not adapter.can_look_up
    assert await adapter.look_up(message(), AT, AT) is None


TABLE: list[tuple[int, WhatNext, WhatNext | None, str]] = [
    (0, A, None, ""), (190, A, None, ""), (3, A, None, ""), (10, A, None, ""), (200, A, None, ""), (299, A, None, ""),
    (4, L, None, "doubles"), (80007, L, None, "doubles"), (130429, R, None, ""), (131056, L, None, "doubles"),
    (131048, A, X, "rest_sender"), (368, A, X, "rest_sender"), (131031, A, X, "rest_sender"),
    (130497, A, X, "rest_sender"), (131016, R, None, ""), (131000, R, None, ""), (135000, R, None, ""),
    (131057, R, None, ""), (131026, T, X, "address_is_dead"), (131047, X, None, "needs_template"),
    (131049, L, X, ""), (130472, X, None, ""), (131050, T, X, "stops_marketing"), (131051, T, None, ""),
    (131021, T, None, ""), (131042, A, None, ""), (131045, A, None, ""), (131008, A, None, ""), (131009, A, None, ""),
    (132000, A, X, "stops_template"), (132012, A, X, "stops_template"), (132001, A, X, "stops_template"),
    (132007, A, X, "stops_template"), (132015, A, X, "stops_template"), (132016, A, X, "stops_template"),
    (33, A, None, ""), (100, A, None, ""), (133010, A, None, ""), (137000, T, X, ""), (999999, T, X, ""),
]  # fmt: skip
MARKS = ("doubles", "rest_sender", "stops_template", "needs_template", "stops_marketing", "address_is_dead")


@pytest.mark.parametrize(("code", "what_next", "then", "mark"), TABLE)
async def test_a_code_means_the_same_in_an_answer_and_in_a_later_status(
    code: int, what_next: WhatNext, then: WhatNext | None, mark: str
) -> None:
    adapter, _ = messenger(refused(code))

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message())

    def told(reaction: Reaction) -> tuple[object, ...]:
        return reaction.what_next, reaction.then, reaction.effect, {m for m in MARKS if getattr(reaction, m)}

    expected = (what_next, then, Effect.NONE, {mark} - {""})
    assert told(caught.value.reaction) == expected
    assert told(reaction_to_failed_delivery(code)) == expected
    assert caught.value.code == str(code)
    assert "+34600000000" not in str(caught.value)


def test_the_table_has_every_code_we_hold_a_rule_for() -> None:
    assert {*CODES} - {code for code, *_ in TABLE} == {1, 2, 131005, 132005}


async def test_no_time_that_meta_asks_for_is_cut_short() -> None:
    adapter, _ = messenger(refused(80007, 429, **{"Retry-After": "3600"}))

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message())

    assert caught.value.delay == timedelta(hours=1)
    assert CODES[131049].delay == timedelta(hours=24)
    assert reaction_to_answer(None, 500, changes_something=False).effect is Effect.NONE


async def test_templates_are_read_page_by_page_with_status_quality_and_words() -> None:
    def page(name: str, status: str, after: str | None) -> httpx.Response:
        held = {
            "name": name, "language": "es", "status": status, "category": "UTILITY", "id": "1",
            "quality_score": {"score": "YELLOW"},
            "components": [{"type": "BODY", "text": "Hola {{1}}."}, {"type": "FOOTER", "text": "BAJA"}],
        }  # fmt: skip
        paging: dict[str, Any] = {"cursors": {"before": "b", "after": after or "z"}}
        return httpx.Response(200, json={"data": [held], "paging": paging | ({"next": "https://x"} if after else {})})

    adapter, side = messenger(page("one", "APPROVED", "c2"), page("two", "PAUSED", None))

    first, second = await adapter.templates(AT)

    assert (first.name, first.status, first.category) == ("one", TemplateStatus.APPROVED, Category.UTILITY)
    assert (first.quality, first.body) == (Quality.YELLOW, "Hola {{1}}.")
    assert second.status is TemplateStatus.PAUSED
    assert [request.url.params.get("after") for request in side.requests] == [None, "c2"]


@pytest.mark.parametrize("example", EXAMPLES["messages"].values(), ids=EXAMPLES["messages"])
def test_the_official_file_takes_metas_own_examples_and_refuses_what_is_wrong(example: dict[str, Any]) -> None:
    def faults(body: dict[str, Any]) -> list[str]:
        headers = {"Authorization": "Bearer EAA", "User-Agent": "python-httpx/0.28.1"}
        request = httpx.Request("POST", "https://graph.facebook.com/v23.0/1/messages", json=body, headers=headers)
        return official_json.request_faults(request, official_json.WHATSAPP)

    assert faults(example) == []
    assert faults({**example, "to": 34}) != []
    assert faults({name: value for name, value in example.items() if name != example["type"]}) != []
