"""Looks at the fleet regularly, so that names are found at once and growth is known.

The looks are spread, so that no moment is busier than others, and a host is asked as often as it changes: one that
shows the same as before is asked more and more seldom, one that changes as often as may be.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event, Thread

from backends.base import HostInventory
from bot.fleet import space
from bot.fleet.inventory import FEW, SCAN, Inventory, what_is_there
from bot.ledger import Ledger, LedgerError

log = logging.getLogger(__name__)

DISKS_EVERY = 30
"""Rounds: opening each disk file costs a host more than everything else."""

DISKS_SOON = 5
"""Rounds after which they are opened again where they could not be, or where a volume will be full within a day."""

FIRST_DISKS = 2
"""Rounds over which the first looks at the disks of a large fleet are spread: names are known first."""

SELDOM, SELDOM_OF_MANY = 4, 15
"""Rounds between two looks at a host on which nothing changes, of a few hosts and of a large fleet: its warm session
would be closed after more."""

TURNS = 12
"""Parts of a round; what is due within one is asked together."""

AT_ONCE = 8
"""Hosts that are asked at the same time."""

PATIENCE = 15.0
"""Seconds that the others wait for a host. What it answers later counts when it comes."""


@dataclass(slots=True)
class _Look:
    """A question to a host, under way or answered."""

    disks: bool
    changed: float
    """When the bot last changed something there, as it was known before."""
    answer: Future[None]
    until: float
    """Others wait for it no longer."""


@dataclass(slots=True)
class _Turn:
    """When a host is to be asked next, in seconds of the steady clock, and what it showed last."""

    due: float
    disks_due: float
    pause: float
    shown: int = 0
    changed: float | None = None
    look: _Look | None = None
    disks_asked: bool = False
    volumes: HostInventory | None = None
    """What it showed last with its disks, without its VMs."""


@dataclass(slots=True)
class Scanner:
    """A thread of its own between `start` and `stop`."""

    inventory: Inventory
    ledger: Ledger
    after: Callable[[], None] = lambda: None
    """Called after looks that showed something new, and once a round."""
    every: timedelta = SCAN
    steady: Callable[[], float] = time.monotonic
    """Counts seconds. One that goes on while the machine sleeps lets what was due then be asked when it wakes."""
    _stopping: Event = field(default_factory=Event)
    _stopped: Future[None] = field(default_factory=Future)
    """Done when it is to stop: nobody waits for a host then."""
    _thread: Thread | None = None
    _turns: dict[str, _Turn] = field(init=False)
    _told: float = 0.0

    def __post_init__(self) -> None:
        now = self.steady()
        self._turns = {host: _Turn(now, now, self._round) for host in self.inventory.names}

    def start(self) -> None:
        self._thread = Thread(target=self._watch, name="scanner", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and not self._stopping.is_set()

    @property
    def has_disks(self) -> bool:
        """Whether the disks of every host were asked for since the start, and it has answered or failed to: before, a
        verdict would go by what is not known yet."""
        return all(turn.disks_asked for turn in self._turns.values())

    def stop(self) -> None:
        self._stopping.set()
        if not self._stopped.done():
            self._stopped.set_result(None)

    def _watch(self) -> None:
        self._guarded(self._look_at_all)
        paused = self.steady()
        while not self._stopping.wait(self._round / TURNS):
            slept = self.steady() - paused > self._round
            self._guarded(self._look_at_all if slept else self.turn)
            paused = self.steady()

    def _look_at_all(self) -> None:
        """At the start, and when the machine wakes: every host is due then, and the next looks are spread anew."""
        self.look(disks=len(self._turns) <= FEW)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # the last frame on this thread: a defect in one round must not end the others
            if not self._stopping.is_set():
                log.exception("the fleet could not be looked at")

    def look(self, *, disks: bool) -> None:
        """A whole round at once: ask every host, some at a time, and let the ledger know what was seen. The next looks
        are spread."""
        self._ask((host, disks) for host in self._turns)
        now = self.steady()
        for number, (host, turn) in enumerate(self._turns.items(), 1):
            part = self._round * number / len(self._turns)
            turn.due = now + part
            has_disks = disks and self.inventory.answers(host, disks=True)
            turn.disks_due = now + part * (DISKS_EVERY if has_disks else FIRST_DISKS)
        self._tell()

    def turn(self) -> None:
        """Ask the hosts whose turn it is."""
        now = self.steady()
        due = [(host, now >= turn.disks_due) for host, turn in self._turns.items() if now >= self._due(host, turn)]
        if self._ask(due) or now - self._told >= self._round:
            self._tell()

    @property
    def _round(self) -> float:
        return self.every.total_seconds()

    @property
    def _seldom(self) -> int:
        return SELDOM if len(self._turns) <= FEW else SELDOM_OF_MANY

    def _due(self, host: str, turn: _Turn) -> float:
        """Where the bot has changed something, or somebody else's question was not answered, it is asked no later than
        a busy one."""
        is_same = turn.changed == self.inventory.changed(host) and self.inventory.answers(host)
        due = turn.due if is_same else min(turn.due, turn.due - turn.pause + self._round)
        return min(due, turn.disks_due)

    def _ask(self, due: Iterable[tuple[str, bool]]) -> bool:
        """Ask them, some at a time, and take up what is answered, also from before. Whether something was new."""
        waiting = [one for one in due if self._turns[one[0]].look is None]
        news = False
        while not self._stopping.is_set():
            now = self.steady()
            awaited = [
                t.look for t in self._turns.values() if t.look and now < t.look.until and not t.look.answer.done()
            ]
            while waiting and len(awaited) < AT_ONCE:
                awaited.append(self._begin(*waiting.pop(0)))
            if awaited:
                first = min(look.until for look in awaited) - now
                wait([*(look.answer for look in awaited), self._stopped], max(0.0, first), FIRST_COMPLETED)
            for host, turn in self._turns.items():
                if turn.look and turn.look.answer.done():
                    news |= self._take(host, turn, turn.look)
            if not (awaited or waiting):
                break
        return news

    def _begin(self, host: str, disks: bool) -> _Look:
        changed = self.inventory.changed(host)
        look = _Look(disks, changed, self.inventory.begin(host, disks=disks), self.steady() + PATIENCE)
        self._turns[host].look = look
        return look

    def _take(self, host: str, turn: _Turn, look: _Look) -> bool:
        """What a look has come to. Whether something was new."""
        turn.look = None
        if error := look.answer.exception():
            log.error("%s could not be looked at", host, exc_info=error)
        seen = self.inventory.of_host(host, disks=look.disks)
        shown = hash((look.changed, what_is_there(seen.vms) if seen else None))
        news = shown != turn.shown
        quiet = not news
        turn.shown, turn.changed = shown, look.changed
        turn.pause = min(turn.pause * 1.5, self._round * self._seldom) if quiet else self._round
        turn.due = self.steady() + turn.pause
        if look.disks:
            is_soon = not self.inventory.answers(host, disks=True) or self._fills_soon(turn, seen)
            turn.disks_asked = True
            turn.disks_due = self.steady() + self._round * (DISKS_SOON if is_soon else DISKS_EVERY)
        if seen and (news or look.disks):
            self._record(seen)
        return news

    @staticmethod
    def _fills_soon(turn: _Turn, seen: HostInventory | None) -> bool:
        """By its volumes now and when its disks were looked at before."""
        before, turn.volumes = turn.volumes, replace(seen, vms=()) if seen else None
        return before is not None and turn.volumes is not None and space.fills_soon(turn.volumes, before)

    def _record(self, seen: HostInventory) -> None:
        try:
            self.ledger.checkpoints.seen(seen)
            self.ledger.samples.add(seen)
        except LedgerError as error:
            self._failed(error)

    def _tell(self) -> None:
        self._told = self.steady()
        try:
            self.after()
        except LedgerError as error:
            self._failed(error)

    def _failed(self, error: LedgerError) -> None:
        if not self._stopping.is_set():  # the ledger is closed by then
            log.error("what was seen of the fleet could not be recorded: %s", error.cause)
