"""Metrics for Prometheus: of checkpoints, hosts, changes, and the bot itself.

Names follow Prometheus' conventions: base units, `_total` for what only grows, timestamps and not ages. A VM has at
most 10 series (today 7), and there is a limit on all. All is read from memory or from an index; no host is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from backends.base import VMInventory
from bot.changes import verbs
from bot.fleet.inventory import Inventory
from bot.ledger import ChangeState, Ledger
from bot.operations.exposition import Labels
from commands.base.health import ORDER

MOST_VMS, MOST_VOLUMES = 10_000, 2_000
"""Beyond these, what is left out is counted."""

PREFIX = "checkpointbot"
VM_LABELS = ("host", "vm", "vm_id")
"""The id too: a host may have two VMs of one name."""

VERDICTS = {str(verdict): number for number, verdict in enumerate(reversed(ORDER))}
"""The graver, the higher."""

ACK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
"""Slack waits three seconds."""
CHANGE_BUCKETS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures come from."""

    inventory: Inventory
    ledger: Ledger
    data_dir: Path
    stale_after: timedelta
    clock: Callable[[], datetime]
    connections: Callable[[], int]
    """Connections to Slack that hold."""
    scheduler: Callable[[], bool]
    """What happens by the clock does happen."""
    waiting: Callable[[], int]
    """Requests that wait for a thread."""
    stream_lag: Callable[[], int] | None = None
    """Events that the receiver of the audit stream has not taken yet; None where there is none."""


class Metrics:
    """A registry of its own: nothing else of the process is in it."""

    def __init__(self, sources: Sources) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began is of use to nobody here, and is a series more for each
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        self.acks = Histogram(
            f"{PREFIX}_ack_duration_seconds",
            "From when a delivery of Slack came until its acknowledgement had left.",
            buckets=ACK_BUCKETS,
            registry=self.registry,
        )
        durations = Histogram(
            f"{PREFIX}_change_duration_seconds",
            "From when a change was let go to its end.",
            ("verb",),
            buckets=CHANGE_BUCKETS,
            registry=None,
        )
        self.registry.register(_Bot(sources))
        self.registry.register(_Changes(sources, durations))
        self.registry.register(_Fleet(sources))


def _gauge(name: str, text: str, samples: Iterable[tuple[Sequence[str], float]], labels: Sequence[str] = ()) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _of_vms(name: str, text: str, samples: Iterable[tuple[Labels, float]]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=VM_LABELS)
    family.samples = [Sample(family.name, labels, value) for labels, value in samples]
    return family


def _one(name: str, text: str, value: float) -> Metric:
    return _gauge(name, text, [((), value)])


@dataclass(frozen=True, slots=True, eq=False)
class _Bot(Collector):
    sources: Sources

    def collect(self) -> Iterator[Metric]:
        sources = self.sources
        info = [((version("hyperv-checkpoint-bot"),), 1.0)]
        yield _gauge("build_info", "The version of the bot.", info, ("version",))
        yield _one("slack_connections", "Connections to Slack that hold.", sources.connections())
        yield _one("scheduler_up", "Whether what is due by the clock is begun.", sources.scheduler())
        yield _one("requests_waiting", "Requests that no thread has taken up yet.", sources.waiting())
        yield _one(
            "stale_after_seconds", "The age from which a checkpoint is stale.", sources.stale_after.total_seconds()
        )
        if sources.stream_lag is not None:
            text = "Events that the receiver of the audit stream has not taken yet."
            yield _one("audit_stream_lag_events", text, sources.stream_lag())
        for name in ("ledger", "jobs"):
            size = sum(_size(sources.data_dir / f"{name}.db{end}") for end in ("", "-wal"))
            yield _one(f"{name}_size_bytes", f"What {name}.db takes on its volume.", size)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@dataclass(slots=True, eq=False)
