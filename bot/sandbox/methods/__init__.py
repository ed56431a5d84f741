"""The Web API's methods, one module for each family. Importing this fills the table in `bot.sandbox.calls`."""

from bot.sandbox.calls import METHODS
from bot.sandbox.methods import (
    chat,
    conversations,
    files,
    history,
    pins,
    reactions,
    scheduled,
    session,
    users,
    validate,
    views,
)

EVERY_SCOPE = tuple(
    sorted(
        {scope for one in METHODS.values() for scope in one.scopes}
        | {"commands", "chat:write.customize", "chat:write.public", "files:read"}
    )
)
"""What an app asks for that may do all that the sandbox knows: `demo_workspace(SlackApp(scopes=EVERY_SCOPE))`."""

__all__ = [
    "EVERY_SCOPE",
    "chat",
    "conversations",
    "files",
    "history",
    "pins",
    "reactions",
    "scheduled",
    "session",
    "users",
    "validate",
    "views",
]
