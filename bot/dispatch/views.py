"""The seam to whoever shows forms and the Home tab. All of it is plain text: whoever shows it escapes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from commands.base import Paragraph, Reply


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen. The value is an id."""

    label: str
    value: str


NOTHING = "nothing"
"""The value of an option that only says something: who chooses it has chosen nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Something to fill in. Its id stays the same while a form is drawn anew, so that what was entered stays."""

    id: str
    label: str
    hint: str = ""
    optional: bool = False
    watched: bool = False
    """The form is drawn anew when it is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Field):
    """One of many, looked for as one types."""

    chosen: Option | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Field):
    text: str = ""
    long: bool = False
    """It has several lines."""
    most: int = 3000
    """Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day(Field):
    day: str = ""
    """`2026-11-22`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Field):
    """One of a few."""

    options: tuple[Option, ...]
    chosen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(Field):
    """Some of a hundred at the most. What is chosen comes back a line each."""

    options: tuple[Option, ...]
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation(Field):
    """A channel of those that the person is in."""

    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody should know before they submit."""

    text: str
    level: Literal["info", "warning", "error"] = "warning"


@dataclass(frozen=True, slots=True)
class Form:
    """A form in front of somebody."""

    kind: str
    """What it is for: by this it is known when it comes back."""
    title: str
    submit: str
    parts: tuple[Field | Alert | Paragraph, ...]
    memory: Mapping[str, str] = field(default_factory=dict)
    """What it brings back unseen: ids, and the note that it was opened with; no secrets. It is untrusted when it comes
    back."""


@dataclass(frozen=True, slots=True)
class ViewRef:
    """A form that somebody has open, as they had it when they changed something in it."""

    id: str
    hash: str = ""


class Screen(Protocol):
    """Shows forms and the Home tab. Every method raises `ScreenError`. Safe to use from many threads."""

    def open(self, trigger_id: str, form: Form) -> None:
        """Put a form in front of whoever did what the trigger stands for, which was less than 3 seconds ago."""

    def change(self, view: ViewRef, form: Form) -> None:
        """Draw a form anew; what was entered stays. One that has changed meanwhile is left alone."""

    def publish(self, person_id: str, home: Reply) -> None:
        """Show somebody's Home tab."""


class ScreenError(Exception):
    """It could not be shown. The cause is in the text; it holds no secret."""


class NoScreen:
    """The `Screen` where there is none: what is asked for by a form is typed there."""

    def open(self, trigger_id: str, form: Form) -> None:  # noqa: ARG002 - a Screen's
        raise ScreenError("there is no screen")

    def change(self, view: ViewRef, form: Form) -> None:  # noqa: ARG002 - a Screen's
        raise ScreenError("there is no screen")

    def publish(self, person_id: str, home: Reply) -> None:  # noqa: ARG002 - a Screen's
        raise ScreenError("there is no screen")
