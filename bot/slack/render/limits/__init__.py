"""What Slack takes and what it refuses, as pure functions of the JSON that is sent: the linter of the sandbox and of
the renderer's tests."""

from bot.slack.render.limits.message import (
    TEXT_AT_UPDATE,
    TEXT_KEPT,
    block_problems,
    refused_attachments,
    refused_blocks,
    refused_content,
    refused_metadata,
)
from bot.slack.render.limits.refused import Refused
from bot.slack.render.limits.values import Problem, Problems
from bot.slack.render.limits.view import refused_view, view_problems

__all__ = [
    "TEXT_AT_UPDATE",
    "TEXT_KEPT",
    "Problem",
    "Problems",
    "Refused",
    "block_problems",
    "refused_attachments",
    "refused_blocks",
    "refused_content",
    "refused_metadata",
    "refused_view",
    "view_problems",
]
