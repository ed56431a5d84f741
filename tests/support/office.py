"""An office for the tests: simulated hosts behind real WinRM, a Slack workspace, and the bot between them.

Everything that the bot is made of is the product's own; only the hosts and the workspace are simulated, and those speak
the real wires.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self, TypedDict

from backends.base import Backend, CheckpointType, VMState
from backends.simulator.fleets.seed import Past
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import SimulatedVM
from bot.changes.execution import Timeouts
from bot.dispatch.waiting import STILL_AT_IT
from bot.ledger import ChangeRow, ChangeState, Ledger
from bot.sandbox import Channel, Message, Outcome, Sandbox, User, Workspace, demo_workspace
from bot.settings import AccessSettings, ConfirmationSettings, DigestChannelSettings, DigestSettings, Settings
from bot.slack.pace import Pace
from bot.slack.signatures import PATH
from bot.slack.socket_mode import Child
from bot.wiring import Bot
from tests.support import jobs
from tests.support.clock import Clock
from tests.support.hosts import (
    Hosts,
    serve,
    small_fleet,
)
from tests.support.receiving import Beside
from tests.support.settings import HOST_DEFAULTS, host_at, owners, slack_of, slack_over_http, viewers
from tests.support.waiting import DEADLINE, OFTEN

UNDER_WAY = (ChangeState.REQUESTED, ChangeState.QUEUED, ChangeState.RUNNING)


class MoreOfTheBot(TypedDict, total=False):
    """As `Bot` takes it."""

    backends: Mapping[str, Backend]
    timeouts: Timeouts
    receiver: Callable[[], Child]


class Office(Hosts):
    """Between `with` and its end, everything runs. There is one at a time in a process, since there is one DBOS.

    People are `ada` (may do all), `dev` (owns `web*`), `viewer` (looks at all), `newcomer` (nothing), `guest`,
    `stranger`; see `bot.sandbox.demo`. They act in `channel`.
    """

    _open: ClassVar[bool] = False

    def __init__(
        self,
        folder: Path,
        *,
        hosts: Iterable[SimulatedHost] | None = None,
        access: AccessSettings | None = None,
        confirmation: ConfirmationSettings | None = None,
        digest: DigestSettings | None = None,
        with_bot: bool = True,
        http: bool = False,
    ) -> None:
        """`folder` is where the bot keeps its data. `hosts` are those of `small_fleet` unless given. Without a bot of
        its own, it is a place for one that runs elsewhere. With `http` requests come to the bot over HTTP."""
        super().__init__(small_fleet() if hosts is None else hosts)
        self.folder = folder
        self.clock = Clock()
        self.servers = {name: serve(shell) for name, shell in self.shells.items()}
        self.sandbox = Sandbox(workspace=_workspace(), ack_timeout=DEADLINE, timeout=DEADLINE)
        self.channel = "ops"
        self._access = access or usual_access()
        self._confirmation = confirmation or ConfirmationSettings()
        self._digest = digest or usual_digests()
        self._with_bot = with_bot
        self._http = http
        self.port = free_port() if http else 0
        """Where the bot listens."""
        self._channels = itertools.count(1)
        self._running = ExitStack()
        self._bot: Bot | None = None

    # ---------------------------------------------------------------- running

    def __enter__(self) -> Self:
        if Office._open:
            raise RuntimeError("another office is open in this process, and there is one DBOS for both")
        with ExitStack() as opened:
            Office._open = True
            opened.callback(self._say_closed)
            for server in self.servers.values():
                opened.enter_context(server)
            opened.enter_context(self.sandbox)
            opened.callback(self.stop_bot)
            if self._with_bot:
                self.start_bot()
            self._running = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    @staticmethod
    def _say_closed() -> None:
        Office._open = False

    @property
    def bot(self) -> Bot:
        """The bot that runs now."""
        if self._bot is None:
            raise RuntimeError("the bot is not running")
        return self._bot

    def start_bot(self) -> None:
        pace = Pace(interval=0.02, update_interval=0.06)
        given = jobs.placed(self.settings)
        more: MoreOfTheBot = {"receiver": Beside(), **self.more_of_the_bot()}
        self._bot = Bot(given, clock=self.clock, pace=pace, seldom=OFTEN, **more)
        self._bot.start()
        for one in self.sandbox.workspace.users:  # nobody uses the bot for the first time
            self.ledger.greetings.begin(one)
        if self._http:
            self.sandbox.send_requests_to(f"http://127.0.0.1:{self.port}{PATH}")
        else:
            self.sandbox.wait_for_connections(2)

    def more_of_the_bot(self) -> MoreOfTheBot:
        """What another kind of office gives its bot beside the settings."""
        return {}

    def stop_bot(self) -> None:
        """Once the changes under way have come to their end. Harmless when it is not running."""
        if self._bot is not None:
            self.sandbox.wait_for(lambda: not any(row.state in UNDER_WAY for row in self.ledger.changes.unfinished()))
            bot, self._bot = self._bot, None
            bot.stop()

    def restart(self) -> None:
        """Another bot over the same data. Hosts and workspace go on."""
        self.stop_bot()
        self.start_bot()

    @property
    def settings(self) -> Settings:
        return Settings(
            slack=slack_over_http(self.sandbox, self.port) if self._http else slack_of(self.sandbox),
            data_dir=self.folder,
            host_defaults=HOST_DEFAULTS,
            hosts=tuple(host_at(name, server.port) for name, server in self.servers.items()),
            access=self._access,
            confirmation=self._confirmation,
            digest=self._digest,
        )

    # ---------------------------------------------------------------- people

    def type(self, who: str, text: str, *, times: int = 1, team: str | None = None, forged: bool = False) -> Outcome:
        """Type a command where everybody is; `text` begins with `/checkpoint`."""
        return self.sandbox.command(who, self.channel, text, times=times, team=team, forged=forged)

    def press(self, who: str, label: str, *, about: str = "", times: int = 1, forged: bool = False) -> Outcome:
        """Press the newest button of that label that `who` sees; with `about`, in a message that says so."""
        message = self._wait(lambda: self._newest(who, lambda m: label in m.buttons and about in m.seen))
        action_id = next(e["action_id"] for _, e in message.elements() if _label(e) == label)
        return self.sandbox.press(who, message, action_id, times=times, forged=forged)

    def press_beside(self, who: str, label: str, item: str) -> Outcome:
        """Press the button, or make the choice, of that label that belongs to the line of a list which says `item`."""
        message = self._wait(lambda: self._newest(who, lambda m: _beside(m, label, item) is not None))
        action_id, value = _beside(message, label, item) or ("", None)
        return self.sandbox.press(who, message, action_id, value=value)

    def ask(self, who: str, text: str) -> str:
        """Type a question, and read the answer to it: what came by its own response_url, or what is new for all and is
        about no change."""
        before = {message.ts for message in self.seen_by(who)}
        url = self.type(who, text).response_url

        def answers(message: Message) -> bool:
            for_all = message.ts not in before and message.ephemeral_to is None and "change " not in message.seen
            return message.seen != STILL_AT_IT and (message.answers == url or for_all)

        return self._wait(lambda: self._newest(who, answers)).seen

    def wait_for_text(self, *texts: str, who: str = "ada") -> Message:
        """The newest message that `who` sees in the channel and that says all of `texts`, once there is one."""
        return self._wait(lambda: self._newest(who, lambda m: all(text in m.seen for text in texts)))

    def seen_by(self, who: str) -> list[Message]:
        """What `who` sees in the channel, oldest first."""
        return self.sandbox.messages(self.channel, user=who)

    def move_to_a_new_channel(self) -> str:
        """Everybody, the guest too, moves to a new channel with the bot in it. Its id is given."""
        workspace = self.sandbox.workspace
        number = next(self._channels)
        made = Channel(f"C0ROOM{number:04}", f"room-{number}", [u for u in workspace.users if u != "U0FORMER1"])
        workspace.channels[made.id] = made
        self.channel = made.name
        return made.id

    def _newest(self, who: str, fits: Callable[[Message], bool]) -> Message | None:
        return next((m for m in reversed(self.seen_by(who)) if fits(m)), None)

    def _wait(self, look: Callable[[], Message | None]) -> Message:
        found = self.sandbox.wait_for(look)
        assert found is not None
        return found

    # ---------------------------------------------------------------- hosts and the record

    def add_vm(
        self,
        name: str,
        *past: Past,
        host: str = "hv01",
        state: VMState = VMState.RUNNING,
        checkpoint_type: CheckpointType = CheckpointType.PRODUCTION,
    ) -> SimulatedVM:
        """Another VM, which the bot will find: what it has seen of the fleet has grown old."""
        made = self.put(name, *past, host=host, state=state, checkpoint_type=checkpoint_type)
        self.clock.forward(seconds=10)
        return made

    @contextmanager
    def vms_of_a_test(self) -> Iterator[None]:
        """The VMs that were added within are gone at the end."""
        before = {host: set(host.vms) for host in self.hosts.values()}
        yield
        for host, known in before.items():
            with host.moment():
                for id in set(host.vms) - known:
                    del host.vms[id]

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """While this lasts, nobody answers at the host's address."""
        port = self.servers[name].port
        self.servers[name].stop()
        try:
            yield
        finally:
            self.servers[name] = serve(self.shells[name], port)
            self.servers[name].start()
            self._running.callback(self.servers[name].stop)

    @property
    def ledger(self) -> Ledger:
        return self.bot.ledger

    def newest_change(self) -> ChangeRow:
        """The last change that was asked for, refused ones too."""
        (entry,) = self.ledger.history.find(limit=1)
        row = self.ledger.changes.get(entry.change_id)
        assert row is not None
        return row


