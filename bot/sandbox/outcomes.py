"""How an act of a person reaches the app, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.shapes import Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one act."""

    ack_ms: float | None = None
    """Until the app acknowledged; None when it did not in time."""
    ack: Json | None = None
    """The payload of its ack: empty for a bare one."""
    error: str | None = None
    """What the person sees go wrong, as Slack's code for it."""
    trigger_id: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    """What is wrong with a form, by block_id."""
    response_url: str = ""
    again: tuple[Outcome, ...] = ()
    """What came of further deliveries of the same act."""

    @property
    def acked(self) -> bool:
        return self.ack is not None

    def as_json(self) -> Json:
        return {
            "ok": self.error is None,
            "acked": self.acked,
            "ack_ms": self.ack_ms,
            "ack": self.ack,
            "error": self.error,
            "errors": dict(self.errors),
            "trigger_id": self.trigger_id,
            "response_url": self.response_url,
            "again": [one.as_json() for one in self.again],
        }


@dataclass(frozen=True, slots=True)
class How:
    """How an act reaches the app, when not in the ordinary way."""

    times: int = 1
    """Deliveries of the same payload, at the same time."""
    team: str | None = None
    """The workspace that the payload says the person acts from; None is their own."""
    forged: bool = False
    """Send it though Slack's client would not: by one who left, from outside the channel, for what is not there."""
