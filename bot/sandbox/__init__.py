"""A local Slack workspace: for the demo, for the tests, and for anyone's own tests of a Slack app."""

from bot.sandbox.demo import demo_workspace
from bot.sandbox.errors import PortTaken, SandboxError
from bot.sandbox.faults import Fault
from bot.sandbox.messages import Message, View
from bot.sandbox.methods import EVERY_SCOPE
from bot.sandbox.outcomes import Outcome
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.workspace import Channel, Shortcut, SlackApp, SlashCommand, Team, User, UserGroup, Workspace

__all__ = [
    "EVERY_SCOPE",
    "Channel",
    "Fault",
    "Message",
    "Outcome",
    "PortTaken",
    "Sandbox",
    "SandboxError",
    "Shortcut",
    "SlackApp",
    "SlashCommand",
    "Team",
    "User",
    "UserGroup",
    "View",
    "Workspace",
    "demo_workspace",
]