class _Changes(Collector):
    """Of the ledger. What ended since the last look is counted into the histogram."""

    sources: Sources
    durations: Histogram
    _seen: int = field(init=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """What ended before the bot began was counted by the process that was there. Every verb is on the page from the
        start: to Prometheus, what comes from nothing is no rise."""
        for verb in verbs.verbs():
            self.durations.labels(verb)
        self._seen = self.sources.ledger.audit.head().seq

    def collect(self) -> Iterator[Metric]:
        figures = self.sources.ledger.figures
        over = CounterMetricFamily(
            f"{PREFIX}_changes", "Changes that are over, by how they ended.", labels=("verb", "state")
        )
        is_open = GaugeMetricFamily(f"{PREFIX}_changes_open", "Changes that are not over.", labels=("verb", "state"))
        for (verb, state), count in figures.changes().items():
            (over if ChangeState(state).final else is_open).add_metric((verb, state), count)
        yield over
        yield is_open
        with self._lock:
            self._count()
        yield from self.durations.collect()
        events = CounterMetricFamily(f"{PREFIX}_ledger_events", "Events in the ledger's chain.")
        events.add_metric((), self._seen)
        yield events

    def _count(self) -> None:
        ended, self._seen = self.sources.ledger.figures.ended_since(self._seen)
        for one in ended:
            self.durations.labels(one.verb).observe(one.seconds)


Sizes = tuple[VMInventory, int | None, bool | None]
"""A VM, what the files of its checkpoints take, and whether a merge is still to come."""


@dataclass(frozen=True, slots=True, eq=False)
class _Fleet(Collector):
    """As last seen."""

    sources: Sources
    _sizes: dict[str, Sizes] = field(default_factory=dict)
    """Of the last scrape: disks are looked at once an hour, and to go through them takes the most time."""

    def collect(self) -> Iterator[Metric]:
        hosts = self.sources.inventory.hosts()
        yield _gauge("host_up", "Whether the host answered last.", [((h.name,), h.reachable) for h in hosts], ("host",))
        seen = [((h.name,), h.seen_at.timestamp()) for h in hosts if h.seen_at]
        yield _gauge("host_last_seen_timestamp_seconds", "When the host answered last.", seen, ("host",))
        read = [((host,), at.timestamp()) for host, at in self.sources.inventory.disks_read().items()]
        text = "When the disks of the host's VMs were read last."
        yield _gauge("host_disks_seen_timestamp_seconds", text, read, ("host",))
        yield _gauge("host_vms", "VMs on the host.", [((h.name,), h.vms) for h in hosts], ("host",))
        yield from self._volumes()
        yield from self._vms()

    def _volumes(self) -> Iterator[Metric]:
        seen = [(i.host, v) for i in self.sources.inventory.inventories(disks=True) for v in i.volumes or ()]
        labels, shown = ("host", "volume"), seen[:MOST_VOLUMES]
        sizes = [((host, volume.path), volume.size) for host, volume in shown]
        yield _gauge("volume_size_bytes", "The size of a volume of a host.", sizes, labels)
        free = [((host, volume.path), volume.free) for host, volume in shown]
        yield _gauge("volume_free_bytes", "What is free on a volume of a host.", free, labels)
        yield _one("volumes_left_out", "Volumes beyond the limit on series.", len(seen) - len(shown))

    def _vms(self) -> Iterator[Metric]:
        inventory = self.sources.inventory
        every = inventory.seen()
        shown = [(_labels(one), one) for one in every[:MOST_VMS]]
        yield _of_vms("vm_checkpoints", "Checkpoints of a VM.", [(ls, len(one.checkpoints)) for ls, one in shown])
        figures, now = self.sources.ledger.figures, self.sources.clock()
        held = figures.kept(now)
        taken = [(ls, one.checkpoints) for ls, one in shown if one.checkpoints]
        oldest = [(ls, min(c.created for c in some).timestamp()) for ls, some in taken]
        name = "vm_oldest_checkpoint_timestamp_seconds"
        yield _of_vms(name, "When the oldest checkpoint of a VM was taken.", oldest)
        free = [(ls, [c.created for c in some if c.id not in held]) for ls, some in taken]
        name = "vm_oldest_unkept_checkpoint_timestamp_seconds"
        text = "When the oldest checkpoint of a VM was taken that nobody keeps."
        yield _of_vms(name, text, [(ls, min(some).timestamp()) for ls, some in free if some])
        verdicts = figures.verdicts()
        judged = [(ls, VERDICTS[said]) for ls, one in shown if (said := verdicts.get(one.vm.id)) in VERDICTS]
        yield _of_vms("vm_verdict", "The verdict on a VM: 0 Fine, 1 Cannot tell, 2 Look, 3 Hold.", judged)
        until = figures.keep_until(now)
        kept = [(ls, until[one.vm.id].timestamp()) for ls, one in shown if one.vm.id in until]
        name = "vm_keep_until_timestamp_seconds"
        yield _of_vms(name, "Until when a VM's checkpoint is kept that may go first.", kept)
        yield from self._disks(shown)
        yield _one("vms_left_out", "VMs beyond the limit on series.", len(every) - len(shown))

    def _sizes_of(self, one: VMInventory) -> Sizes:
        known = self._sizes.get(one.vm.id)
        if known is None or known[0] is not one:
            known = self._sizes[one.vm.id] = (one, one.differencing_bytes, one.merge_pending)
        return known

    def _disks(self, shown: Iterable[tuple[Labels, VMInventory]]) -> Iterator[Metric]:
        """As of the last look with disks: a VM may have been elsewhere then."""
        every = self.sources.inventory.seen(disks=True)[:MOST_VMS]
        for gone in self._sizes.keys() - {one.vm.id for one in every}:
            self._sizes.pop(gone, None)
        known = {one.vm.id: (one.vm, labels) for labels, one in shown}
        deep = []
        for one in every:
            vm, labels = known.get(one.vm.id, (None, None))
            same = vm is not None and (vm.host, vm.name) == (one.vm.host, one.vm.name)
            deep.append((labels if labels is not None and same else _labels(one), self._sizes_of(one)))
        grown = [(ls, size) for ls, (_, size, _) in deep if size is not None]
        yield _of_vms("vm_differencing_bytes", "What the files of a VM's checkpoints take.", grown)
        merging = [(ls, pending) for ls, (_, _, pending) in deep if pending is not None]
        yield _of_vms("vm_merge_pending", "Whether disks of deleted checkpoints are still to be merged.", merging)


def _labels(one: VMInventory) -> Labels:
    return Labels(zip(VM_LABELS, (one.vm.host, one.vm.name, one.vm.id), strict=True))
