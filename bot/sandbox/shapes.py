"""The one loose type of the sandbox: Slack's own JSON objects, kept as they come and go."""

from bot.slack.render.limits.schema import objects
from bot.slack.render.limits.values import Json

__all__ = ["Json", "objects"]
