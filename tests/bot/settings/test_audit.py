"""Where the audit stream goes: what may be set, and what is said of what may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.settings import Settings, SettingsError, load

SLACK = {"bot_token": "xoxb-1", "app_token": "xapp-1"}

NO_PLACE = "audit.stream: must be https://…, syslog+tls://…, the whole path of a file, or stdout"


def loaded(folder: Path, **audit: object) -> Settings:
    file = folder / "checkpointbot.yaml"
    file.write_text(yaml.safe_dump({"slack": SLACK, "audit": audit}), encoding="utf-8")
    return load(file, env={}, dotenv=folder / "none")


@pytest.mark.parametrize(
    "stream",
    ["https://logs.example.net:8088/in?x=1", "syslog+tls://logs.example.net", "stdout", "/var/log/audit.jsonl"],
)
def test_these_can_be_streamed_to(tmp_path: Path, stream: str) -> None:
    assert loaded(tmp_path, stream=stream).audit.stream == stream


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        ({"stream": "http://logs/"}, "audit.stream: must be encrypted on its way: https://…"),
        ({"stream": "syslog://logs"}, "audit.stream: must be encrypted on its way: syslog+tls://…"),
        ({"stream": "audit.jsonl"}, NO_PLACE),
        ({"stream": "ftp://logs/"}, NO_PLACE),
        ({"stream": "https://eve:x@logs/"}, "audit.stream: must not hold a user name or password"),
        ({"stream": "https://logs:99999/"}, "audit.stream: must have a port between 1 and 65535"),
        ({"stream": "syslog+tls://logs/in"}, "audit.stream: must be syslog+tls:// with a host and a port"),
        ({"stream": "stdout", "token": "x"}, "audit.token: is for a stream to https://… alone"),
        ({"stream": "stdout", "ca_bundle": __file__}, "audit.ca_bundle: is for a stream to https://… or syslog"),
        ({"ca_bundle": "/none"}, "audit.ca_bundle: there is no file /none"),
        ({"head": "ops"}, "audit.head: 'ops' is neither digest, none, a channel id (C0123ABCD), nor the whole path"),
        ({"steam": "stdout"}, "audit.steam: is not a setting; did you mean stream?"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(tmp_path: Path, audit: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        loaded(tmp_path, **audit)

    (problem,) = error.value.problems
    assert problem.startswith(said)


def test_the_token_is_a_secret(tmp_path: Path) -> None:
    settings = loaded(tmp_path, stream="https://logs/", token="let me in")

    assert "let me in" not in repr(settings)
