"""The two hosts of the demo, with a history in which most of what can happen to checkpoints has happened; and a small
cluster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backends.base import CheckpointType, OperationalStatus, SnapshotType, VMState
from backends.simulator.fleets.seed import DAY, HOUR, TB, Past, add_clustered_vm, add_vm, new_cluster, new_host
from backends.simulator.model.clock import Clock, SystemClock
from backends.simulator.model.enums import ReplicationState
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import Vss
from backends.simulator.model.storage import GB, MB, VolumeSpace

CLUSTER, NODES = "prod", ("hv11", "hv12")
"""The cluster that a demo may have besides, and its nodes."""

SLOW_WRITER = 300.0 * MB / DAY
WRITER = 2.0 * GB / DAY
HEAVY_WRITER = 12.0 * GB / DAY

NIGHTLY, NIGHTS = "nightly", 5
"""What a schedule has taken of `crm01` and `crm02` at two in the morning, and of how many nights it is there."""
MISSED = 3
"""The night of those, counted back, on which one of the two could not be taken."""

DURATIONS = Durations(scale=0.5, merge=10.0)
"""Quick enough to watch, slow enough to see progress."""


def demo_fleet(now: datetime, *, clock: Clock | None = None, durations: Durations = DURATIONS) -> list[SimulatedHost]:
    """`hv01` and `hv02`. With a `clock` of the caller's, `now` is where its history ends; without, time goes on from
    there as the machine's does."""
    clock = clock or _Offset(now)
    nights = list(nights_before(now, NIGHTS))
    first = new_host("hv01", clock=clock, durations=durations, data_size=4 * TB, data_other=900 * GB)
    second = new_host("hv02", clock=clock, durations=durations, data_size=2 * TB, data_other=600 * GB)
    _fill_first(first)
    _fill_second(second)
    for name, left_out in (("crm01", None), ("crm02", nights[-MISSED])):
        taken = [night for night in nights if night != left_out]
        past = [Past(nightly(night), (now - night).total_seconds(), 2 * GB) for night in taken]
        add_vm(first, name, write_rate=WRITER, past=past)
    return [first, second]


def demo_cluster(now: datetime, *, clock: Clock | None = None, durations: Durations = DURATIONS) -> list[SimulatedHost]:
    """The two nodes of `prod`, with three VMs on their shared volumes."""
    first, second = new_cluster(CLUSTER, NODES, clock=clock or _Offset(now), durations=durations)
    add_clustered_vm(first, "shop01", past=[Past("before-sale", 11 * DAY, 12 * GB)])
    add_clustered_vm(first, "shop02", past=[Past("before-sale", 11 * DAY, 9 * GB)])
    add_clustered_vm(second, "erp01", past=[Past("before-year-end", 3 * DAY, 4 * GB)])
    return [first, second]


