"""Parts of settings that every world needs."""

from __future__ import annotations

from pydantic import SecretStr

from bot.sandbox import Sandbox
from bot.settings import GrantSettings, HostDefaults, HostSettings, SlackSettings
from tests.support.hosts import ACCOUNT, PASSWORD, PLAIN

NO_SLACK = SlackSettings(bot_token=SecretStr("xoxb-0"), app_token=SecretStr("xapp-0"))
"""For a world without a workspace: nobody uses these tokens."""
HOST_DEFAULTS = HostDefaults(ssl=False, username=ACCOUNT, password=SecretStr(PASSWORD))


def slack_of(sandbox: Sandbox) -> SlackSettings:
    return SlackSettings(
        api_url=sandbox.api_url, bot_token=SecretStr(sandbox.bot_token), app_token=SecretStr(sandbox.app_token)
    )


def slack_over_http(sandbox: Sandbox, port: int) -> SlackSettings:
    return SlackSettings(
        api_url=sandbox.api_url,
        bot_token=SecretStr(sandbox.bot_token),
        mode="http",
        signing_secret=SecretStr(sandbox.signing_secret),
        listen=f"127.0.0.1:{port}",
    )


def host_at(name: str, port: int) -> HostSettings:
    """A host of `support.hosts.serve`."""
    if name == PLAIN:
        return HostSettings(name=name, address="127.0.0.1", port=port, auth="basic", allow_unencrypted=True)
    return HostSettings(name=name, address="127.0.0.1", port=port)


def owners(*to: str, vms: tuple[str, ...] = ("*",)) -> GrantSettings:
    """They may do everything."""
    return GrantSettings(to=to, role="owner", vms=vms)


def viewers(*to: str, vms: tuple[str, ...] = ("*",)) -> GrantSettings:
    """They may look."""
    return GrantSettings(to=to, role="viewer", vms=vms)
