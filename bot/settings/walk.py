"""Finds every value of one kind in the settings, wherever it stands: each channel, each person, each pattern."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel


def values(settings: BaseModel, kind: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Where a value of `kind` stands, and what it is: `digest.channels.0.channel`, `C0123ABCD`. A kind is one of
    `bot.settings.kinds`, such as `ChannelId`. Defaults are left out."""
    (_, mark, *_) = get_args(kind)
    yield from _of_section(settings, mark, place)


def _of_section(section: BaseModel, mark: object, place: str) -> Iterator[tuple[str, str]]:
    for name in type(section).model_fields:
        if name in section.model_fields_set:
            field = type(section).model_fields[name]
            yield from _of(field.annotation, field.metadata, getattr(section, name), mark, f"{place}{name}")


def _of(
    annotation: object, metadata: list[object], value: object, mark: object, place: str
) -> Iterator[tuple[str, str]]:
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metadata = [*metadata, *more]
    if isinstance(value, BaseModel):
        yield from _of_section(value, mark, f"{place}.")
    elif isinstance(value, str):
        if mark in metadata:
            yield place, value
    elif get_origin(annotation) in (Union, UnionType):
        for one in (kind for kind in get_args(annotation) if kind is not type(None)):
            yield from _of(one, metadata, value, mark, place)
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _of(get_args(annotation)[0], [], one, mark, f"{place}.{number}")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _of(get_args(annotation)[1], [], one, mark, f"{place}.{key}")
