"""The manifest for the settings: their command, their name, their mode, and what may be left out."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result
from pydantic import SecretStr

from bot.cli import main
from bot.operations import manifest
from bot.settings import AccessSettings, Settings, SlackSettings
from tests.support.settings import owners
from tests.test_manifest import FLAG, MANIFEST, TEXTS, text


def made(url: str = "", *, access: AccessSettings | None = None, **slack: Any) -> dict[str, Any]:
    given = {"bot_token": SecretStr("xoxb-1"), "app_token": SecretStr("xapp-1"), **slack}
    settings = Settings(slack=SlackSettings.model_validate(given), access=access or AccessSettings())
    loaded: dict[str, Any] = yaml.safe_load(manifest.text(settings, url))
    return loaded


def check(one: dict[str, Any]) -> None:
    """By Slack's rules, with the keys that HTTP and optional scopes need."""
    rules = deepcopy(MANIFEST)["properties"]
    address = {**text(3000), "pattern": "^https://"}
    rules["oauth_config"]["properties"]["scopes"]["properties"]["bot_optional"] = TEXTS
    rules["features"]["properties"]["slash_commands"]["items"]["properties"]["url"] = address
    settings = rules["settings"]["properties"]
    settings["interactivity"]["properties"] |= {"request_url": address, "message_menu_options_url": address}
    settings["event_subscriptions"]["properties"]["request_url"] = address
    settings["socket_mode_enabled"] = FLAG
    jsonschema.validate(one, {**MANIFEST, "properties": rules})


def test_without_settings_it_is_app_yaml_with_some_scopes_optional() -> None:
    plain, source = made(), yaml.safe_load(manifest.source())
    check(made())
    scopes, asked = plain["oauth_config"].pop("scopes"), source["oauth_config"].pop("scopes")
    assert plain == source
    both = [*scopes["bot"], *scopes["bot_optional"]]
    assert sorted(both) == sorted([*asked["bot"], *asked.get("bot_optional", [])])
    assert {"usergroups:read", "groups:read"} <= set(scopes["bot_optional"])
    assert "channels:read" in scopes["bot"]


@pytest.mark.parametrize("access", [AccessSettings(grants=(owners("S0ADMINS"),)), AccessSettings(ask=("S0ADMINS",))])
def test_user_groups_may_not_be_left_out_where_a_setting_names_one(access: AccessSettings) -> None:
    scopes = made(access=access)["oauth_config"]["scopes"]
    assert "usergroups:read" in scopes["bot"]
    assert "usergroups:read" not in scopes["bot_optional"]


def test_it_has_the_command_and_the_name_of_the_settings() -> None:
    one = made(command="/cp-lab", label="Lab (West)")
    check(one)
    assert [each["command"] for each in one["features"]["slash_commands"]] == ["/cp-lab"]
    assert one["display_information"]["name"] == "Checkpoint Bot Lab (West)"
    assert one["features"]["bot_user"]["display_name"] == "checkpoint-lab-west"


def test_over_http_every_address_is_the_bots() -> None:
    one = made("https://bot.example.net", mode="http", signing_secret=SecretStr("x"))
    check(one)
    address = "https://bot.example.net/slack/events"
    assert one["settings"]["socket_mode_enabled"] is False
    assert [each["url"] for each in one["features"]["slash_commands"]] == [address]
    assert one["settings"]["interactivity"]["request_url"] == address
    assert one["settings"]["interactivity"]["message_menu_options_url"] == address


@pytest.mark.parametrize("url", ["http://bot.example.net", "bot.example.net", "https://", "https://a.example/path"])
def test_an_address_that_slack_would_not_call_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be an address such as"):
        manifest.check_url(url)


class TestTheExecutable:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["init", "--manifest", *words])

    def test_writes_it_before_there_are_tokens(self) -> None:
        Path("checkpointbot.yaml").write_text("slack: {command: /cp-lab}\n", "utf-8")
        assert self.run().exit_code == 0
        assert "command: /cp-lab" in Path("app.yaml").read_text("utf-8")

    def test_writes_it_without_any_settings_and_overwrites_nothing(self) -> None:
        assert self.run("--into", "there").exit_code == 0
        again = self.run("--into", "there")
        assert again.exit_code == 1
        assert "is there already" in again.output

    def test_says_what_is_wrong_with_the_settings_and_the_address(self) -> None:
        assert self.run("--url", "http://x").exit_code == 2
        Path("checkpointbot.yaml").write_text("slack: {command: cp}\n", "utf-8")
        wrong = self.run()
        assert wrong.exit_code == 2
        assert "slack.command: 'cp' must be a /" in wrong.output
        assert not Path("app.yaml").exists()
