"""How Slack says no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.sandbox.shapes import Json
from bot.slack.render.limits import Refused


class SlackError(Exception):
    """A refusal with Slack's own code, which a Web API method answers as `{"ok": false, "error": code}`."""

    def __init__(
        self,
        code: str,
        *,
        messages: Sequence[str] = (),
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.messages = tuple(messages)
        """What is wrong in detail, each with a JSON pointer."""
        self.status = status
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @classmethod
    def of(cls, refused: Refused) -> SlackError:
        """What the linter of messages and views found."""
        return cls(refused.code, messages=refused.messages)

    @property
    def body(self) -> Json:
        answer: Json = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            if self.code == "invalid_blocks":
                answer["errors"] = list(self.messages)
            answer["response_metadata"] = {"messages": [f"[ERROR] {text}" for text in self.messages]}
        return answer


def check(refused: Refused | None) -> None:
    """Raises `SlackError` where the linter found something."""
    if refused is not None:
        raise SlackError.of(refused)


class PortTaken(OSError):
    """The port that the sandbox was to listen on cannot be had."""


class SandboxError(Exception):
    """Somebody asked the sandbox for what a person could not do in Slack, or for what is not there."""
