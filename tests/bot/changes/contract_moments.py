"""Every change verb on a VM of a cluster, with something happening to its node at every moment of it.

The moments are not picked: each change is carried out once to count them, right before every cmdlet and in the middle
of every job, and then once for each of them. Nothing is lost, nothing is done twice, and no VM is said to be gone.
`CHECKPOINTBOT_ALL_MOMENTS=1` takes all of them; without it every so many are taken. A test module gives the fixture
`make_world` to a class of this.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest

from backends.base import CheckpointType, VMState
from backends.simulator.fleets.seed import DAY, Past, add_clustered_vm
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import SimulatedVM
from bot.changes.outcome import Outcome
from bot.ledger import ChangeState
from commands.base import Action, Apply, Configure, Create, Delete, Export, Rename, Target
from tests.support.clusters import CLUSTER, ClusterWorld
from tests.support.steps import PlainSteps
from tests.support.workbench import Workbench

ALL = bool(os.environ.get("CHECKPOINTBOT_ALL_MOMENTS"))

QUICK = Durations(scale=0.01)


@dataclass(frozen=True)
class Case:
    action: Action
    done: Callable[[SimulatedVM], int]
    """How often it has been done."""


def _named(name: str) -> Callable[[SimulatedVM], int]:
    return lambda vm: sum(one.name == name for one in vm.checkpoints.values())


CASES = {
    "create": Case(Create("x"), _named("x")),
    "create of another type": Case(Create("x", checkpoint_type=CheckpointType.STANDARD), _named("x")),
    "apply": Case(Apply(), lambda vm: vm.parent_id == vm.ordered()[0].id),
    "delete": Case(Delete(), lambda vm: 1 - _named("first")(vm)),
    "rename": Case(Rename("renamed"), _named("renamed")),
    "export": Case(Export("D:\\exports"), lambda vm: 1),
    "configure": Case(Configure(CheckpointType.STANDARD), lambda vm: vm.checkpoint_type is CheckpointType.STANDARD),
}

EVENTS = ("moves", "node dies", "node drains", "migrates")


class ClusterBench(Workbench):
    """A cluster in the place of its hosts."""

    def __init__(self, folder: Path, world: ClusterWorld) -> None:
        super().__init__(folder)
        self.world = world
        self.backends[CLUSTER] = self.world.backend()  # type: ignore[assignment]
        for host in ("hv01", "hv02"):
            del self.backends[host]
        self.inventory = type(self.inventory)(self.backends, self.clock, fresh_for=timedelta(0))
        object.__setattr__(self.env, "fleet", self.inventory)
        self.vm_model = add_clustered_vm(
            self.world.nodes["hv01"], "web01", past=[Past("first", 9 * DAY), Past("second", DAY)]
        )

    def happen(self, event: str) -> None:
        cluster, vm = self.world.cluster, self.vm_model
        node = next((name for name, host in self.world.nodes.items() if vm.id in host.vms), None)
        other = next(name for name in self.world.nodes if name != node)
        if node is None:
            return
        match event:
            case "moves" if vm.job is None:
                cluster.move(vm.id, other)
            case "migrates" if vm.job is None and vm.busy_with is None:
                cluster.migrate(vm.id, other)
            case "node dies":
                cluster.die(node)
            case "node drains":
                cluster.drain(node)


@contextmanager
def bench(folder: Path, world: ClusterWorld) -> Iterator[ClusterBench]:
    made = ClusterBench(folder, world)
    try:
        yield made
    finally:
        made.close()


def carry_out(bench: ClusterBench, case: Case, event: str, moment: int) -> Outcome:
    seen = bench.backends[CLUSTER].vm(bench.vm_model.id)
    first = next(one for one in seen.checkpoints if one.name == "first")
    takes_one = isinstance(case.action, Apply | Delete | Rename | Export)
    target = Target.of(seen, first if takes_one else None)
    moments = bench.world.moments
    moments.passed.clear()
    moments.at, moments.happens = moment, lambda: bench.happen(event)
    outcome = bench.perform(case.action, target, PlainSteps(on_sleep=bench.world.clock.advance))
    moments.at = -1
    return outcome


class ClusterMoments:
    AT_MOST = 2
    """Moments of each change that are taken."""

    counted: ClassVar[dict[tuple[str, str], int]] = {}
    """How many moments each change has, by the class and the verb."""

    def moments_of(self, verb: str, folder: Path, make_world: Callable[[], ClusterWorld]) -> int:
        key = type(self).__name__, verb
        if key not in self.counted:
            with bench(folder, make_world()) as counted:
                assert carry_out(counted, CASES[verb], "", -1).state is ChangeState.SUCCEEDED
                self.counted[key] = len(counted.world.moments.passed)
        return self.counted[key]

    @pytest.mark.parametrize("event", EVENTS)
    @pytest.mark.parametrize("verb", CASES)
    def test_a_change_is_done_once_whatever_happens_to_the_node_in_its_course(
        self, tmp_path: Path, verb: str, event: str, make_world: Callable[[], ClusterWorld]
    ) -> None:
        case, many = CASES[verb], self.moments_of(verb, tmp_path, make_world)
        apart = 1 if ALL else max(1, many // self.AT_MOST)
        first = Random(f"{verb} {event}").randrange(apart)
        for moment in range(first, many, apart):
            with bench(tmp_path / str(moment), make_world()) as world:
                outcome = carry_out(world, case, event, moment)
                check(world, case, outcome, f"{verb}: {event} at moment {moment} of {many}")


def check(bench: ClusterBench, case: Case, outcome: Outcome, when: str) -> None:
    vm, said = bench.vm_model, f"{when}: {outcome.key}: {outcome.sentence} ({outcome.cause})"
    bench.world.clock.advance(120)
    if isinstance(case.action, Export) and outcome.state is ChangeState.UNKNOWN:
        return  # no VM shows a trace of it, so nobody can tell
    assert outcome.key not in ("gone", "NotFound", "no answer"), said
    assert len(bench.world.where(vm.id)) == 1, said
    assert vm.state is VMState.RUNNING, said
    assert not vm.lost, said
    done = int(case.done(vm))
    assert done <= 1, said
    if outcome.state is ChangeState.SUCCEEDED:
        assert done == 1, said
    else:
        assert outcome.state in (ChangeState.FAILED, ChangeState.VOID), said
        assert outcome.unchanged, said
        assert done == 0 or isinstance(case.action, Export), said
    if not isinstance(case.action, Configure):
        assert vm.checkpoint_type is CheckpointType.PRODUCTION, said
