"""What is asked for in each scenario, and what must be on the host afterwards, whatever was killed when."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backends.base import CheckpointType, VMState
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.host import Durations
from backends.simulator.model.storage import GB
from tests.crash.hosts import CHANGES, Picture
from tests.crash.past import Past, a_missed_run, a_schedule, a_time_that_is_over

QUICK = Durations(
    create=0.15, apply=0.15, remove=0.15, start=0.15, merge=0.15, memory_rate=100.0 * GB, merge_rate=100.0 * GB
)
LONG = replace(QUICK, create=3.0, apply=3.0, remove=3.0, start=3.0)
"""Longer than the bot takes to start again."""

BEFORE = Picture(VMState.RUNNING, CheckpointType.PRODUCTION, "later", ("good", "later"))


@dataclass(frozen=True)
class Scenario:
    """Commands, and what comes by the clock, that all succeed on the VMs of `fleet_host`."""

    name: str
    types: tuple[str, ...]
    effects: tuple[str, ...]
    """What takes effect on the host, each once."""
    after: dict[str, Picture]
    """The VMs that are not as `BEFORE` afterwards."""
    durations: Durations = QUICK
    hesitation: float = 0.0
    """Seconds that the host lets pass before it begins a change."""
    by_the_clock: int = 0
    """How many changes come by the clock, beside those that are typed."""
    past: Past | None = None
    """What the ledger has before it begins."""
    run: str = ""
    """What the message of a schedule's run says in the end."""
    notice: str = ""
    """What its owner is told alone, with a look an hour later."""

    @property
    def changes(self) -> int:
        """How many the ledger has in the end."""
        return len(self.types) + self.by_the_clock

    @property
    def outlasts_the_bot(self) -> bool:
        """What was begun on the host goes on while the bot starts again."""
        return self.durations == LONG or self.hesitation > 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        if not self.hesitation:
            return ()
        return tuple(Fault(FaultKind.SLOW, name, times=None, seconds=self.hesitation) for name in CHANGES)


def on_a_slow_host(scenario: Scenario) -> Scenario:
    return replace(scenario, name=f"{scenario.name}, slow host", durations=LONG)


def on_a_hesitant_host(scenario: Scenario) -> Scenario:
    return replace(scenario, name=f"{scenario.name}, hesitant host", hesitation=3.0)


def _with(name: str) -> Picture:
    return replace(BEFORE, current=name, checkpoints=(*BEFORE.checkpoints, name))


GROUP = ("web01", "web02", "web03")

CREATE = Scenario("create", ("web01 fresh",), ("web01: create fresh",), {"web01": _with("fresh")})
OTHER_TYPE = Scenario(
    "create, other type", ("web01 fresh --type standard",), ("web01: create fresh",), {"web01": _with("fresh")}
)
APPLY = Scenario(
    "apply",
    ("apply web01 good",),
    ("web01: create safety", "web01: apply good", "web01: start"),
    {"web01": replace(BEFORE, current="good", checkpoints=(*BEFORE.checkpoints, "safety"))},
)
DELETE = Scenario(
    "delete",
    ("delete web01 later",),
    ("web01: remove later",),
    {"web01": replace(BEFORE, current="good", checkpoints=("good",))},
)
GROUP_CREATE = Scenario(
    "create on three",
    ("create web01,web02,web03 fresh",),
    tuple(f"{vm}: create fresh" for vm in GROUP),
    {vm: _with("fresh") for vm in GROUP},
)
GROUP_DELETE = Scenario(
    "delete on three",
    ("delete web01,web02,web03 good",),
    tuple(f"{vm}: remove good" for vm in GROUP),
    {vm: replace(BEFORE, checkpoints=("later",)) for vm in GROUP},
)
QUEUED = Scenario(
    "one behind the other",
    ("web01 fresh", "keep web01 good 7d"),
    ("web01: create fresh",),
    {"web01": _with("fresh")},
    durations=replace(QUICK, create=1.0),
)

SCHEDULED = Scenario(
    "scheduled run",
    ("schedule run nightly",),
    tuple(f"{vm}: {what}" for vm in GROUP[:2] for what in ("create nightly", "remove good")),
    {vm: replace(BEFORE, current="nightly", checkpoints=("later", "nightly")) for vm in GROUP[:2]},
    by_the_clock=3,
    past=a_schedule,
    run="of web01 and web02. 2 older ones deleted.",
)
MISSED = replace(SCHEDULED, name="missed run", types=(), past=a_missed_run)
EXPIRY = Scenario(
    "expiry",
    (),
    ("web01: remove later",),
    {"web01": replace(BEFORE, current="good", checkpoints=("good",))},
    by_the_clock=1,
    past=a_time_that_is_over,
    notice="later of web01 is deleted: its time was over.",
)

SCENARIOS = (CREATE, OTHER_TYPE, APPLY, DELETE, GROUP_CREATE, GROUP_DELETE, QUEUED, SCHEDULED, MISSED, EXPIRY)
HARDER = (
    *map(on_a_slow_host, (CREATE, APPLY, DELETE, GROUP_CREATE)),
    *map(on_a_hesitant_host, (CREATE, OTHER_TYPE, APPLY, DELETE)),
)
