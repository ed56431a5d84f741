"""The page of metrics in Prometheus' text format. It says what prometheus-client's own would, and is quicker: of the
series of a VM the labels are the same in each, and are written once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import isfinite, isnan

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

KINDS = ("counter", "gauge", "histogram")
"""What the bot has. Others have names of their own on the page."""


class Labels(dict[str, str]):
    """Labels that several series have. They are not changed."""

    @cached_property
    def text(self) -> str:
        return _labels(self)


def page(registry: Collector) -> bytes:
    return "".join(line for family in registry.collect() for line in _lines(family)).encode()


def _lines(family: Metric) -> Iterator[str]:
    assert family.type in KINDS, f"{family.name} is of a kind that this page does not have"  # noqa: S101
    name = f"{family.name}_total" if family.type == "counter" else family.name
    yield f"# HELP {name} {_escaped(family.documentation)}\n# TYPE {name} {family.type}\n"
    for sample in family.samples:
        labels, value = sample.labels, float(sample.value)
        text = labels.text if isinstance(labels, Labels) else _labels(labels)
        yield f"{sample.name}{text} {value if isfinite(value) else _odd(value)}\n"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = (f'{name}="{_quoted(labels[name])}"' for name in sorted(labels))
    return f"{{{','.join(pairs)}}}" if labels else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


def _odd(value: float) -> str:
    return "NaN" if isnan(value) else f"{value:+}".replace("inf", "Inf")
