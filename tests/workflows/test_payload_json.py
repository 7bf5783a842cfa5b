"""What travels to Temporal without its Nones comes back as it was."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

import pytest
from pydantic import BaseModel
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

import domain.events
from activities.orders import ContactOrder
from config.strategies import find_strategy
from domain.contact import Channel, Purpose
from domain.strategy import BalanceWatch, ShareThreshold
from tests.workflows.skipping import facts, strategy
from workflows.messages import LoanInput
from workflows.payload_json import compact_data_converter

MODULES = [
    "activities.campaign_orders",
    "activities.orders",
    "workflows.campaign_messages",
    "workflows.messages",
    *(f"domain.{name}" for name in ("contact", "ledger_entries", "loan_parts", "loan_state", "loans", "strategy")),
    *(f"domain.events.{module.name}" for module in iter_modules(domain.events.__path__)),
]


def models() -> list[type[BaseModel]]:
    found = {
        value
        for name in MODULES
        for value in vars(import_module(name)).values()
        if isinstance(value, type) and issubclass(value, BaseModel)
    }
    return sorted(found, key=lambda model: f"{model.__module__}.{model.__name__}")


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_a_field_that_may_be_none_is_none_when_it_is_absent(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        if type(None) in get_args(field.annotation):
            assert not field.is_required(), f"{model.__name__}.{name}"
            assert field.get_default() is None, f"{model.__name__}.{name}"


def test_an_order_comes_back_as_it_was_and_says_nothing_of_what_it_has_not() -> None:
    order = ContactOrder(
        lender="demo",
        loan_id="L-1",
        step="first",
        occurrence=1,
        channels=(Channel.SMS,),
        template="t",
        purpose=Purpose.COLLECTION,
        with_link=False,
    )

    [payload] = compact_data_converter.payload_converter.to_payloads([order])

    assert b"null" not in payload.data
    assert compact_data_converter.payload_converter.from_payloads([payload], [ContactOrder]) == [order]


def test_what_a_plain_value_holds_is_left_alone() -> None:
    [payload] = compact_data_converter.payload_converter.to_payloads([{"kept": None}])

    assert compact_data_converter.payload_converter.from_payloads([payload]) == [{"kept": None}]


@pytest.mark.parametrize("name", ["es-microloan", "us-consumer"])
def test_a_strategy_that_travels_without_its_defaults_is_the_same_strategy(name: str) -> None:
    given = LoanInput(facts=facts(), strategy=find_strategy(name))

    [payload] = compact_data_converter.payload_converter.to_payloads([given])

    assert compact_data_converter.payload_converter.from_payloads([payload], [LoanInput]) == [given]


def test_a_threshold_of_its_own_travels_with_its_kind() -> None:
    watch = BalanceWatch(channels=(Channel.SMS,), template="t", threshold=ShareThreshold(kind="share", share=0.5))
    given = LoanInput(facts=facts(), strategy=strategy(watch=watch))

    [payload] = compact_data_converter.payload_converter.to_payloads([given])

    assert compact_data_converter.payload_converter.from_payloads([payload], [LoanInput]) == [given]


def failure_of(category: ApplicationErrorCategory) -> Failure:
    failure = Failure()
    try:
        raise ApplicationError("funds not there yet", type="FundsNotSeen", category=category)
    except ApplicationError as error:
        converter = compact_data_converter
        converter.failure_converter.to_failure(error, converter.payload_converter, failure)
    return failure


def test_what_was_expected_says_why_and_brings_no_stack_along_and_a_fault_does() -> None:
    expected, fault = failure_of(ApplicationErrorCategory.BENIGN), failure_of(ApplicationErrorCategory.UNSPECIFIED)

    assert (expected.message, expected.application_failure_info.type) == ("funds not there yet", "FundsNotSeen")
    assert expected.stack_trace == ""
    assert "failure_of" in fault.stack_trace
