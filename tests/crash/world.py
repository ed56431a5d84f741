"""What survives a kill, the hosts and the workspace, and the bot between them, in one life after the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from pydantic import SecretStr

from backends.simulator.winrm import WinRMServer
from bot.changes.execution import Timeouts
from bot.ledger import ChangeRow, Event, Ledger, RunRow, Verdict
from bot.sandbox import Message, Sandbox
from bot.settings import AccessSettings, ConfirmationSettings, Settings
from bot.slack.render.blocks import action_of
from tests.crash.hosts import WatchedPowerShell, fleet_host
from tests.crash.life import Life, NotAlive
from tests.crash.past import SCHEDULE_ID
from tests.crash.scenarios import Scenario
from tests.support import jobs
from tests.support.hosts import serve
from tests.support.settings import HOST_DEFAULTS, host_at, owners, slack_of
from tests.support.waiting import DEADLINE, wait_until

CHANNEL, DIRECT = "ops", "D0ADA0001"
LATER = " OR ".join(f"workflow_uuid LIKE '{one}'" for one in ("%-expiry", "schedules-%", "%-late", "housekeeping-%"))
LATER = f"({LATER})"
ANSWERS = ("confirm", "approve", "cancel")
"""The buttons of a card that waits."""


class World:
    """Between `with` and its end. `kill_at` has a place for each life that is cut short: one of `Tripwires`, a moment
    of `WatchedPowerShell`, or one that is told to `reached`."""

    def __init__(
        self,
        folder: Path,
        scenario: Scenario,
        kill_at: tuple[str, ...] = (),
        *,
        expires_after: timedelta = timedelta(minutes=10),
        timeouts: Timeouts | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.host = fleet_host(scenario.durations)
        for fault in scenario.faults:
            self.host.faults.arm(fault)
        self._changes = scenario.changes
        self._before = self._begin(scenario)
        self._kill_at = kill_at
        self._expires_after = expires_after
        self._timeouts = timeouts
        self._database_url = jobs.url_of(self.data)
        self._lives = 0
        self._sandbox = Sandbox(ack_timeout=DEADLINE / 10, timeout=DEADLINE)
        self._powershell = WatchedPowerShell(self.host, self.reached)
        self._server = self._serve()
        self._open = ExitStack()
        self._life: Life | None = None
        self._moments: dict[str, None] = {}
        self._asked: set[str] = set()
        """What was typed and pressed in this life."""

    def _begin(self, scenario: Scenario) -> int:
        """How many changes the ledger has before it."""
        if scenario.past is None:
            return 0
        self.data.mkdir()
        scenario.past(self.data / "ledger.db", self.host)
        with self._ledger() as ledger:
            return len(ledger.history.find())

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._server.start()
            opened.callback(self._stop_host)
            opened.enter_context(self._sandbox)
            opened.callback(self.kill)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    # ---------------------------------------------------------------- lives

    def live(self) -> None:
        """Begin the next life."""
        if self._life is not None and not self._life.was_killed:
            raise NotAlive("the bot ended by itself")
        self._lives += 1
        self._asked.clear()
        self._life = Life(self._settings, self.folder / "bot.log", self._place, self._timeouts)
        self._life.wait_until_ready()

    @property
    def kills(self) -> int:
        return self._lives - 1

    def died_at(self, step: str) -> bool:
        """One of its lives ended at a place of this step."""
        return any(place.startswith(step) for place in self._kill_at[: self.kills])

    @property
    def dead(self) -> bool:
        """The bot is gone, and nobody stopped it."""
        return self._life is not None and self._life.over

    def kill(self) -> None:
        if self._life is not None:
            self._life.kill()

    def stop(self) -> tuple[str, ...] | None:
        """Stop the bot politely; what was passed in this life, places and moments. None where it was killed first."""
        if self._life is None:
            raise RuntimeError("no bot is running")
        passed = self._life.stop()
        if passed is None:
            return None
        self._life = None
        return (*passed, *self._moments)

    def reached(self, moment: str) -> None:
        """Something happens outside of the bot; its life may end here."""
        self._moments[moment] = None
        if moment == self._place:
            self.kill()

    @contextmanager
    def host_down(self) -> Iterator[None]:
        """While this lasts, nobody answers at the host's address; what was begun on the host goes on."""
        port = self._server.port
        self._stop_host()
        yield
        self._server = self._serve(port)
        self._server.start()

    def _stop_host(self) -> None:
        self._server.stop()

    def _serve(self, port: int = 0) -> WinRMServer:
        return serve(self._powershell, port)

    @property
    def _place(self) -> str | None:
        """Where this life ends."""
        return self._kill_at[self._lives - 1] if self._lives <= len(self._kill_at) else None

    # ---------------------------------------------------------------- people

    def type(self, text: str) -> None:
        """Type a command, once in a life."""
        if text not in self._asked:
            self._asked.add(text)
            self._sandbox.command("ada", CHANNEL, f"/checkpoint {text}")

    def press_what_waits(self) -> None:
        """Confirm the change whose card waits, once in a life."""
        for row in self.rows():
            card = next((m for m in self.messages() if is_the_card(m, row) and live_buttons(m, row)), None)
            if row.state == "awaiting" and card is not None and row.id not in self._asked:
                self.reached("the card waits")
                if self.dead:
                    return
                self._asked.add(row.id)
                self._sandbox.press("ada", card, live_buttons(card, row)[0])
                self.reached("the click is acknowledged")

    def press_copies(self) -> None:
        """A kill between a post and its record leaves a copy of a card, as people see it. Press what it has."""
        for row in self.rows():
            for message in self.messages():
                if not is_the_card(message, row):
                    for action_id in live_buttons(message, row):
                        self._sandbox.press("ada", message, action_id)

    def messages(self) -> list[Message]:
        """Those of the bot in the channel, for all to see."""
        return [m for m in self._sandbox.messages(CHANNEL) if m.from_app]

    def told_alone(self) -> list[str]:
        """What the bot has told ada in their direct message, which there is once it has."""
        there = DIRECT in self._sandbox.workspace.channels
        return [m.seen for m in self._sandbox.messages(DIRECT) if m.from_app] if there else []

    def look_an_hour_later(self) -> None:
        """Once in a life."""
        if "look" not in self._asked and self._life is not None:
            self._asked.add("look")
            self._life.look()

    def untold(self) -> bool:
        """Somebody is to be told something with the next look."""
        with self._ledger() as ledger:
            return bool(ledger.notices.waiting())

    def run(self) -> RunRow | None:
        """The last of the schedule."""
        with self._ledger() as ledger:
            return ledger.schedules.last_run(SCHEDULE_ID)

    def whispers(self) -> list[str]:
        """What only the person who types can see."""
        return [message.seen for message in self._sandbox.ephemeral("ada")]

    # ---------------------------------------------------------------- the record

    def rows(self) -> tuple[ChangeRow, ...]:
        """The changes in the ledger, oldest first, without those of before."""
        with self._ledger() as ledger:
            entries = [*reversed(ledger.history.find())][self._before :]
            found = [ledger.changes.get(entry.change_id) for entry in entries]
        return tuple(row for row in found if row is not None)

    def events(self, row: ChangeRow) -> tuple[Event, ...]:
        with self._ledger() as ledger:
            return ledger.events.of(row.id)

    def audit(self) -> Verdict:
        """Whether the ledger is whole."""
        with self._ledger() as ledger:
            return ledger.audit.verify()

    def _ledger(self) -> Ledger:
        """Opened anew each time, so that the bot alone has it open when it dies."""
        return Ledger(self.data / "ledger.db", clock=lambda: datetime.now(UTC), read_only=True)

    def jobs_left(self) -> list[str]:
        """Workflows that are not over. One that is due when a question expires does nothing when it was answered, nor
        do those that look again later; and what a cron line has put into the queue in the moment in which the bot
        stopped is taken out by the next."""
        return self._jobs(
            f"status IN ('PENDING', 'ENQUEUED', 'DELAYED') AND NOT (status = 'DELAYED' AND {LATER}) "
            "AND NOT (status = 'ENQUEUED' AND substr(workflow_uuid, 1, 6) = 'sched-')"
        )

    def jobs_broken(self) -> list[str]:
        """Workflows that met a defect."""
        return self._jobs("status NOT IN ('PENDING', 'ENQUEUED', 'DELAYED', 'SUCCESS')")

    def give_up_on_jobs(self) -> None:
        """As if the bot had died in each of them as often as a job is taken up."""
        with self._jobs_database("rw") as (database, table):
            database.execute(f"UPDATE {table} SET recovery_attempts = 1000")
            database.commit()

    def _jobs(self, which: str) -> list[str]:
        with self._jobs_database() as (database, table):
            found = database.execute(f"SELECT workflow_uuid, status FROM {table} WHERE {which}").fetchall()
        return [f"{workflow_id} {status}" for workflow_id, status in found]

    @contextmanager
    def _jobs_database(self, mode: str = "ro") -> Iterator[tuple[Any, str]]:
        """A connection to where the jobs are, and what their table is called there."""
        if self._database_url is not None:
            with closing(psycopg.connect(self._database_url)) as database:
                yield database, "dbos.workflow_status"
        else:
            with closing(sqlite3.connect(f"file:{self.data / 'jobs.db'}?mode={mode}", uri=True)) as file:
                yield file, "workflow_status"

    def over(self) -> bool:
        """Nothing is to happen any more, as far as the bot knows."""
        try:
            rows = self.rows()
            return len(rows) >= self._changes and all(row.state.final for row in rows) and not self.jobs_left()
        except sqlite3.OperationalError:
            return False  # it has just died in a transaction, which only the next one can undo

    def wait_until(self, look: Callable[[], object]) -> None:
        """Until that is so. A failure says how everything stands."""
        try:
            wait_until(look)
        except AssertionError as late:
            raise AssertionError("\n".join([str(late), *self.story()])) from late

    def story(self) -> Iterator[str]:
        """What a person needs who is to find out why."""
        yield from (f"{row.state} {row.summary} {row.reason} {row.result}" for row in self.rows())
        yield from (f"in the channel: {message.seen}" for message in self.messages())
        yield from (f"to ada alone: {told}" for told in self.whispers())
        yield from (f"left to do: {job}" for job in self.jobs_left())
        log = self.folder / "bot.log"
        yield from log.read_text("utf-8").splitlines()[-20:] if log.exists() else ()

    @property
    def _settings(self) -> Settings:
        return Settings(
            slack=slack_of(self._sandbox),
            data_dir=self.data,
            database_url=SecretStr(self._database_url) if self._database_url else None,
            host_defaults=HOST_DEFAULTS,
            hosts=(host_at(self.host.name, self._server.port),),
            confirmation=ConfirmationSettings(expires_after=self._expires_after),
            access=AccessSettings(grants=(owners("S0VMADMIN"),)),
        )


def is_the_card(message: Message, row: ChangeRow) -> bool:
    """The message that the ledger has for the change."""
    return row.message is not None and (message.channel, message.ts) == (row.message.channel, row.message.ts)


def live_buttons(message: Message, row: ChangeRow) -> list[str]:
    """The buttons of the change that ask for an answer, by action id."""
    buttons = [e for _, e in message.elements() if e.get("value") == row.id]
    return [str(e["action_id"]) for e in buttons if action_of(str(e["action_id"])) in ANSWERS]
