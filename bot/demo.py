"""The demo: simulated hosts, the Slack sandbox and the bot, in one process, over the same wires as in earnest."""

from __future__ import annotations

import secrets
import shutil
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.sandbox import Sandbox
from bot.settings import (
    AccessSettings,
    DigestChannelSettings,
    DigestSettings,
    GrantSettings,
    HostDefaults,
    HostSettings,
    Settings,
    SlackSettings,
)
from bot.wiring import Bot, make_private_folder, simulated_hosts

ACCOUNT = "CONTOSO\\svc-checkpoint"
TRIES = (
    ("/checkpoint web01 before-upgrade", "takes a checkpoint"),
    ("/checkpoint apply web01 before-upgrade", "puts web01 back to it; asks first"),
    ("/checkpoint digest", "names the stale checkpoints, with buttons"),
)
"""What the welcome and the empty page name, each with what it does."""
MARK = "checkpointbot-demo"
"""A file by which a demo knows the folder of an earlier one, so that `--fresh` throws nothing else away."""


class Demo:
    """Everything between `start` and `stop`; what happened is kept in a folder for the next time."""

    def __init__(self, data: Path, *, fresh: bool = False, port: int = 0) -> None:
        """Raises OSError when the folder cannot be used, or when `fresh` would throw away something else."""
        if fresh and data.exists():
            _throw_away(data)
        if data.exists() and any(data.iterdir()) and not (data / MARK).exists():
            raise FileExistsError(
                f"{data} is there already and holds no demo. Nothing was touched; name another with --data."
            )
        make_private_folder(data)
        (data / MARK).touch()
        self._data = data
        self._open = ExitStack()
        self._sandbox = Sandbox(port=port, data_file=data / "slack.json", suggestions=TRIES)

    @property
    def url(self) -> str:
        """The page's address."""
        return self._sandbox.url

    def start(self) -> None:
        password = secrets.token_urlsafe(24)
        ports = self._open.enter_context(simulated_hosts(self._data, ACCOUNT, password))
        self._open.enter_context(self._sandbox)
        bot = Bot(self._settings(ports, password))
        self._open.callback(bot.stop)
        bot.start()

    def stop(self) -> None:
        """End the bot, then what it talks to; the state of the hosts and of the channels is saved."""
        self._open.close()

    def _settings(self, ports: dict[str, int], password: str) -> Settings:
        everyone, owners, web = "everyone", "S0VMADMIN", "S0WEBTEAM"
        return Settings(
            slack=SlackSettings(
                api_url=self._sandbox.api_url,
                bot_token=SecretStr(self._sandbox.bot_token),
                app_token=SecretStr(self._sandbox.app_token),
            ),
            data_dir=self._data,
            host_defaults=HostDefaults(ssl=False, username=ACCOUNT, password=SecretStr(password)),
            hosts=tuple(HostSettings(name=name, address="127.0.0.1", port=port) for name, port in ports.items()),
            access=AccessSettings(
                grants=(
                    GrantSettings(to=(owners,), role="owner", vms=("*",)),
                    GrantSettings(to=(web,), role="owner", vms=("web*",)),
                    GrantSettings(to=(web,), role="operator", vms=("test*", "build*")),
                    GrantSettings(to=(everyone,), role="viewer", vms=("*",)),
                ),
                production_only=("dc*",),
            ),
            digest=DigestSettings(
                stale_after=timedelta(days=7),
                channels=(
                    DigestChannelSettings(channel="C0OPS0001", vms=("*",)),
                    DigestChannelSettings(channel="C0WEBTEAM", vms=("web*",)),
                ),
            ),
        )

    def welcome(self) -> str:
        """What to print when it runs."""
        longest = max(len(command) for command, _ in TRIES)
        tries = "\n".join(f"    {command:{longest}}    {what}" for command, what in TRIES)
        return f"""\
Checkpoint Bot is running: two simulated Hyper-V hosts, and a Slack workspace at

    {self.url}

Three things to try there, in #ops:

{tries}

State is kept in {self._data}; --fresh throws it away. Ctrl-C ends the demo."""


def _throw_away(data: Path) -> None:
    if not (data / MARK).exists():
        raise FileExistsError(f"{data} holds no demo, so --fresh does not throw it away. Nothing was touched.")
    shutil.rmtree(data)
