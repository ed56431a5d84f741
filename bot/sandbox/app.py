"""The app as it is installed: what its manifest asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.sandbox.shapes import Json


@dataclass(frozen=True, slots=True)
class SlashCommand:
    command: str
    description: str = ""
    usage_hint: str = ""


@dataclass(frozen=True, slots=True)
class Shortcut:
    name: str
    callback_id: str
    type: str = "global"
    """`global` or `message`."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The app as it is installed: what its manifest asked for."""

    id: str = "A0CHECKPT"
    name: str = "Checkpoint Bot"
    bot_id: str = "B0CHECKPT"
    bot_user_id: str = "U0CHECKPT"
    bot_name: str = "checkpoint"
    commands: tuple[SlashCommand, ...] = (
        SlashCommand("/checkpoint", "Hyper-V checkpoints", "<vm> [name] | list | apply <vm> <checkpoint> | help"),
    )
    scopes: tuple[str, ...] = (
        "commands",
        "chat:write",
        "chat:write.customize",
        "users:read",
        "usergroups:read",
        "channels:read",
        "groups:read",
        "im:write",
        "files:write",
    )
    events: tuple[str, ...] = ("app_home_opened", "subteam_members_changed")
    """The bot events that it subscribed to."""
    shortcuts: tuple[Shortcut, ...] = (
        Shortcut("Take a checkpoint", "take_checkpoint", "global", "Opens a form that takes a checkpoint of a VM"),
        Shortcut("Take a checkpoint", "take_checkpoint_of_message", "message", "The same, with it as the note"),
    )
    has_home: bool = True
    """Whether its Home tab is switched on; otherwise views.publish answers not_enabled."""

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Json]) -> SlackApp:
        """The app that a manifest (version 1, as parsed from YAML or JSON) describes."""
        features, settings = manifest.get("features", {}), manifest.get("settings", {})
        return cls(
            name=manifest["display_information"]["name"],
            bot_name=features.get("bot_user", {}).get("display_name", "checkpoint").lower().replace(" ", "-"),
            commands=tuple(
                SlashCommand(one["command"], one.get("description", ""), one.get("usage_hint", ""))
                for one in features.get("slash_commands", [])
            ),
            has_home=bool(features.get("app_home", {}).get("home_tab_enabled", False)),
            shortcuts=tuple(
                Shortcut(one["name"], one["callback_id"], one.get("type", "global"), one.get("description", ""))
                for one in features.get("shortcuts", [])
            ),
            scopes=tuple(manifest["oauth_config"]["scopes"]["bot"]),
            events=tuple(settings.get("event_subscriptions", {}).get("bot_events", [])),
        )
