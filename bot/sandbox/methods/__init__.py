"""The Web API's methods, one module for each family. Importing this fills the table in `bot.sandbox.calls`."""

from bot.sandbox.methods import chat, conversations, files, session, users, views

__all__ = ["chat", "conversations", "files", "session", "users", "views"]
