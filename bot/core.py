"""The bot without its edges: who shows messages, who knows the people and who reaches the hosts is handed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Thread

import commands
from backends.base import Backend, MayWait, SendsLate
from backends.sites.jobs import jobs_key
from backends.sites.signing import Key
from bot.changes import verbs
from bot.changes.brake import Brake
from bot.changes.execution import Environment, Timeouts
from bot.changes.freezing import Freezing
from bot.changes.freezing import sentence as frozen
from bot.changes.message import ChangeMessages
from bot.changes.perform import Performer, Restored
from bot.changes.permission import Permission
from bot.changes.quota import Holdings, Quota
from bot.changes.soundness import Soundness
from bot.changes.workflow import KINDS, SHOW_AGAIN, Changes
from bot.dispatch.desk import Desk
from bot.dispatch.views import NoScreen, Screen
from bot.dispatch.waiting import Waiting
from bot.durable import SELDOM, Durable, sqlite_jobs
from bot.fleet.elapsed import Elapsed
from bot.fleet.health.rounds import Health
from bot.fleet.inventory import Inventory
from bot.fleet.ownership import Ownership
from bot.fleet.scanner import Scanner
from bot.ledger import Head, Ledger, is_trouble
from bot.messages import Announcer
from bot.people.codes import Codes
from bot.people.directory import Directory
from bot.people.identity import Gate
from bot.schedules.book import Book
from bot.schedules.digest import Digests, Schedules
from bot.schedules.expiry import Expiry
from bot.schedules.heads import Heads
from bot.schedules.holds import HoldNotices
from bot.schedules.housekeeping import Housekeeping
from bot.schedules.notices import HostNotices
from bot.schedules.picking import Picker
from bot.schedules.recurring import Recurring
from bot.settings import Settings
from commands.base import is_person

CLOSING = 2.5
"""Seconds of those to stop that are left to the hosts: a shell that stays open there counts against the account."""

LEDGER = 0.5
"""Seconds that the ledger gets to close, which another program may hold locked."""


class Core:
    """Takes requests at its `desk` between `start` and `stop`. There is one at a time in a process."""

    def __init__(
        self,
        settings: Settings,
        *,
        backends: Mapping[str, Backend],
        announcer: Announcer,
        directory: Directory,
        clock: Callable[[], datetime],
        screen: Screen | None = None,
        timeouts: Timeouts | None = None,
        show_again: Sequence[float] = SHOW_AGAIN,
        seldom: float = SELDOM,
        restored: Restored | None = None,
    ) -> None:
        """The data folder must be there. `show_again` are the seconds before each further try to show what could not be
        shown, `seldom` those between looks at what is due, and `restored` is the backup that was put into the folder,
        if one was. Raises `LedgerError` when the folder cannot be used."""
        commands.load()
        verbs.verbs()
        self.ledger = Ledger(settings.data_dir / "ledger.db", clock=clock)
        self.inventory = Inventory(backends, clock)
        self._backends = backends
        gate = Gate(directory, settings.access)
        channels = [entry.channel for entry in settings.digest.channels]
        notices = HostNotices(channels, self.inventory, self.ledger.absences, announcer, clock, gate.may_post)
        self.health = Health(self.inventory, backends, self.ledger, clock, settings.health.every)
        self.holds = HoldNotices(settings.digest.channels, self.ledger, announcer, self._owners_of, gate.may_post)
        heads = Heads(settings.audit.head, settings.digest, self.ledger, announcer, clock, gate.may_post)

        def after_a_look() -> None:
            self._changed()
            notices.look()
            heads.look()
            if self._scanner.has_disks and self.health.look_if_due():
                self.holds.tell()

        self._scanner = Scanner(self.inventory, self.ledger, after_a_look, steady=Elapsed(clock))
        soundness = Soundness(self.health if settings.health.gate else None)
        permission = Permission(settings, gate, self.ledger, Brake(settings, self.ledger, clock))
        quota = Quota(settings.policy, Holdings(self.inventory, self.ledger))
        messages = ChangeMessages(self.ledger, announcer, clock, self._changed)
        env = Environment(
            backends=backends,
            fleet=self.inventory,
            ledger=self.ledger,
            clock=clock,
            show=messages.show,
            show_soon=messages.show_soon,
            progress=messages.progressed,
            timeouts=timeouts or Timeouts(),
            held=soundness.held,
            waits=messages.waits,
            changed=self.inventory.forget,
            frozen=lambda: frozen(self.ledger.freezes.current()),
        )
        _listen(backends.values(), messages, env)
        url, key = _jobs(settings)
        self._durable = Durable(url, KINDS, is_store_trouble=is_trouble, seldom=seldom, key=key)
        self.changes = Changes(
            ledger=self.ledger,
            messages=messages,
            permission=permission,
            durable=self._durable,
            performer=Performer(env, permission.still, restored, quota.why_not),
            clock=clock,
            show_again=show_again,
            soundness=soundness,
        )
        self.housekeeping = Housekeeping(
            settings.housekeeping,
            settings.digest.timezone,
            self.ledger,
            self.inventory,
            self.changes,
            self._durable,
            clock,
        )
        self.housekeeping.declare()
        self.changes.listen(self.housekeeping)
        picker = Picker(settings, permission, self.inventory, self.ledger, clock, hold=soundness.known_hold)
        self.recurring = Recurring(
            settings,
            picker,
            self.inventory,
            self.ledger,
            self.changes,
            self.housekeeping,
            announcer,
            self._durable,
            clock,
        )
        self.recurring.declare()
        self.changes.listen(self.recurring)
        self.housekeeping.register(self.recurring)
        book = Book(settings, permission, picker, self.recurring, self.inventory, self.ledger, clock)
        self._settings, self._gate, self._restored = settings, gate, restored
        self.expiry = Expiry(
            settings.keep,
            self.ledger,
            self.housekeeping,
            announcer,
            self._durable,
            clock,
            permission.of,
            gate.has_left,
        )
        self.expiry.declare()
        self.housekeeping.register(self.expiry)
        digests = Digests(settings, self.inventory, self.ledger, clock, Ownership(gate.has_left).of)
        self._schedules = Schedules(
            *(settings.digest, digests, announcer, self.ledger, clock, gate.may_post),
            keepers=gate.keepers,
        )
        self._digest_workflow = self._schedules.declare(self._durable)
        self.telling = messages.telling
        freezing = Freezing(
            gate,
            self.ledger,
            self.telling,
            channels,
            stop=self.changes.stop_queued,
            go_on=(self.recurring.start, self.housekeeping.go_on_everywhere),
        )
        self._waiting = Waiting(self.ledger, self.telling)
        self.desk = Desk(
            settings=settings,
            gate=gate,
            inventory=self.inventory,
            ledger=self.ledger,
            changes=self.changes,
            announcer=announcer,
            telling=self.telling,
            waiting=self._waiting,
            clock=clock,
            digest=digests.asked_for,
            schedules=book,
            screen=screen or NoScreen(),
            freezing=freezing,
            codes=Codes(settings.data_dir, settings.codes, clock),
            health=self.health,
        )

    def _changed(self) -> None:
        """What Home tabs show may have changed."""
        self.desk.homes.changed()

    def _owners_of(self, vm_id: str) -> tuple[str, ...]:
        """Whose the checkpoints of a VM are."""
        ids = [c.id for one in self.inventory.seen() if one.vm.id == vm_id for c in one.checkpoints]
        owners = (note.owner or "" for note in self.ledger.checkpoints.notes(ids).values())
        return tuple(dict.fromkeys(filter(is_person, owners)))

    def start(self) -> None:
        """Take up what was pending."""
        if self._restored is not None:
            _record(self._restored, self.ledger)
        # First, since what was pending goes by it.
        self.ledger.schedules.put(*(one.schedule(self._gate.name_of(one.owner)) for one in self._settings.schedules))
        self._durable.launch()
        self.changes.launch()
        self.tell_lost()
        self._schedules.apply(self._digest_workflow)
        self.housekeeping.start()
        self.recurring.start()
        self.expiry.start()
        self._scanner.start()

    def tell_lost(self) -> None:
        """Tell those whose requests were taken and will not be answered. To be called while nothing arrives."""
        self._waiting.tell_lost(self.desk.buttons.took)

    @property
    def alive(self) -> bool:
        """What makes things happen by the clock is at work: schedules, and looks at the fleet."""
        return self._durable.alive and self._scanner.alive

    @property
    def clock_alive(self) -> bool:
        """What happens by the clock does happen."""
        return self.alive and self._durable.answered_lately

    def stop(self, seconds: float) -> None:
        """Let steps under way end, and close what is open, in that long and no longer. What is pending is taken up at
        the next start."""
        until = time.monotonic() + seconds
        self._scanner.stop()
        self.desk.homes.close()
        self._durable.stop(max(0.0, seconds - CLOSING))
        self.inventory.close()
        _all_within(until, [backend.close for backend in self._backends.values()])
        _all_within(until + LEDGER, [self.ledger.close])


def _record(restored: Restored, ledger: Ledger) -> None:
    """Once, that a backup was put back: what was recorded after it is not in the chain any more."""
    if not restored.head or Head.parse(restored.head).seq < ledger.audit.base().seq:
        return  # it is in an archive by now
    ledger.changes.record(
        f"restore-{restored.at:%Y%m%dT%H%M%S%f}",
        verb="restore",
        summary="put a backup back",
        result=f"The ledger is as it was at {restored.at:%Y-%m-%d %H:%M} UTC, when it ended with {restored.head}.",
    )


def _all_within(until: float, acts: Sequence[Callable[[], object]]) -> None:
    """Do all at the same time, and wait for them no longer than until that moment."""
    threads = [Thread(target=act, name="closing", daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _listen(backends: Iterable[Backend], messages: ChangeMessages, env: Environment) -> None:
    """Those that let a change wait tell so, and ask once more before they send it."""
    for backend in backends:
        if isinstance(backend, MayWait):
            backend.tell_waits(messages.waits)
        if isinstance(backend, SendsLate):
            backend.ask_first(env.refuse_if_frozen)


def _jobs(settings: Settings) -> tuple[str, Key | None]:
    """Where the jobs are kept, and what they are signed with where that is not in the bot's own folder."""
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    if url.startswith("postgresql"):
        return url, jobs_key(settings.data_dir)
    return url or sqlite_jobs(settings.data_dir / "jobs.db"), None
