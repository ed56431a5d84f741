"""A cluster between bot and workers: what a change waits for, and what bot and worker have to agree on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Event, Thread
from typing import Any

import pytest

from backends.base import BackendError, Unreachable
from backends.simulator.fleets.seed import DAY, Past, add_clustered_vm, add_vm
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.machines import SimulatedVM
from backends.sites import worker
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller
from backends.sites.cluster import SiteCluster
from backends.sites.signing import CLUSTERS, Key, Newer
from tests.backends.sites.conftest import HASTY, SECRET, Site, SitedClusterWorld
from tests.support.clusters import CLUSTER
from tests.support.waiting import DEADLINE


@pytest.fixture
def world(site: Site) -> SitedClusterWorld:
    return SitedClusterWorld(site)


@pytest.fixture
def vm(world: SitedClusterWorld) -> SimulatedVM:
    return add_clustered_vm(world.nodes["hv01"], "web01", past=[Past("first", DAY)])


@pytest.fixture
def other_bot(site: Site) -> Iterator[Caller]:
    caller = Caller(site.url, {"lyon": site.key}, patience=HASTY)
    yield caller
    caller.close()


# ---------------------------------------------------------------- a change that waits


def test_a_change_that_has_waited_is_asked_about_again_before_it_is_sent(
    world: SitedClusterWorld, vm: SimulatedVM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AT_LEAST", 0.0)
    world.cluster.migrate(vm.id, "hv03")

    world.backend().create(vm.id, "after it")

    assert [one.name for one in vm.ordered()] == ["first", "after it"]


def test_a_change_that_waits_while_its_bot_ends_is_never_begun(
    world: SitedClusterWorld, vm: SimulatedVM, other_bot: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot that is started next looks, finds that it did not happen, and does it itself."""
    monkeypatch.setattr(worker, "AT_LEAST", 0.0)
    monkeypatch.setattr(worker, "LET_WITHIN", 0.2)
    world.backend()
    waits, goes_on = Event(), Event()

    def sleep(seconds: float) -> None:
        waits.set()
        goes_on.wait(DEADLINE)
        world.clock.advance(seconds)

    monkeypatch.setattr(world.site.cluster.now, "_sleep", sleep)
    dying, told, ended = SiteCluster(CLUSTER, "lyon", other_bot), [], []
    dying.tell_waits(lambda vm_id, why: told.append((vm_id, bool(why))))

    def create() -> None:
        try:
            dying.create(vm.id, "lost")
        except BackendError as error:
            ended.append(error)

    world.cluster.migrate(vm.id, "hv03")
    thread = Thread(target=create, daemon=True)
    thread.start()
    assert waits.wait(DEADLINE)
    other_bot.close()
    goes_on.set()
    thread.join(DEADLINE)

    (error,) = ended
    assert isinstance(error, Unreachable)
    assert error.unchanged
    assert "does not wait" in error.sentence
    assert [one.name for one in vm.ordered()] == ["first"]
    assert told in ([], [(vm.id, True), (vm.id, False)])


# ---------------------------------------------------------------- what both have to agree on


def test_what_is_a_cluster_for_one_of_the_two_and_a_host_for_the_other_is_said(site: Site) -> None:
    add_vm(site.host, "web01")
    for wrong in (SiteBackend(CLUSTER, "lyon", site.caller), SiteCluster("hv01", "lyon", site.caller)):
        with pytest.raises(Unreachable, match="under clusters in the settings of the bot or of the worker"):
            wrong.inventory()


def test_a_worker_of_before_clusters_is_said_to_be_upgraded_and_reaches_its_hosts(
    site: Site, world: SitedClusterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EarlierKey(Key):
        def open(self, text: object) -> tuple[str, Mapping[str, Any]]:
            kind, body = super().open(text)
            if body["version"] >= CLUSTERS:
                raise Newer(body)
            return kind, body

    monkeypatch.setattr(site.worker, "_key", EarlierKey("lyon", SECRET))

    with pytest.raises(Unreachable, match=r"worker of the site .*lyon.* is older than its bot.*upgrade the worker"):
        world.backend().inventory()
    assert site.backend.inventory().host == "hv01"


# ---------------------------------------------------------------- what another worker has seen


def test_what_one_worker_has_seen_of_a_node_that_is_silent_stays_while_another_has_seen_nothing(
    world: SitedClusterWorld, vm: SimulatedVM
) -> None:
    local = add_vm(world.nodes["hv01"], "local01")
    backend = world.backend(entrance="hv02")
    before = backend.inventory()
    backend.create(vm.id, "second")
    backend.vm(vm.id)
    world.nodes["hv01"].faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=None))
    world.site.cluster.begin(world.reach(entrance="hv02"))

    seen = backend.inventory()

    assert {one.vm.name: [c.name for c in one.checkpoints] for one in seen.vms} == {
        "web01": ["first", "second"],
        "local01": [],
    }
    assert {one.vm_id for one in seen.unreadable} == {vm.id, local.id}
    silent = next(one for one in seen.nodes if one.name == "hv01")
    assert (silent.answers, silent.vms, silent.checkpoints, silent.seen_at) == (False, 2, 2, before.taken_at)


def test_a_vm_that_is_gone_from_a_node_that_answers_is_gone(world: SitedClusterWorld, vm: SimulatedVM) -> None:
    local = add_vm(world.nodes["hv01"], "local01")
    backend = world.backend()
    assert len(backend.inventory().vms) == 2
    del world.nodes["hv01"].vms[local.id]
    assert [one.vm.name for one in backend.inventory().vms] == ["web01"]