def free_port() -> int:
    """One that nobody listened at a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def usual_access() -> AccessSettings:
    return AccessSettings(
        grants=(
            owners("S0VMADMIN"),
            owners("S0WEBTEAM", vms=("web*",)),
            viewers("U0VIEWER1", "U0GUEST01", "U0STRANGE"),
        ),
        production_only=("dc*",),
    )


def usual_digests() -> DigestSettings:
    """`#web-team` and `#general` have digests, about different VMs."""
    return DigestSettings(
        channels=(
            DigestChannelSettings(channel="C0WEBTEAM", vms=("web*",)),
            DigestChannelSettings(channel="C0GENERAL", vms=("old*",)),
        )
    )


def _workspace() -> Workspace:
    made = demo_workspace()
    made.users["U0NEWCOME"] = User("U0NEWCOME", "newcomer", "Nora Comer", made.team.id, "Has no grant")
    made.channels["C0OPS0001"].members.append("U0NEWCOME")
    return made


def _label(element: object) -> str:
    return str(element["text"]["text"]) if isinstance(element, dict) and element.get("type") == "button" else ""


def _beside(message: Message, label: str, item: str) -> tuple[str, str | None] | None:
    """The action id of the first button of that label after the block that says `item`, or of the menu that has such
    a choice, with its value; None where there is none."""
    found = False
    for block in message.blocks:
        found = found or item in str(block.get("text")).replace("*", "")
        for element in [*block.get("elements", []), block.get("accessory")] if found else ():
            if _label(element) == label:
                return str(element["action_id"]), None
            for option in element.get("options", ()) if isinstance(element, dict) else ():
                if option["text"]["text"] == label:
                    return str(element["action_id"]), str(option["value"])
    return None
