"""A refusal as Slack would answer it, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from bot.slack.render.limits.values import Problem


@dataclass(frozen=True, slots=True)
class Refused:
    """Why Slack takes something not."""

    code: str
    """`error` of the answer."""
    problems: tuple[Problem, ...] = ()
    """What is wrong in detail, each with its place."""

    @property
    def messages(self) -> tuple[str, ...]:
        return tuple(str(problem) for problem in self.problems)
