"""Meta's own examples of its webhooks, and what it tells of our templates and numbers."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from domain.message_names import of_whatsapp
from domain.platform_rules import Category, Quality, TemplateStatus
from domain.webhook_news import (
    DeliveryNews,
    DeliveryState,
    Ignored,
    InboundNews,
    MediaNews,
    NumberChanged,
    SenderNews,
    TemplateNews,
)
from providers.webhooks import meta
from providers.webhooks.refused import WebhookRefused
from providers.webhooks.whatsapp_numbers import spellings

EXAMPLES = json.loads((Path(__file__).parents[1] / "data" / "meta_examples.json").read_text("utf-8"))["webhooks"]
PERSON = "+16505551234"
EXPECTED: dict[str, tuple[type[object], str, str]] = {
    "Text Message": (InboundNews, "text", "Does it come in another color?"),
    "Text Message with Context (Product Inquiry)": (InboundNews, "text", "Is this still available?"),
    "Text Message from Click to WhatsApp Ad": (InboundNews, "text", ""),
    "Reaction Message": (InboundNews, "reaction", ""),
    "Image Message": (MediaNews, "image", "Taj Mahal"),
    "Location Message": (InboundNews, "location", ""),
    "Contact Sharing Message": (InboundNews, "contacts", ""),
    "Unsupported Message": (InboundNews, "unsupported", ""),
    "Button Message": (InboundNews, "button", "Unsubscribe"),
    "Interactive List Reply Message": (InboundNews, "interactive", "Priority Mail Express"),
    "Interactive Button Reply Message": (InboundNews, "interactive", "Cancel"),
    "Order Message": (InboundNews, "order", ""),
    "System Message": (NumberChanged, "", ""),
    "Group Create Message": (Ignored, "change:group_lifecycle_update", ""),
    "Group Settings Update": (Ignored, "change:group_settings_update", ""),
    "Group Remove Participants": (Ignored, "change:group_participants_update", ""),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_metas_own_examples_are_understood(name: str) -> None:
    kind, word, text = EXPECTED[name]

    (news,) = meta.parse(json.dumps(EXAMPLES[name]).encode())

    assert type(news) is kind
    if isinstance(news, InboundNews):
        assert (news.kind, news.sender_address) == (word, PERSON)
        assert news.text == text or name.endswith("Ad")
        assert PERSON not in repr(news)
    elif isinstance(news, NumberChanged):
        assert news.address == PERSON
        assert PERSON not in repr(news)
    else:
        assert isinstance(news, Ignored)
        assert (news.kind, news.needs_person) == (word, True)
    if isinstance(news, MediaNews):
        assert (news.media_id, news.mime_type) == ("1003383421387256", "image/jpeg")


def told(field: str, **value: Any) -> Any:
    change = {"field": field, "value": value}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "time": 1, "changes": [change]}]}
    (news,) = meta.parse(json.dumps(body).encode())
    return news


TEMPLATE = {"message_template_name": "r_link", "message_template_language": "es_MX", "message_template_id": 1}


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("APPROVED", TemplateStatus.APPROVED), ("REINSTATED", TemplateStatus.APPROVED),
        ("FLAGGED", TemplateStatus.APPROVED), ("PAUSED", TemplateStatus.PAUSED), ("DISABLED", TemplateStatus.DISABLED),
        ("REJECTED", TemplateStatus.REJECTED), ("PENDING", TemplateStatus.PENDING),
        ("PENDING_DELETION", TemplateStatus.DELETED), ("DREAMT", TemplateStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_what_becomes_of_a_template_is_told(event: str, status: TemplateStatus) -> None:
    news = told("message_template_status_update", event=event, reason="NONE", **TEMPLATE)

    assert news == TemplateNews(provider="meta", name="r_link", language="es_MX", status=status)


def test_quality_category_and_numbers_are_told_and_what_names_nothing_is_shown_to_a_person() -> None:
    quality = told("message_template_quality_update", new_quality_score="RED", **TEMPLATE)
    category = told("template_category_update", new_category="MARKETING", **TEMPLATE)
    flagged = told("phone_number_quality_update", display_phone_number="+34 911 000 111", event="FLAGGED")
    upgraded = told(
        "phone_number_quality_update", display_phone_number="34911", event="UPGRADE", current_limit="TIER_10K"
    )

    assert (quality.quality, quality.status) == (Quality.RED, None)
    assert category.category is Category.MARKETING
    assert flagged == SenderNews(provider="meta", sender="34911000111", event="flagged", quality=Quality.RED)
    assert (upgraded.tier, upgraded.quality) == (10_000, None)
    assert told("message_template_status_update", event="APPROVED") == Ignored(
        kind="change:message_template_status_update", needs_person=True
    )


def test_a_status_brings_our_own_id_back_and_nothing_else_of_it() -> None:
    status = {"id": "wamid.x", "status": "delivered", "timestamp": "1", "recipient_id": "34600"}

    ours = told("messages", statuses=[{**status, "biz_opaque_callback_data": "0f" * 16}])
    odd = told("messages", statuses=[{**status, "biz_opaque_callback_data": "x y\n"}])

    assert isinstance(ours, DeliveryNews)
    assert (ours.message_id, ours.state) == ("0f" * 16, DeliveryState.DELIVERED)
    assert odd.message_id is None


@pytest.mark.parametrize(
    ("digits", "numbers"),
    [
        ("5215512345678", ("+525512345678", "+5215512345678")),
        ("551187654321", ("+5511987654321", "+551187654321")),
        ("5511987654321", ("+5511987654321", "+551187654321")),
        ("556199998888", ("+5561999998888", "+556199998888")),
        # A landline with eight digits is nobody's mobile, and a mobile of the newer ranges had never eight.
        ("551132345678", ("+551132345678",)),
        ("551155556666", ("+551155556666",)),
        ("5511955556666", ("+5511955556666",)),
        ("34600000000", ("+34600000000",)),
        ("5491123456789", ("+5491123456789", "+541123456789")),
        ("5492966123456", ("+5492966123456", "+542966123456")),
        # Without the 9 it is a landline, and a number too long or too short is nobody's.
        ("541123456789", ("+541123456789",)),
        ("549112345678", ("+549112345678",)),
        ("54911234567890", ("+54911234567890",)),
    ],
)
def test_a_number_is_looked_for_in_each_way_it_may_stand_in_the_records(digits: str, numbers: tuple[str, ...]) -> None:
    assert spellings(digits) == numbers


WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="


def posted(**value: Any) -> bytes:
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


def test_a_message_is_known_by_a_name_that_its_writers_number_is_not_read_out_of() -> None:
    assert b"16503879439" in base64.b64decode(WAMID.removeprefix("wamid."))
    wrote = {"from": "16503879439", "id": WAMID, "type": "text", "text": {"body": "hola"}}
    status = {"id": WAMID, "status": "read"}

    (message,) = meta.parse(posted(messages=[wrote]))
    (report,) = meta.parse(posted(statuses=[status]))
    keys = (meta.event_key(posted(messages=[wrote])), meta.event_key(posted(statuses=[status])))

    assert isinstance(message, InboundNews)
    assert isinstance(report, DeliveryNews)
    name = of_whatsapp(WAMID)
    assert len(name) < len(WAMID)
    assert (message.provider_message_id, report.provider_message_id, *keys) == (name, name, name, f"{name}:read")


@pytest.mark.parametrize(
    "more",
    [
        {"type": "text", "text": {"body": "hola"}, "context": {"from": "15550783881", "id": WAMID}},
        {"type": "button", "button": {"text": "Sí"}, "context": {"id": WAMID}},
        {"type": "reaction", "reaction": {"message_id": WAMID, "emoji": "👍"}},
    ],
)
def test_a_message_tells_which_number_of_ours_it_came_to_and_which_message_it_answers(more: dict[str, object]) -> None:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}

    (message,) = meta.parse(posted(metadata=metadata, messages=[{"from": "16503879439", "id": "wamid.2", **more}]))

    assert isinstance(message, InboundNews)
    assert (message.written_to, message.quotes) == ("106540352242922", of_whatsapp(WAMID))


@pytest.mark.parametrize("value", [{}, {"metadata": "x"}, {"metadata": {"phone_number_id": "a\nb"}}])
@pytest.mark.parametrize("context", [None, "x", {"id": 5}, {"id": ""}, {"id": "a\nb"}, {"id": "a" * 200}])
def test_what_a_message_does_not_tell_of_it_in_a_form_that_is_known_is_left_out(
    value: dict[str, object], context: object
) -> None:
    wrote = {"from": "16503879439", "id": WAMID, "type": "text", "text": {"body": "hola"}, "context": context}

    (message,) = meta.parse(posted(**value, messages=[wrote]))

    assert isinstance(message, InboundNews)
    assert (message.text, message.written_to, message.quotes) == ("hola", None, None)


def test_a_delivery_of_several_has_the_key_it_always_had() -> None:
    """Given one from before messages had names, when it comes again, then it is known for a duplicate."""
    several = posted(statuses=[{"id": WAMID, "status": "sent"}, {"id": WAMID, "status": "read"}])

    key = meta.event_key(several)

    assert key == f"all:{hashlib.sha256(f'{WAMID}:sent{chr(10)}{WAMID}:read'.encode()).hexdigest()}"


TEXT = {"type": "text", "text": {"body": "BAJA"}}
ODD_ITEMS: dict[str, dict[str, Any]] = {
    "nobody's number": {"messages": [{"id": "wamid.odd", **TEXT, "from_user_id": "ES.1"}]},
    "a word for a number": {"messages": [{"id": "wamid.odd", "from": "ana", **TEXT}]},
    "no id": {"messages": [{"from": "34600000000", **TEXT}]},
    "a status of nothing": {"statuses": [{"status": "read"}]},
}


@pytest.mark.parametrize("name", ODD_ITEMS)
@pytest.mark.parametrize("alone", [False, True])
def test_what_cannot_be_read_keeps_nobody_else_of_the_delivery_from_being_heard(name: str, alone: bool) -> None:
    """Given a delivery of several with one that names nobody, when it is read, then the others are heard and that one
    is left to a person."""
    heard = {} if alone else {"messages": [{"from": "16503879439", "id": WAMID, **TEXT}]}
    odd = ODD_ITEMS[name]
    value = {key: [*odd.get(key, []), *heard.get(key, [])] for key in ("messages", "statuses")}

    news = meta.parse(posted(**value))

    left = [one for one in news if isinstance(one, Ignored)]
    reference = of_whatsapp("wamid.odd") if "number" in name else None
    assert left == [Ignored(kind="message_unreadable", needs_person=True, reference=reference)]
    assert [one.text for one in news if isinstance(one, InboundNews)] == ([] if alone else ["BAJA"])


def test_a_system_message_without_a_number_keeps_nobody_from_being_heard() -> None:
    changed = {"type": "user_changed_user_id", "user_id": "ES.2", "previous_user_id": "ES.1"}
    system = {"id": "wamid.s", "type": "system", "system": changed, "from_user_id": "ES.2"}

    news = meta.parse(posted(messages=[system, {"from": "16503879439", "id": WAMID, **TEXT}]))

    assert [type(one) for one in news] == [Ignored, InboundNews]
    assert not getattr(news[0], "needs_person", True)


def test_who_goes_by_a_username_is_known_by_what_they_answer() -> None:
    (message,) = meta.parse(
        posted(messages=[{"id": "wamid.2", "from_user_id": "ES.1", **TEXT, "context": {"id": WAMID}}])
    )

    assert isinstance(message, InboundNews)
    assert (message.sender_address, message.other_spellings) == ("", ())
    assert (message.text, message.quotes) == ("BAJA", of_whatsapp(WAMID))


def test_deliveries_of_one_message_without_an_id_are_no_repeats_of_each_other() -> None:
    bodies = [posted(messages=[{"from": "34600000000", "type": "text", "text": {"body": text}}]) for text in "ab"]

    for body in bodies:
        with pytest.raises(WebhookRefused):
            meta.event_key(body)
