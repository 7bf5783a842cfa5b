"""docs/metrics.md says what there is."""

from __future__ import annotations

import re

from commands.processes import ROOT
from config import metric_catalogue as catalogue
from config.metric_catalogue import Kind

PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    assert catalogue.table() in PAGE
    assert set(re.findall(r"recobro_[a-z_]+", PAGE)) == {metric.name for metric in catalogue.ALL}


def test_names_follow_prometheus_conventions_and_no_label_is_an_id() -> None:
    for metric in catalogue.ALL:
        assert re.fullmatch(r"recobro_[a-z]+(_[a-z]+)*", metric.name)
        assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER)
        assert not any(re.search(r"(^|_)(id|loan|person|name|phone|email|address)($|_)", one) for one in metric.labels)


def test_no_label_is_one_that_prometheus_gives_every_sample_itself() -> None:
    assert not {label for metric in catalogue.ALL for label in metric.labels} & {"job", "instance"}
