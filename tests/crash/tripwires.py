"""Tripwires in the bot's process: at the place that is named, it is gone at once (SIGKILL).

They are laid from outside, around what the bot calls: durable steps, transactions of the ledger, messages that leave,
requests that arrive. Nothing in the bot knows of them.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from dbos import DBOS
from sqlite_utils import Database

from bot.changes.limits import Limits
from bot.changes.workflow import Changes
from bot.dispatch.desk import Desk
from bot.durable import Durable
from bot.ledger.store import Store
from bot.slack.outbox import Outbox

TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Tripwires:
    """The places that the bot has passed, by name, and the one at which it dies."""

    def __init__(self, kill_at: str | None = None) -> None:
        self._kill_at = kill_at
        self._passed: dict[str, None] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._here = threading.local()

    @property
    def passed(self) -> tuple[str, ...]:
        """In the order of their first time."""
        with self._lock:
            return tuple(self._passed)

    def lay(self) -> None:
        """To be called once in a process, before the bot starts."""
        self._around_steps()
        self._around(Changes, "launch", "start")
        self._around(Desk, "arrived", "arrival")
        self._around(Desk, "typed", "command")
        self._around(Desk, "pressed", "click")
        self._around_transactions()
        for owner, method, what in (
            (Outbox, "post", "message posted"),
            (Outbox, "update", "message updated"),
            (Durable, "start", "workflow started"),
            (Durable, "start_later", "workflow put off"),
            (Limits, "queue", "VMs queued"),
        ):
            self._after(owner, method, what)

    def reach(self, place: str) -> None:
        """The process does not come back from here when this is its place."""
        with self._lock:
            self._passed[place] = None
        if place == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def _inside(self, where: str) -> Iterator[None]:
        """What this thread reaches meanwhile is named after `where`."""
        self._here.where = where
        try:
            yield
        finally:
            self._here.where = None

    def _reach_inside(self, what: str) -> None:
        """The next such place of the step or request that this thread is in, or of a workflow between its steps."""
        where: str | None = getattr(self._here, "where", None) or (_part() if DBOS.workflow_id else None)
        if where is not None:
            with self._lock:
                self._counts[where, what] += 1
                number = self._counts[where, what]
            self.reach(f"{where}: {what} ({number})")

    def _around_steps(self) -> None:
        run_step: Callable[..., object] = DBOS.run_step

        def watched(options: dict[str, str], act: Callable[..., object], *args: object) -> object:
            step = f"{_part()} / {options['name']}"

            def carried_out() -> object:
                with self._inside(step):
                    result = act(*args)
                self.reach(f"{step}: done, not recorded")
                return result

            self.reach(f"{step}: not begun")
            result = run_step(options, carried_out)
            self.reach(f"{step}: recorded")
            return result

        DBOS.run_step = watched  # type: ignore[method-assign, assignment]

    def _around(self, owner: type, method: str, where: str) -> None:
        original = getattr(owner, method)

        def watched(*args: object) -> object:
            self.reach(f"{where}: not begun")
            with self._inside(where):
                result = original(*args)
            self.reach(f"{where}: done")
            return result

        setattr(owner, method, watched)

    def _around_transactions(self) -> None:
        write: Callable[..., AbstractContextManager[Database]] = Store.write

        @contextmanager
        def watched(store: Store, **how: bool) -> Iterator[Database]:
            with write(store, **how) as db:
                yield db
            self._reach_inside("ledger written")

        Store.write = watched  # type: ignore[method-assign, assignment]

    def _after(self, owner: type, method: str, what: str) -> None:
        original = getattr(owner, method)

        def watched(*args: object, **kwargs: object) -> object:
            result = original(*args, **kwargs)
            self._reach_inside(what)
            return result

        setattr(owner, method, watched)


def _part() -> str:
    """Which of a change's workflows this is: its own, or the one on its first, second … VM, or by what its id ends."""
    ending = GUID.sub("", TIME.sub("", str(DBOS.workflow_id))).strip("- ")
    return f"VM {int(ending) + 1}" if ending.isdecimal() else ending.replace("--", "-") or "change"
