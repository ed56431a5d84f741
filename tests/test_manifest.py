"""The Slack app manifest: valid, and asking for exactly what the code uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_sdk import WebClient

from bot.dispatch.shortcuts import SHORTCUTS

ROOT = Path(__file__).parent.parent

SCOPES: dict[str, set[str]] = {
    "apps_connections_open": set(),  # by the app-level token
    "auth_test": set(),
    "bots_info": {"users:read"},
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_members": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "usergroups_users_list": {"usergroups:read"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}
"""What each Web API method needs, from Slack's method reference. Direct messages are never looked up with
conversations.info, so it needs no im:read."""

LISTENERS: dict[str, set[str]] = {
    "command": {"commands"},
    "shortcut": {"commands"},
    **{kind: set[str]() for kind in ("action", "error", "event", "options", "view")},
}
"""The scopes that come with each kind of Bolt listener."""


def text(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def shape(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    properties = {**required, **optional}
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


FLAG = {"type": "boolean"}
TEXTS = {"type": "array", "items": text(100), "uniqueItems": True, "maxItems": 255}

SHORTCUT = shape(
    {
        "name": text(24),
        "type": {"enum": ["global", "message"]},
        "callback_id": text(255),
        "description": text(150),
    }
)
COMMAND = shape(
    {"command": {**text(32), "pattern": "^/[a-z0-9_-]+$"}, "description": text(2000)},
    usage_hint=text(1000),
    should_escape=FLAG,
)
MANIFEST = shape(
    {
        "display_information": shape(
            {"name": text(35)},
            description=text(140),
            long_description={"type": "string", "minLength": 174, "maxLength": 4000},
            background_color={"type": "string", "pattern": "^#([0-9a-f]{3}|[0-9a-f]{6})$"},
        )
    },
    _metadata=shape({}, major_version={"const": 1}, minor_version={"enum": [0, 1]}),
    features=shape(
        {},
        app_home=shape({}, home_tab_enabled=FLAG, messages_tab_enabled=FLAG, messages_tab_read_only_enabled=FLAG),
        bot_user=shape({"display_name": {**text(80), "pattern": "^[a-z0-9._-]+$"}}, always_online=FLAG),
        shortcuts={"type": "array", "items": SHORTCUT, "minItems": 1, "maxItems": 10},
        slash_commands={"type": "array", "items": COMMAND, "minItems": 1, "maxItems": 50},
    ),
    oauth_config=shape({}, scopes=shape({}, bot=TEXTS)),
    settings=shape(
        {},
        event_subscriptions=shape({}, bot_events=TEXTS),
        interactivity=shape({"is_enabled": FLAG}),
        org_deploy_enabled=FLAG,
        socket_mode_enabled=FLAG,
        token_rotation_enabled=FLAG,
    ),
)
"""Slack's rules for a manifest of version 1, as far as an app over Socket Mode can use it. Unknown keys are refused."""


@pytest.fixture(scope="module")
def manifest() -> Any:
    return yaml.safe_load((ROOT / "app.yaml").read_text("utf-8"))


def calls() -> Iterator[tuple[str, ast.Attribute]]:
    """Every attribute that the code of the Slack room mentions, with its file."""
    for path in sorted((ROOT / "bot" / "slack").glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                yield path.name, node


def web_api_methods() -> set[str]:
    """The Web API methods that the code uses: names that slack_sdk's client has and that are a method of the API."""
    api = {name for name in vars(WebClient) if "_" in name.strip("_") and not name.startswith("_")}
    return {node.attr for _, node in calls() if node.attr in api} - {"api_call"}


def listeners() -> set[str]:
    """The kinds of Bolt listeners that the app has."""
    called = {
        node.attr
        for file, node in calls()
        if file == "listeners.py" and isinstance(node.value, ast.Name) and node.value.id == "app"
    }
    return called - {"dispatch"}


def test_the_manifest_keeps_slacks_rules(manifest: Any) -> None:
    jsonschema.validate(manifest, MANIFEST)


@pytest.mark.parametrize("spoiled", [{"nonsense": 1}, {"display_information": {"name": "x" * 36}}, {"features": []}])
def test_the_rules_would_notice(manifest: Any, spoiled: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest, **spoiled}, MANIFEST)


def test_every_web_api_method_that_the_code_uses_has_its_scopes_listed_here() -> None:
    assert web_api_methods() == set(SCOPES)


def test_the_manifest_asks_for_exactly_the_scopes_that_are_used(manifest: Any) -> None:
    needed = set[str]().union(*(SCOPES[name] for name in web_api_methods()), *(LISTENERS[name] for name in listeners()))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed


def test_no_method_is_called_by_its_bare_name() -> None:
    """`api_call` would slip by the check of scopes."""
    assert not [file for file, node in calls() if node.attr == "api_call"]


def test_what_the_app_listens_to_is_switched_on_and_nothing_else(manifest: Any) -> None:
    assert listeners() == set(LISTENERS)
    assert [one["command"] for one in manifest["features"]["slash_commands"]] == ["/checkpoint"]
    assert [one["callback_id"] for one in manifest["features"]["shortcuts"]] == list(SHORTCUTS)
    assert manifest["settings"]["interactivity"]["is_enabled"] is True, "buttons and forms"
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True, "the bot publishes a Home tab"


def test_text_arrives_as_it_was_typed(manifest: Any) -> None:
    """Escaping would turn names into links and ids before the bot sees them."""
    assert manifest["features"]["slash_commands"][0]["should_escape"] is False


def test_deliveries_come_over_socket_mode(manifest: Any) -> None:
    assert manifest["settings"]["socket_mode_enabled"] is True


def test_people_can_read_what_the_bot_writes_to_them_directly(manifest: Any) -> None:
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True
