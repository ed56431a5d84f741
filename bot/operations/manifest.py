"""The manifest of the Slack app for these settings: app.yaml with their slash command, name and mode."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bot.settings import Settings
from bot.settings.kinds import Someone
from bot.settings.walk import values

NAME = "app.yaml"
SOURCES = (Path(__file__).with_name(NAME), Path(__file__).resolve().parents[2] / NAME)
"""Where it is in an installed package, and in a clone."""

GROUPS = "usergroups:read"
OPTIONAL = frozenset({GROUPS, "files:write", "groups:read"})
"""Scopes that whoever installs the app may leave out; user groups only where the settings name none. From a channel
that the bot may not look at nothing is changed, and nothing is posted there unasked, unless a grant names it: so it
needs those for public ones."""

UNKNOWN_HOST = "https://checkpointbot.example.net"
"""Stands for the address of the proxy where nobody gives it."""

LONGEST_NAME = 35

HEAD = """\
# The Slack app, by the settings. Create it at https://api.slack.com/apps, "From a manifest", and paste this page.
# Whoever installs it may leave out the scopes under bot_optional: checkpointbot doctor says what does not work without.
"""

BY_HAND = "# The app-level token (scope connections:write) is no part of it: make it under Basic Information.\n"


def text(settings: Settings, url: str = "") -> str:
    """As YAML. `url` is where Slack reaches the bot in the mode http, such as https://bot.example.net."""
    made = adapted(yaml.safe_load(source()), settings, url)
    dumped: str = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=120)
    return f"{HEAD}{'' if settings.slack.mode == 'http' else BY_HAND}{dumped}"


def source() -> str:
    """app.yaml as it stands."""
    return next(one for one in SOURCES if one.is_file()).read_text("utf-8")


def adapted(manifest: dict[str, Any], settings: Settings, url: str = "") -> dict[str, Any]:
    """The same manifest for these settings."""
    slack = settings.slack
    for command in manifest["features"]["slash_commands"]:
        command["command"] = slack.command
    if slack.label:
        info, user = manifest["display_information"], manifest["features"]["bot_user"]
        info["name"] = f"{info['name']} {slack.label}"[:LONGEST_NAME].strip()
        user["display_name"] = f"{user['display_name']}-{_plain(slack.label)}".strip("-")[:80]
    scopes = manifest["oauth_config"]["scopes"]
    may_go = [one for one in scopes["bot"] if one in optional(settings)]
    if may_go:
        scopes["bot"] = [one for one in scopes["bot"] if one not in may_go]
        scopes["bot_optional"] = [*scopes.get("bot_optional", []), *may_go]
    if slack.mode == "http":
        _over_http(manifest, f"{(url or UNKNOWN_HOST).rstrip('/')}/slack/events")
    return manifest


def optional(settings: Settings) -> frozenset[str]:
    """The scopes that may be left out with these settings."""
    return OPTIONAL - {GROUPS} if names_groups(settings) else OPTIONAL


def names_groups(settings: Settings) -> bool:
    """Whether any of the settings names a user group."""
    return any(one.startswith("S") for _, one in values(settings, Someone))


def check_url(url: str) -> str:
    """Raises ValueError for what Slack would not call."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/"):
        raise ValueError("must be an address such as https://bot.example.net: Slack calls /slack/events there")
    return url


def _over_http(manifest: dict[str, Any], address: str) -> None:
    settings = manifest["settings"]
    settings["socket_mode_enabled"] = False
    for command in manifest["features"]["slash_commands"]:
        command["url"] = address
    settings["interactivity"] |= {"request_url": address, "message_menu_options_url": address}
    if "event_subscriptions" in settings:
        settings["event_subscriptions"]["request_url"] = address


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-")
