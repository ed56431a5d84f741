"""The commented `checkpointbot.yaml` that `checkpointbot init` writes, made from the settings themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

_TOP = """\
# Settings of Checkpoint Bot. A # right before a name marks a default or an example: take it away to set another value.
# Every setting can also come from the environment, from .env or from a folder of secrets, all of which stand above
# this file: slack.bot_token is CHECKPOINTBOT_SLACK__BOT_TOKEN there. Keep tokens and passwords there.
"""


def commented(settings: type[BaseModel]) -> str:
    """Every setting with its meaning above it, as YAML."""
    return _TOP + "\n".join(_section(settings, 0)) + "\n"


def plain(value: object) -> object:
    """A default as it is written in YAML: `10m`, `09:00`, `Europe/Paris`."""
    match value:
        case timedelta():
            value = _span(value)
        case time():
            value = f"{value:%H:%M}"
        case ZoneInfo():
            value = value.key
        case Path():
            value = str(value) if value.is_absolute() else f"./{value.as_posix()}"
        case tuple():
            value = [plain(one) for one in value]
        case dict():
            value = {name: plain(one) for name, one in value.items()}
    return value


def _section(section: type[BaseModel], depth: int) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if depth == 0:
            yield ""
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _comment(inner.__doc__ or "", depth)
            yield f"{'  ' * depth}{name}:"
            yield from _section(inner, depth + 1)
        else:
            yield from _comment(field.description or "", depth)
            yield from _setting(name, field, depth)


def _setting(name: str, field: FieldInfo, depth: int) -> Iterator[str]:
    """The line of one setting; for a list of groups, its name and an example."""
    if field.examples and isinstance(field.examples[0], dict):
        yield f"{'  ' * depth}{name}:"
        yield from (f"{'  ' * (depth + 1)}#- {_flow(example)}" for example in field.examples)
        return
    default = field.get_default(call_default_factory=True)
    value = field.examples[0] if default in (PydanticUndefined, None) and field.examples else plain(default)
    yield f"{'  ' * depth}#{name}: {_flow(value)}"


def _comment(text: str, depth: int) -> list[str]:
    margin = f"{'  ' * depth}# "
    first = text.split("\n\n", 1)[0]
    return textwrap.wrap(" ".join(first.split()), 110, initial_indent=margin, subsequent_indent=margin)


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")


def _span(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    unit, length = next((u, n) for u, n in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)) if seconds % n == 0)
    return f"{seconds // length}{unit}"
