"""A bot whose settings are read anew while it runs: it stops, and goes on with the new ones. All that waits is kept."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from backends.base import Backend
from bot.ledger import Ledger, LedgerError
from bot.messages import WorkspaceError
from bot.operations.doctor.findings import Check
from bot.people.access import described
from bot.settings import Settings, SettingsError

log = logging.getLogger(__name__)

TROUBLE = (LedgerError, WorkspaceError, OSError)
"""What can be wrong outside the program when a bot starts."""


class Running(Protocol):
    """A bot, as far as it is stopped and started."""

    @property
    def backends(self) -> Mapping[str, Backend]: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def alive(self) -> bool:
        """Nothing in it has stopped that only a new start of the program brings back."""

    def lives(self) -> Mapping[str, bool]:
        """Whether each part without which nothing goes on is alive, by its name."""

    def start(self, stopping: threading.Event | None = None) -> None:
        """Take up all that waits. Raises one of `TROUBLE`."""

    def look(self) -> Iterable[Check]:
        """What is wrong with its settings and hosts, as far as a short look shows it. Raises `LookupFailed`."""

    def stops_within(self, seconds: float) -> bool:
        """Wait for that long, or until it is stopped, and say whether it is."""

    def stop(self) -> None:
        """End. What waits is kept."""


class Reloadable:
    """Starts and stops as the bot in it does. What is wrong with new settings is logged, and the old ones stay."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        make: Callable[[Settings], Running],
        started: Callable[[Running], object] = lambda _bot: None,
    ) -> None:
        """`started` is called with each bot that takes commands."""
        self._started = started
        self._settings = settings
        self._load = load
        self._make = make
        self._stopping = threading.Event()
        self.bot = make(settings)

    @property
    def hosts(self) -> int:
        return len(self.bot.backends)

    @property
    def alive(self) -> bool:
        return self.bot.alive

    def lives(self) -> Mapping[str, bool]:
        return self.bot.lives()

    def start(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self.bot.start(stopping)
        if not stopping.is_set():
            self._started(self.bot)

    def stop(self) -> None:
        self.bot.stop()

    def reload(self) -> bool:
        """Whether the new settings are in force. Raises what a start raises where the old ones do not work any more
        either."""
        try:
            new = self._load()
        except SettingsError as error:
            for line in error.problems:
                log.error("The settings are wrong, so the old ones stay: %s", line)
            return False
        if (new.data_dir, new.database_url) != (self._settings.data_dir, self._settings.database_url):
            log.error("data_dir and database_url hold from a start on, so the old settings stay: stop the bot first.")
            return False
        old = self._settings
        try:
            self._restart(new)
        except TROUBLE as error:
            log.error("The bot cannot start with the new settings, so the old ones stay: %s", error)
            self._restart(old)
            return False
        self._settings = new
        self._record(old, new)
        if not self._stopping.is_set():
            self._started(self.bot)
        log.info("The settings were read anew.")
        return True

    def _restart(self, settings: Settings) -> None:
        self.bot.stop()
        self.bot = self._make(settings)
        try:
            self.bot.start(self._stopping)
        except BaseException:
            self.bot.stop()
            raise

    def _record(self, old: Settings, new: Settings) -> None:
        """Who may now do what, in the ledger."""
        same = " The grants are the same as before." if new.access == old.access else ""
        try:
            self.bot.ledger.changes.record(
                f"reload-{datetime.now(UTC):%Y%m%dT%H%M%S%f}",
                verb="reload",
                summary="read the settings anew",
                result=f"{described(new.access)}{same}",
            )
        except LedgerError as error:
            log.error("That the settings were read anew could not be recorded: %s", error.cause)
