"""Commands, clicks, faults, hands on the hosts, deaths, jumps of the clock, in any order: what the ledger says is so.

`PROMISES=200 uv run pytest -n 0 tests/promises/test_any_order_of_things.py` tries so many random orders, other ones
each time; without it a few that are always the same.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backends.base import VMState
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model import checkpoints, power
from backends.simulator.model.errors import HostError
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import move
from backends.simulator.model.machines import SimulatedVM
from bot.changes.card import SIGNS
from bot.changes.execution import Timeouts
from bot.changes.outcome import Outcome, outcomes
from bot.changes.permission import plan_of
from bot.core import Core
from bot.dispatch.desk import DOUBLE_CLICK
from bot.dispatch.requests import Pressed, Typed
from bot.ledger import ChangeRow, ChangeState
from bot.messages import Origin
from bot.settings import AccessSettings, ApprovalSettings, HostSettings, Settings
from commands.base import Keep, Plan, Target
from commands.base.names import name as called
from tests.promises.kept import effects_of, unkept
from tests.promises.mortal import Console, Died, Life, MortalAnnouncer, MortalSession
from tests.support import jobs
from tests.support.board import Board, buttons
from tests.support.people import ADA, ADMINS, BOB, CHANNEL, EVE, GUEST, TEAM, People
from tests.support.settings import NO_SLACK, owners, viewers
from tests.support.waiting import DEADLINE, OFTEN, comes
from tests.support.watched import Effect, WatchedHost

pytestmark = [
    pytest.mark.filterwarnings(r"ignore:[\s\S]*SystemExit"),
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]
"""A thread of the bot that ends because the bot has died, and one of DBOS that draws its next pause meanwhile."""

Method = TypeVar("Method", bound=Callable[..., None])

ORDERS = int(os.environ.get("PROMISES", "0"))

VMS = ("web01", "web02", "db01", "dc01")
PEOPLE = (*[ADA] * 8, *[BOB] * 3, EVE, GUEST)
ACTING = frozenset(PEOPLE)
NAMES = ("one", "two", "golden", "a [name] of *")
ANSWERS = frozenset({"confirm", "approve", "cancel"})

IMPATIENT = Timeouts(unknown_after=0.1, retries=(0.05, 0.1, *(0.2,) * 200))

CMDLETS = {
    "create": "Checkpoint-VM",
    "apply": "Restore-VMSnapshot",
    "delete": "Remove-VMSnapshot",
    "rename": "Rename-VMSnapshot",
}

AWAY = Fault(FaultKind.REFUSE_CONNECTION, times=4)
FURTHER = {
    "create": (
        Fault(FaultKind.VSS, "Checkpoint-VM"),
        Fault(FaultKind.NAMING, "Checkpoint-VM"),
        Fault(FaultKind.RESET_BEFORE_ANSWER, "Set-VM"),
    ),
    "apply": (
        Fault(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM"),
        Fault(FaultKind.DISK_FULL, "Checkpoint-VM"),
        Fault(FaultKind.NAMING, "Checkpoint-VM"),
        Fault(FaultKind.RESET_BEFORE_ANSWER, "Start-VM"),
        Fault(FaultKind.CMDLET_ERROR, "Start-VM", code=0x80070020),
    ),
    "delete": (Fault(FaultKind.RESET_BEFORE_ANSWER, "Get-VM"),),
    "rename": (Fault(FaultKind.RESET_BEFORE_ANSWER, "Get-VMSnapshot"),),
}


def troubles(verb: str) -> st.SearchStrategy[Fault | None]:
    """What may go wrong at the cmdlet of this verb."""
    cmdlet = CMDLETS[verb]
    lost, refused = Fault(FaultKind.RESET_BEFORE_ANSWER, cmdlet), Fault(FaultKind.CMDLET_ERROR, cmdlet)
    return st.sampled_from((None, None, None, lost, lost, refused, *FURTHER[verb]))


THINGS: list[tuple[str, dict[str, st.SearchStrategy[object]]]] = []
"""What may happen next, by the name of its method, as often as it is to be likely."""


def thing(*, weight: int = 1, **given: st.SearchStrategy[object]) -> Callable[[Method], Method]:
    def note(method: Method) -> Method:
        THINGS.extend([(method.__name__, given)] * weight)
        return method

    return note


MOMENTS = ("before", "during", "after")
MEANWHILE = st.sampled_from(("", "", "", "away", *MOMENTS))
"""The host goes away as soon as the change has begun, or the bot dies at the cmdlet."""


class AnyOrder(RuleBasedStateMachine):
    """A bot, two hosts and four people."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.ahead = timedelta()
        self.people, self.board = People(), Board()
        self.hosts = {name: WatchedHost(name) for name in ("hv01", "hv02")}
        for name in VMS:
            past = Past("golden", 9 * DAY), Past("later", 2 * DAY)
            add_vm(self.hosts["hv01"], name, state=VMState.RUNNING, past=past)
        for host in self.hosts.values():
            host.watch()
        self.policies = {vm.id: vm.checkpoint_type for vm in self.vms()}
        self.consoles = {name: Console(host) for name, host in self.hosts.items()}
        self.deliveries = count(1)
        self.deaths = 0
        self.waking = threading.Lock()
        self.life = Life()
        self.running = self.open()

    # ------------------------------------------------------------ people

    @thing(
        weight=3,
        who=st.sampled_from(PEOPLE),
        vms=st.lists(st.sampled_from(VMS), min_size=1, max_size=3, unique=True),
        name=st.one_of(st.sampled_from(NAMES), st.integers(0, 99).map(str)),
        options=st.sampled_from(("", " --type standard", " --keep 3d")),
        trouble=troubles("create"),
        meanwhile=MEANWHILE,
    )
    def create(self, who: str, vms: list[str], name: str, options: str, trouble: Fault | None, meanwhile: str) -> None:
        with self.in_trouble("create", vms[0], trouble, meanwhile):
            self.types(who, f'create {",".join(vms)} "{name}"{options}')

    @thing(
        weight=4,
        who=st.sampled_from(PEOPLE),
        vms=st.sampled_from(("web01", "web01", "db01", "dc01", "web01,web02")),
        number=st.integers(0, 5),
        safety=st.booleans(),
        sure=st.sampled_from((True, True, False)),
        trouble=troubles("apply"),
        meanwhile=MEANWHILE,
    )
    def apply(
        self, who: str, vms: str, number: int, safety: bool, sure: bool, trouble: Fault | None, meanwhile: str
    ) -> None:
        options = "" if safety else " --no-safety"
        with self.in_trouble("apply", vms.split(",", maxsplit=1)[0], trouble, meanwhile):
            self.types(who, f'apply {vms} "{self.some_checkpoint(vms, number)}"{options}')
            if sure:
                self.confirm(who)

    @thing(
        weight=2,
        who=st.sampled_from(PEOPLE),
        vms=st.sampled_from(("web01", "web01", "db01", "dc01", "web01,web02")),
        number=st.integers(0, 5),
        subtree=st.booleans(),
        trouble=troubles("delete"),
        meanwhile=MEANWHILE,
    )
    def delete(self, who: str, vms: str, number: int, subtree: bool, trouble: Fault | None, meanwhile: str) -> None:
        options = " --subtree" if subtree else ""
        with self.in_trouble("delete", vms.split(",", maxsplit=1)[0], trouble, meanwhile):
            self.types(who, f'delete {vms} "{self.some_checkpoint(vms, number)}"{options}')
            self.confirm(who)

    @thing(
        who=st.sampled_from(PEOPLE),
        vm=st.sampled_from(VMS),
        number=st.integers(0, 5),
        name=st.sampled_from(NAMES),
        trouble=troubles("rename"),
        meanwhile=MEANWHILE,
    )
    def rename(self, who: str, vm: str, number: int, name: str, trouble: Fault | None, meanwhile: str) -> None:
        with self.in_trouble("rename", vm, trouble, meanwhile):
            self.types(who, f'rename {vm} "{self.some_checkpoint(vm, number)}" "{name}"')

    @thing(who=st.sampled_from(PEOPLE), vm=st.sampled_from(VMS), number=st.integers(0, 5))
    def keep(self, who: str, vm: str, number: int) -> None:
        self.types(who, f'keep {vm} "{self.some_checkpoint(vm, number)}" 7d')

    @thing(
        weight=2,
        who=st.sampled_from(("who asked", "who asked", BOB, EVE, GUEST)),
        number=st.integers(0, 2),
        action=st.sampled_from(("confirm", "confirm", "approve", "cancel", "undo", "again")),
        times=st.sampled_from((1, 1, 2)),
    )
    def press(self, who: str, number: int, action: str, times: int) -> None:
        """A button of one of the last changes, those that wait first, whether it is there or not."""
        for row in self.pressable()[number:][:1]:
            pressed = self.pressed(row.person_id if who == "who asked" else who, row, action)
            for _ in range(times):
                self.press_it(pressed)

    @thing(weight=2, number=st.integers(0, 2), other=st.sampled_from(("cancel", "confirm", "approve")))
    def press_at_once(self, number: int, other: str) -> None:
        """Who asked says yes, and at the same moment something else is pressed."""
        for row in self.pressable()[number:][:1]:
            presser = BOB if other == "approve" else row.person_id
            self.press_it(self.pressed(row.person_id, row, "confirm"), self.pressed(presser, row, other))

    @thing(what=st.sampled_from(("leaves", "returns", "is deactivated")))
    def bob(self, what: str) -> None:
        self.people.admins = frozenset({ADA}) if what == "leaves" else frozenset({ADA, BOB})
        self.people.deactivate(BOB, what == "is deactivated")

    # ------------------------------------------------------------ the world

    @thing(host=st.sampled_from(("hv01", "hv02")))
    def host_is_away(self, host: str) -> None:
        self.hosts[host].faults.arm(AWAY)

    @thing(times=st.integers(1, 3))
    def slack_is_away(self, times: int) -> None:
        self.board.refuses = times

    @thing(
        vm=st.sampled_from(VMS),
        number=st.integers(0, 5),
        what=st.sampled_from(("create", "apply", "remove", "rename", "stop", "start", "move")),
    )
    def by_hand(self, vm: str, number: int, what: str) -> None:
        """Somebody does something on the host, behind the bot's back."""
        found, host = self.find(vm)
        there = found.ordered()
        one = there[number % len(there)].id if there else ""
        other = self.hosts["hv02" if host.name == "hv01" else "hv01"]
        acts: dict[str, Callable[[], object]] = {
            "create": lambda: checkpoints.create(host, found.id, f"by hand {number}"),
            "apply": lambda: checkpoints.apply(host, one),
            "remove": lambda: checkpoints.remove(host, one),
            "rename": lambda: checkpoints.rename(host, one, f"renamed by hand {number}"),
            "stop": lambda: power.stop(host, found.id),
            "start": lambda: power.start(host, found.id),
            "move": lambda: move(found.id, host, other),
        }
        with host.hand(), other.hand(), suppress(HostError):
            acts[what]()

    @thing(minutes=st.sampled_from((-3, 1, 11, 11, 60 * 24)))
    def jump(self, minutes: int) -> None:
        self.ahead += timedelta(minutes=minutes)

    @thing()
    def restart(self) -> None:
        self.core.stop(5.0)
        self.life.falls_silent()
        self.running = self.open()

    @thing(weight=2, places=st.integers(0, 60))
    def die_soon(self, places: int) -> None:
        """Wherever the bot is by then, in the middle of whatever it does."""
        self.life.ends(after=places)

    @thing(weight=2)
    def let_things_happen(self) -> None:
        self.wait(lambda: not any(row.state in (ChangeState.QUEUED, ChangeState.RUNNING) for row in self.rows()), 2.0)

    @rule(data=st.data())
    def anything(self, data: st.DataObject) -> None:
        """One rule for all: Hypothesis leaves out some of several, and half of the orders would change nothing."""
        name, given = data.draw(st.sampled_from(THINGS))
        getattr(self, name)(**{key: data.draw(one, label=f"{name}: {key}") for key, one in given.items()})

    # ------------------------------------------------------------ what must hold

    @invariant()
    def the_chain_is_whole(self) -> None:
        assert self.core.ledger.audit.verify().whole

    @invariant()
    def one_change_at_a_time_acts_on_a_vm(self) -> None:
        acting: dict[str, str] = {}
        for event in sorted(
            (e for row in self.rows() for e in self.core.ledger.events.of(row.id)), key=lambda e: e.seq
        ):
            vm_id = str(event.detail.get("vm_id"))
            if event.event == "sent":
                alone = acting.setdefault(vm_id, event.change_id) == event.change_id
                assert alone, "\n".join([f"event {event.seq} is not alone on its VM", *self.story()])
            if event.event == "outcome":
                acting.pop(vm_id, None)

    def teardown(self) -> None:
        try:
            self.settle()
            found = [*self.untold(), *self.answered_by_others(), *self.unlike_the_ledger()]
            assert not found, "\n".join([*found, *self.story()])
        finally:
            self.core.stop(5.0)
            comes(lambda: not any(thread.name == "scanner" for thread in threading.enumerate()), DEADLINE)
            self.folder.cleanup()

    def settle(self) -> None:
        """Everybody is back, every host answers, and whoever asked cancels what still waits."""
        self.life.ends()
        self.bob("returns")
        self.board.refuses = 0
        for host in self.hosts.values():
            host.faults.disarm()
            host.faults.release()
        self.wait(lambda: all(row.state != ChangeState.REQUESTED and row.message for row in self.planned()))
        self.ahead += 2 * DOUBLE_CLICK
        for row in self.rows():
            if row.state == ChangeState.AWAITING:
                self.press_it(self.pressed(row.person_id, row, "cancel"))
        over = self.wait(lambda: all(self.is_over(row) for row in self.rows()))
        assert over, "\n".join(["a change is stuck", *self.story()])
        self.wait(lambda: not [*self.untold()])

    def is_over(self, row: ChangeRow) -> bool:
        """Also where nobody can tell any more what became of it, since somebody deleted what would show it."""
        if row.state != ChangeState.UNKNOWN:
            return row.state.final
        return len(outcomes(self.core.ledger.events.of(row.id))) == len(plan_of(row).targets)

    def answered_by_others(self) -> Iterator[str]:
        """Who decided, and was not to."""
        for row in self.planned():
            awaits = None
            for event in self.core.ledger.events.of(row.id):
                awaits = event.detail.get("awaits", awaits)
                own = event.by == row.person_id
                approves = event.event == ChangeState.QUEUED and awaits == "approval"
                if event.by in ACTING and (own if approves else not own):
                    yield f"{row.summary} by {row.person_id}: {event.event} by {event.by}"

    def untold(self) -> Iterator[str]:
        """Where the channel does not say what the ledger does. A death between a post and its record leaves a copy."""
        for row in self.planned():
            about = {ref: m for ref, m in self.board.shown.items() if f"change {row.id[:8]}" in m.text}
            if row.message not in about or len(about) > 1 + self.deaths:
                yield f"{len(about)} messages about {row.summary} after {self.deaths} deaths, {row.message} is known"
            for message in (m for ref, m in about.items() if ref == row.message):
                answers = ANSWERS.intersection(button.action for button in buttons(message))
                if not message.text.startswith(self.sign(row)) or answers:
                    yield f"{row.summary} is {row.state}, and its message says: {message.text!r}"

    def sign(self, row: ChangeRow) -> str:
        """What was done otherwise than asked, as where the VM takes no production checkpoint, is no plain success."""
        warned = any(outcome.warning for outcome in outcomes(self.core.ledger.events.of(row.id)))
        return "⚠️" if warned and row.state == ChangeState.SUCCEEDED else SIGNS[row.state]

    def unlike_the_ledger(self) -> Iterator[str]:
        """Where the hosts are not what the ledger says."""
        unexplained = Counter(
            effect for host in self.hosts.values() for effect in host.effects if effect.what != "type"
        )
        happened = {effect for host in self.hosts.values() for effect in (*host.effects, *host.by_hand)}
        for outcome, plan, target in self.outcomes():
            yield from unkept(outcome, plan, target)
            for effect, needed in effects_of(outcome, plan, target):
                if unexplained[effect]:  # what a hand has turned off in between is started once more
                    unexplained[effect] -= unexplained[effect] if effect.what == "start" else 1
                elif needed and effect not in happened:
                    yield f"the ledger has {effect}, and it never took effect: {outcome.sentence}"
            if isinstance(plan.action, Keep) and outcome.state == ChangeState.SUCCEEDED:
                note = self.core.ledger.checkpoints.notes([str(target.checkpoint_id)])
                if not note or note[str(target.checkpoint_id)].keep_until is None:
                    yield f"the ledger does not keep {target.checkpoint_name}"
        yield from (
            f"{e} is not in the ledger" for e in unexplained.elements() if e.what != "create" or not self.is_told_of(e)
        )
        for row in self.planned():
            told = Counter(outcome.vm_id for outcome in outcomes(self.core.ledger.events.of(row.id)))
            yield from (f"{row.summary} has {times} outcomes on one VM" for times in told.values() if times > 1)
        for vm in self.vms():
            if vm.checkpoint_type != self.policies[vm.id]:
                yield f"{vm.name} takes {vm.checkpoint_type.name} checkpoints now"

    def is_told_of(self, effect: Effect) -> bool:
        """The checkpoint that a failed attempt has left is named in what is said of it."""
        left = next(host.taken[effect.about] for host in self.hosts.values() if effect.about in host.taken)
        told = [outcome for outcome, _, _ in self.outcomes() if outcome.vm_id == effect.vm_id]
        return any(f"checkpoint {called(left)}" in one.sentence for one in told)

    def outcomes(self) -> Iterator[tuple[Outcome, Plan, Target]]:
        for row in self.planned():
            plan = plan_of(row)
            targets = {target.vm_id: target for target in plan.targets}
            for outcome in outcomes(self.core.ledger.events.of(row.id)):
                yield outcome, plan, targets[outcome.vm_id]

    # ------------------------------------------------------------ how

    @property
    def core(self) -> Core:
        """The bot, which is started again after its death."""
        self.wake()
        return self.running

    def wake(self) -> None:
        """Once for all who find it dead: the threads of somebody's presses too."""
        with self.waking:
            if self.life.over:
                self.deaths += 1
                self.running.stop(5.0)
                self.life.falls_silent()
                self.running = self.open()

    def open(self) -> Core:
        self.life = life = Life()

        def clock() -> datetime:
            life.passes("the clock")
            return datetime.now(UTC) + self.ahead

        sessions = {name: MortalSession(console, life) for name, console in self.consoles.items()}
        core = Core(
            jobs.placed(self.settings),
            backends={name: HyperVBackend(name, session) for name, session in sessions.items()},
            announcer=MortalAnnouncer(self.board, life),
            directory=self.people,
            clock=clock,
            timeouts=IMPATIENT,
            show_again=(0.5,) * 10,
            seldom=OFTEN,
        )
        core.start()
        return core

    @property
    def settings(self) -> Settings:
        return Settings(
            slack=NO_SLACK,
            data_dir=Path(self.folder.name),
            hosts=tuple(HostSettings(name=name, address=name) for name in self.hosts),
            access=AccessSettings(
                grants=(owners(ADMINS), viewers(EVE, GUEST)),
                approvals=(ApprovalSettings(vms=("dc*",), actions=("apply", "delete"), by=(ADMINS,)),),
            ),
        )

    def types(self, who: str, text: str) -> None:
        typed = Typed(f"typed {next(self.deliveries)}", TEAM, Origin(CHANNEL, who), text)
        self.at_desk(partial(self.arrives, typed))

    def pressed(self, who: str, row: ChangeRow, action: str) -> Pressed:
        delivery = f"pressed {next(self.deliveries)}"
        return Pressed(delivery, TEAM, Origin(CHANNEL, who), action, row.id, row.message)

    def press_it(self, *clicks: Pressed) -> None:
        self.at_desk(*(partial(self.arrives, click) for click in clicks))

    def arrives(self, request: Typed | Pressed) -> None:
        desk = self.core.desk
        if desk.arrived(request):
            desk.typed(request) if isinstance(request, Typed) else desk.pressed(request)

    def at_desk(self, *acts: Callable[[], None]) -> None:
        """At the same moment, on threads of the bot, which nobody waits for when it has died."""
        life, defects = self.life, list[Exception]()

        def carry_out(act: Callable[[], None]) -> None:
            try:
                act()
            except Died:
                pass
            except Exception as defect:
                defects.append(defect)

        threads = [Thread(target=carry_out, args=(act,), daemon=True) for act in acts]
        for thread in threads:
            thread.start()
        self.wait(lambda: life.over or not any(thread.is_alive() for thread in threads))
        if defects and not life.over:
            raise defects[0]

    def rows(self) -> list[ChangeRow]:
        """Newest first."""
        ids = [entry.change_id for entry in self.core.ledger.history.find(limit=1000)]
        return [row for row in map(self.core.ledger.changes.get, ids) if row is not None]

    def planned(self) -> list[ChangeRow]:
        """Those that were not refused at once, newest first."""
        return [
            row
            for row in self.rows()
            if row.plan is not None and (row.message is not None or row.state != ChangeState.DENIED)
        ]

    def pressable(self) -> list[ChangeRow]:
        """Those that wait for an answer first."""
        return sorted(self.planned(), key=lambda row: row.state != ChangeState.AWAITING)

    def vms(self) -> list[SimulatedVM]:
        return [vm for host in self.hosts.values() for vm in host.all()]

    def find(self, name: str) -> tuple[SimulatedVM, WatchedHost]:
        return next((vm, host) for host in self.hosts.values() for vm in host.all() if vm.name == name)

    def some_checkpoint(self, vms: str, number: int) -> str:
        if "," in vms:
            return "golden"
        there = self.find(vms)[0].ordered()
        return there[number % len(there)].id if there else "none"

    def confirm(self, who: str) -> None:
        """Press yes on the card of what was just asked for."""
        self.wait(lambda: not self.rows() or self.rows()[0].state != ChangeState.REQUESTED, 2.0)
        for row in self.planned()[:1]:
            self.press_it(self.pressed(who, row, "confirm"))

    @contextmanager
    def in_trouble(self, verb: str, vm: str, fault: Fault | None, meanwhile: str) -> Iterator[None]:
        """The fault strikes what is asked for meanwhile."""
        faults = self.find(vm)[1].faults
        faults.disarm()
        if meanwhile in MOMENTS:
            self.wake()
            self.life.ends(at=f"{meanwhile} {CMDLETS[verb]}")
        if fault:
            faults.arm(fault)
        if meanwhile == "away":
            faults.arm(Fault(FaultKind.SLOW, CMDLETS[verb], seconds=0.1))
        yield
        if meanwhile == "away":
            self.wait(lambda: not self.rows() or self.rows()[0].state != ChangeState.QUEUED, 0.3)
            faults.arm(AWAY)

    def wait(self, over: Callable[[], bool], seconds: float = DEADLINE) -> bool:
        return comes(over, seconds)

    def story(self) -> Iterator[str]:
        """What a person needs who is to find out why."""
        for row in reversed(self.rows()):
            yield f"{row.number} {row.id[:8]} {row.summary} by {row.person_name}: {row.state} {row.reason} {row.result}"
            yield from (
                f"    {e.seq} {e.event} {e.why} {dict(e.detail) if e.event == 'sent' else ''}"
                for e in self.core.ledger.events.of(row.id)
            )
            begun = {one: self.core._durable.stands(f"{row.id}{one}") for one in ("", "-answer", "-expiry")}
            yield f"    its workflows: {begun}, answered by {self.core.changes.answered_by(row.id)}"
        yield from (f"told: {message.text}" for message in self.board.whispers[-5:])
        for host in self.hosts.values():
            yield from (f"{host.name}: {effect}" for effect in host.effects)
            yield from (f"{host.name} by hand: {effect}" for effect in host.by_hand)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=ORDERS or 12,
    stateful_step_count=30 if ORDERS else 12,
    deadline=None,
    derandomize=not ORDERS,
    database=None,
    phases=(Phase.generate,),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.usefixtures("jobs_on_postgresql")
class TestAnyOrderOnPostgreSQL(AnyOrder.TestCase):  # type: ignore[name-defined,misc]
    """A look, so that every run has one; with `--database postgresql` the others are there."""

    settings = settings(TestAnyOrder.settings, max_examples=2, stateful_step_count=6)