def nights_before(now: datetime, count: int) -> Iterator[datetime]:
    """Two in the morning of that many days up to now, oldest first."""
    last = now.astimezone(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
    last -= timedelta(days=1) if last >= now else timedelta()
    return (last - timedelta(days=back) for back in reversed(range(count)))


def nightly(night: datetime) -> str:
    """What the schedule called the checkpoint that it took then."""
    return f"{NIGHTLY} {night:%Y-%m-%d %H.%M}"


def _fill_first(host: SimulatedHost) -> None:
    add_vm(
        host,
        "web01",
        write_rate=WRITER,
        past=[Past("before-december-patches", 41 * DAY, 18 * GB), Past("nginx-1.27", 9 * DAY, 5 * GB)],
    )
    add_vm(host, "web02", write_rate=WRITER, past=[Past("before-december-patches", 41 * DAY, 21 * GB)])
    add_vm(host, "web03", write_rate=SLOW_WRITER, past=[Past("before-tls-change", 12.5 * DAY, 3 * GB)])
    add_vm(
        host,
        "app01",
        checkpoint_type=CheckpointType.STANDARD,
        write_rate=WRITER,
        memory=8 * GB,
        past=[
            Past("clean install", 88 * DAY, 9 * GB),
            Past("release 4.1", 30 * DAY, 11 * GB, has_memory=True),
            Past("release 4.2", 2 * DAY, 3 * GB, has_memory=True),
        ],
    )
    add_vm(host, "app02", checkpoint_type=CheckpointType.STANDARD, state=VMState.OFF, past=[Past("golden", 63 * DAY)])
    add_vm(
        host,
        "sql01",
        disks=(80 * GB, 400 * GB),
        memory=32 * GB,
        write_rate=HEAVY_WRITER,
        past=[Past("before-cu14", 17 * DAY, 140 * GB)],
    )
    add_vm(
        host,
        "dc01",
        checkpoint_type=CheckpointType.PRODUCTION_ONLY,
        write_rate=SLOW_WRITER,
        past=[Past("before-schema-update", 12 * DAY, 2 * GB)],
    )
    add_vm(
        host, "legacy01", vss=Vss.FAILING, write_rate=SLOW_WRITER, past=[Past("before move", 55 * DAY, 6 * GB, True)]
    )
    replica = add_vm(
        host,
        "erp01-replica",
        state=VMState.OFF,
        past=[
            Past("erp01-replica - Replica", 2 * HOUR, 400 * MB, type=SnapshotType.REPLICA),
            Past("erp01-replica - Standard Replica", HOUR, 300 * MB, type=SnapshotType.APP_CONSISTENT_REPLICA),
        ],
    )
    replica.replication = ReplicationState.REPLICATING
    add_vm(host, "lab[1]", checkpoint_type=CheckpointType.STANDARD, past=[Past("start [clean]", 20 * DAY, 4 * GB)])
    add_vm(host, "test01", checkpoint_type=CheckpointType.STANDARD, past=[Past("daily", 8 * DAY, 2 * GB, True)])


def _fill_second(host: SimulatedHost) -> None:
    add_vm(
        host,
        "build01",
        checkpoint_type=CheckpointType.STANDARD,
        memory=16 * GB,
        write_rate=HEAVY_WRITER,
        past=[Past("toolchain 17", 26 * DAY, 38 * GB), Past("toolchain 18", 3 * DAY, 14 * GB, has_memory=True)],
    )
    add_vm(host, "build02", state=VMState.SAVED, memory=16 * GB, past=[Past("toolchain 17", 26 * DAY, 9 * GB)])
    desktop = add_vm(
        host,
        "desktop07",
        checkpoint_type=CheckpointType.STANDARD,
        past=[Past("Automatic Checkpoint - desktop07", 12 * DAY, 7 * GB, automatic=True)],
    )
    desktop.automatic_checkpoints = True
    add_vm(
        host,
        "file01",
        disks=(60 * GB, 500 * GB),
        write_rate=WRITER,
        past=[
            Past("before-quota-change", 33 * DAY, 60 * GB),
            Past("file01 - Backup", 6 * DAY, 22 * GB, type=SnapshotType.RECOVERY),
        ],
    )
    backed_up = add_vm(host, "mail01", memory=16 * GB, write_rate=WRITER)
    backed_up.busy_with = OperationalStatus.BACKING_UP
    host.storage.volumes.append(VolumeSpace("E:\\", 600 * GB, label="Archive"))
    add_vm(
        host,
        "archive01",
        disks=(600 * GB,),
        folder="E:\\Hyper-V\\",
        write_rate=272 * GB / (87 * DAY),  # as it has, and 28 GB are left: nine days
        past=[Past("before-reindex", 87 * DAY, 272 * GB)],
    )
    add_vm(host, "test01", state=VMState.OFF, past=[Past("daily", 5 * DAY)])
    add_vm(host, "test02", state=VMState.PAUSED, checkpoint_type=CheckpointType.STANDARD)
    add_vm(host, "test03", checkpoint_type=CheckpointType.DISABLED, state=VMState.OFF)
    add_vm(host, "テスト環境", checkpoint_type=CheckpointType.STANDARD, past=[Past("更新前", 10 * DAY, 3 * GB, True)])


class _Offset(SystemClock):
    """The machine's time, moved so that it is `now` at the start."""

    def __init__(self, now: datetime) -> None:
        self._ahead = now.timestamp() - super().__call__()

    def __call__(self) -> float:
        return super().__call__() + self._ahead
