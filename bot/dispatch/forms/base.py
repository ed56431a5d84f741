"""What a kind of form is: how it is drawn, and what it says when it is submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil
from typing import Literal, Protocol

from bot.dispatch.requests import Sheet
from bot.dispatch.views import Form, Option
from commands.base import Context, UsageError

CHANNEL = "channel"
"""Where a form says the channel of what it asks for: in its memory, where it was opened in one, else in this field."""


ABOUT, CHOSEN = "about", "checkpoints"
"""Where the memory says which checkpoints a form is about, by their ids, and the field in which some are chosen."""


class Mistake(Exception):
    """Something in a form is not as it must be: a sentence for each field that it is about."""

    def __init__(self, **fields: str) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Answers:
    """A form that answers a waiting card."""

    change_id: str
    word: Literal["confirm", "approve", "refuse", "cancel"]
    code: str = field(default="", repr=False)
    """The one-time code that goes with it."""
    reason: str = ""
    """Why it is refused, in the person's own words."""


@dataclass(frozen=True, slots=True)
class Each:
    """A form that says several commands. Each meets the gate by itself, and is answered by itself."""

    commands: Mapping[str, tuple[str, ...]]
    """By the checkpoint that each is about: whatever becomes of the others, it stays the same command."""


class Kind(Protocol):
    """A kind of form. Everything that it is given in a sheet is untrusted, and the context knows only what was last
    seen: neither of its methods waits for a host."""

    @property
    def name(self) -> str: ...

    def draw(self, sheet: Sheet, context: Context) -> Form:
        """The form as far as it is filled in, with what is to be known of that. Raises `UsageError` where there is
        nothing to ask any more."""

    def says(self, sheet: Sheet, context: Context) -> Sequence[str] | Each | Answers:
        """What it says when it is submitted: the words of one command or of several, or an answer. It may be asked more
        than once for one submission, so it changes nothing. Raises `Mistake`, and `UsageError`."""

    def field_of(self, error: UsageError) -> str:
        """The field that a command's refusal is about."""

    def options(self, sheet: Sheet, context: Context, text: str) -> Sequence[Option]:
        """What fits what was typed into its search."""


def channel_of(sheet: Sheet) -> str:
    return (sheet.memory or {}).get(CHANNEL) or chosen_channel(sheet)


def chosen_channel(sheet: Sheet) -> str:
    """The one that somebody chose in a form that was opened in none: Slack does not say that they are in it."""
    return "" if (sheet.memory or {}).get(CHANNEL) else sheet.values.get(CHANNEL, "")


def checkpoints_of(sheet: Sheet) -> tuple[str, ...]:
    """The ids of those that it is about, each once. They are untrusted."""
    chosen = sheet.values.get(CHOSEN, "").split("\n")
    return tuple(dict.fromkeys(id for id in ((sheet.memory or {}).get(ABOUT, "").split() + chosen) if id))


def until_the_end_of(day: str, now: datetime, zone: tzinfo, field: str) -> str:
    """The span that ends with that day, as it is typed; nothing where no day is said. Raises `Mistake` at the field."""
    if not day:
        return ""
    try:
        after = date.fromisoformat(day) + timedelta(days=1)
        left = datetime.combine(after, time(), zone).astimezone(UTC) - now
    except (ValueError, OverflowError) as error:
        raise Mistake(**{field: "That is no day."}) from error
    minutes = ceil(left.total_seconds() / 60) - 1
    if minutes <= 0:
        raise Mistake(**{field: "That day is over. Choose a later one."})
    return f"{minutes // 1440}d{minutes % 1440}m" if minutes >= 1440 else f"{minutes}m"
