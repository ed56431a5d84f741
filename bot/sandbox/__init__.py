"""A local Slack workspace: for the demo, for the tests, and for anyone's own tests of a Slack app."""

from bot.sandbox.demo import demo_workspace
from bot.sandbox.errors import SandboxError
from bot.sandbox.faults import Fault
from bot.sandbox.messages import Message, View
from bot.sandbox.people import Outcome
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.workspace import Channel, SlackApp, SlashCommand, Team, User, UserGroup, Workspace

__all__ = [
    "Channel",
    "Fault",
    "Message",
    "Outcome",
    "Sandbox",
    "SandboxError",
    "SlackApp",
    "SlashCommand",
    "Team",
    "User",
    "UserGroup",
    "View",
    "Workspace",
    "demo_workspace",
]
