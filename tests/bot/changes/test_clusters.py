"""Every change verb on a cluster that the bot reaches itself, with something happening to its node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.base import CheckpointType, OperationFailed
from backends.simulator.fleets.seed import add_clustered_vm
from commands.base import Create, Target
from tests.bot.changes.contract_moments import QUICK, ClusterMoments, bench
from tests.support.clusters import CLUSTER, ClusterWorld, WaitingBackend
from tests.support.headquarters import Headquarters


class Clustered(Headquarters):
    """The bot of a cluster."""

    def in_process(self, *_: object) -> dict[str, WaitingBackend]:  # type: ignore[override]
        return {CLUSTER: self.cluster}

    def __init__(self, folder: Path, cluster: WaitingBackend) -> None:
        super().__init__(folder)
        self.cluster = cluster


def test_what_waited_for_a_vm_on_its_way_is_not_sent_once_everything_is_frozen(tmp_path: Path) -> None:
    world = ClusterWorld(durations=QUICK)
    vm = add_clustered_vm(world.nodes["hv01"], "web01")
    cluster = world.backend()
    with Clustered(tmp_path, cluster) as hq:
        hq.type("freeze")

        with pytest.raises(OperationFailed, match="has frozen everything"):
            cluster.create(vm.id, "x")

        assert not vm.checkpoints


def test_a_freeze_lets_what_was_begun_be_set_right(tmp_path: Path) -> None:
    with bench(tmp_path, ClusterWorld(durations=QUICK)) as made:
        vm = made.vm_model
        made.frozen = lambda: "All is frozen." if vm.checkpoint_type is CheckpointType.STANDARD else ""
        made.backends[CLUSTER].ask_first(made.env.refuse_if_frozen)  # type: ignore[attr-defined]
        before = vm.checkpoint_type
        target = Target.of(made.backends[CLUSTER].vm(vm.id))

        outcome = made.perform(Create("x", checkpoint_type=CheckpointType.STANDARD), target)

        assert "All is frozen." in outcome.sentence
        assert vm.checkpoint_type is before
        assert [one.name for one in vm.checkpoints.values()] == ["first", "second"]


class TestCluster(ClusterMoments):
    @pytest.fixture
    def make_world(self) -> Callable[[], ClusterWorld]:
        return lambda: ClusterWorld(durations=QUICK)
