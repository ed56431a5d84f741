"""What the doctor says of hosts and clusters: each cause once, with what mends that cause."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from pydantic import SecretStr

from backends.base import (
    AuthenticationFailed,
    EventLog,
    Greeting,
    HostEvents,
    HostFacts,
    HostInventory,
    LogReading,
    LogTrouble,
    Part,
    TimedOut,
    Unreachable,
    Unseen,
)
from backends.cluster.whole import of_facts
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import add_clustered_vm, add_vm
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.operations.doctor import Seen, ask, hosts, in_short, logons_of, patterns
from bot.operations.doctor.findings import Check, State
from bot.settings import AccessSettings, ClusterSettings, HostDefaults, HostSettings, ScheduleSettings, Settings
from bot.slack.directory import SlackDirectory
from bot.slack.web import reading_client
from tests.support.clusters import CLUSTER, ClusterWorld
from tests.support.hosts import Hosts, empty_hosts
from tests.support.settings import NO_SLACK, owners

NOW = datetime(2026, 11, 28, tzinfo=UTC)
HELD = 0x80070020


def now() -> datetime:
    return datetime.now(UTC)


def looked(one: Seen, clusters: Sequence[str] = ()) -> list[Check]:
    return list(hosts.look(one, now, clusters))


@pytest.fixture
def fleet() -> Hosts:
    made = Hosts(empty_hosts())
    add_vm(made.host("hv01"), "web01")
    return made


def seen(fleet: Hosts) -> Seen:
    return next(one for one in ask(fleet.in_process()) if one.host == "hv01")


# ---------------------------------------------------------------- what a host does not show


def test_a_disk_that_a_backup_holds_is_no_missing_right(fleet: Hosts) -> None:
    fleet.host("hv01").faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-VHD", None, code=HELD))

    (check,) = looked(seen(fleet))

    assert "Not all of its disks" in check.said
    assert "0x80070020" in check.said
    assert "look again in some minutes" in check.mend
    assert "Administrators" not in check.line


def test_disks_that_the_account_may_not_see_are_a_missing_right(fleet: Hosts) -> None:
    fleet.host("hv01").faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-VHD", None))

    (check,) = looked(seen(fleet))

    assert "disks" in check.said
    assert "Hyper-V Administrators" in check.mend


def test_volumes_that_took_too_long_are_told_with_the_cause() -> None:
    lost = Unseen(Part.VOLUMES, "hv01: no answer\nwithin 30 s.")
    inventory = HostInventory("hv01", NOW, cannot_show=(lost,))

    (check,) = looked(Seen("hv01", inventory, HostFacts(Greeting())))

    assert check.said == "Not all of its volumes could be read: hv01: no answer within 30 s."
    assert "Administrators" not in check.mend


def test_an_endpoint_of_another_version_is_only_to_be_registered_again(fleet: Hosts) -> None:
    shell = SimulatedPowerShell(fleet.host("hv01"), [bot_configuration(version=99)])
    backend = HyperVBackend("hv01", SimulatedSession(shell, configuration=NAME), find_endpoint=True)

    (check,) = looked(*ask({"hv01": backend}))

    assert check.state is State.BROKEN
    assert check.mend == "Run Register-CheckpointBotEndpoint.ps1 of this bot on the host."


# ---------------------------------------------------------------- a log-on that many hosts share


class Door(Protocol):
    """Lets somebody in, or raises."""

    def __call__(self) -> HostInventory: ...


def let_in() -> HostInventory:
    return HostInventory("", NOW)


def refuse() -> HostInventory:
    raise AuthenticationFailed("It refused the account or its password. Correct the settings.")


def be_down() -> HostInventory:
    raise Unreachable("It does not answer. Check that it runs.")


class Doors:
    """Hosts of which only the door is there, and who knocked."""

    def __init__(self, **doors: Door) -> None:
        self.knocked: list[str] = []
        self.hosts = {name: _Host(name, door, self.knocked) for name, door in doors.items()}

    def ask(self, logons: dict[str, Hashable] | None = None) -> dict[str, str]:
        """What each host refused, or who spared it."""
        same = dict.fromkeys(self.hosts, "svc") if logons is None else logons
        found = ask(self.hosts, now, same)  # type: ignore[arg-type]
        assert [one.host for one in found] == list(self.hosts)
        return {one.host: one.spared_by or type(one.error).__name__ for one in found}


@dataclass
class _Host:
    host: str
    door: Door
    knocked: list[str]

    def inventory(self, *, disks: bool) -> HostInventory:
        self.knocked.append(self.host)
        return self.door()

    def facts(self) -> HostFacts:
        return HostFacts(Greeting())

    def events(self, since: datetime) -> HostEvents:
        return HostEvents(self.host)


def test_a_log_on_that_one_host_refuses_is_tried_at_no_other() -> None:
    doors = Doors(hv01=refuse, hv02=refuse, hv03=refuse)

    assert doors.ask() == {"hv01": "AuthenticationFailed", "hv02": "hv01", "hv03": "hv01"}
    assert doors.knocked == ["hv01"]


def test_a_host_that_was_spared_is_not_looked_at_and_named_with_why() -> None:
    (check,) = looked(Seen("hv02", spared_by="hv01"))

    assert check.state is State.UNSEEN
    assert "hv01 refused the same account and password" in check.line


def test_a_host_that_is_down_says_nothing_of_a_log_on_so_the_next_are_asked() -> None:
    doors = Doors(hv01=be_down, hv02=refuse, hv03=refuse, hv04=refuse, hv05=refuse)

    assert list(doors.ask().values())[3:] == ["hv02", "hv02"]
    assert sorted(doors.knocked) == ["hv01", "hv02", "hv03"]


def test_a_log_on_that_one_host_lets_in_is_tried_at_all() -> None:
    doors = Doors(hv01=let_in, hv02=refuse, hv03=let_in)

    assert list(doors.ask().values()) == ["NoneType", "AuthenticationFailed", "NoneType"]


def test_another_log_on_is_another_matter() -> None:
    doors = Doors(hv01=refuse, hv02=let_in, hv03=let_in)

    assert list(doors.ask({"hv01": "a", "hv02": "b"}).values()) == ["AuthenticationFailed", "NoneType", "NoneType"]


def test_hosts_and_clusters_share_a_log_on_by_account_password_and_method() -> None:
    given = Settings(
        slack=NO_SLACK,
        host_defaults=HostDefaults(username="svc", password=SecretStr("x")),
        hosts=(
            HostSettings(name="hv01"),
            HostSettings(name="hv02", auth="ntlm"),
            HostSettings(name="hv03", password=SecretStr("y")),
        ),
        clusters=(ClusterSettings(name=CLUSTER),),
    )

    found = logons_of(given)

    assert found["hv01"] == found[CLUSTER]
    assert len({*found.values()}) == 3


# ---------------------------------------------------------------- each day


class Late:
    """Hosts of which none answers before all are asked, but for one that does not answer."""

    def __init__(self, *names: str) -> None:
        self._asked = threading.Barrier(len(names))
        self.hosts = {name: _Ending(name, self._asked) for name in names} | {"hv09": _Ending("hv09", None)}


@dataclass
class _Ending:
    host: str
    asked: threading.Barrier | None

    def facts(self) -> HostFacts:
        if self.asked is None:
            raise Unreachable("It does not answer.")
        self.asked.wait(10.0)
        return HostFacts(Greeting(certificate_until=NOW + timedelta(days=9)))


def test_hosts_are_looked_at_together_and_what_is_said_has_its_day() -> None:
    remarks: dict[str, Sequence[str]] = {}
    settings = Settings(slack=NO_SLACK, clusters=(ClusterSettings(name="hv02"),))
    nowhere = SlackDirectory(reading_client("xoxb-0", "http://127.0.0.1:9/api/"))
    late = Late("hv01", "hv02")

    found = in_short(settings, nowhere, late.hosts, lambda: NOW, remarks.__setitem__)  # type: ignore[arg-type]
    ends = [next(found), next(found)]

    assert {one.about for one in ends} == {"hosts.hv01", "clusters.hv02"}
    assert set(remarks) == {"hv01", "hv02"}, "what was said of a host that does not answer stays"
    (said,) = remarks["hv01"]
    assert "Its certificate ends on 2026-12-07, in 9 days." in said
    assert said.endswith("Seen on 2026-11-28 UTC.")


# ---------------------------------------------------------------- logs and folders

VMMS, WORKER = "Microsoft-Windows-Hyper-V-VMMS-Admin", "Microsoft-Windows-Hyper-V-Worker-Admin"


def test_logs_that_the_account_may_not_read_are_one_warning_with_the_group(fleet: Hosts) -> None:
    for log in fleet.host("hv01").logs.values():
        log.readable = False

    (check,) = looked(seen(fleet))

    assert check.state is State.WARNING
    assert f"{VMMS} and {WORKER}: the account may not read it." in check.said
    assert "Event Log Readers (S-1-5-32-573)" in check.mend


def test_a_log_that_is_switched_off_is_told_with_what_switches_it_on(fleet: Hosts) -> None:
    fleet.host("hv01").logs[EventLog.WORKER].enabled = False

    (check,) = looked(seen(fleet))

    assert check.mend == f"Type wevtutil sl {WORKER} /e:true there."


def test_a_host_without_the_log_and_one_that_gives_an_error_are_told_apart(fleet: Hosts) -> None:
    fleet.host("hv01").logs[EventLog.VMMS].exists = False
    readings = (LogReading("hv02", EventLog.WORKER, LogTrouble.GAVE_ERROR),)
    broken = Seen("hv02", HostInventory("hv02", NOW), HostFacts(Greeting()), events=HostEvents("hv02", (), readings))

    (none,), (error,) = looked(seen(fleet)), looked(broken)

    assert "Hyper-V is installed" in none.mend
    assert "Event Viewer" in error.mend


def test_a_log_that_was_not_answered_for_is_not_looked_at() -> None:
    readings = (LogReading("hv01", EventLog.VMMS, LogTrouble.NO_ANSWER),)
    one = Seen("hv01", HostInventory("hv01", NOW), HostFacts(Greeting()), events=HostEvents("hv01", (), readings))

    assert [check.state for check in looked(one)] == [State.UNSEEN]


def test_an_endpoint_that_may_not_read_logs_is_to_be_registered_again() -> None:
    readings = (LogReading("hv01", EventLog.VMMS, LogTrouble.NO_ACCESS),)
    facts = HostFacts(Greeting(), endpoint_version=5, endpoint_newest=5)
    one = Seen("hv01", HostInventory("hv01", NOW), facts, events=HostEvents("hv01", (), readings))

    (check,) = looked(one)

    assert "Register-CheckpointBotEndpoint.ps1" in check.mend


def test_folders_that_may_not_be_listed_are_a_warning(fleet: Hosts) -> None:
    folder = f"{fleet.vm('web01').folder}\\Virtual Hard Disks".casefold()
    fleet.host("hv01").hidden_folders.add(folder)

    (check,) = looked(seen(fleet))

    assert check.said == f"Its folder {folder} could not be listed."
    assert "List folder" in check.mend


def test_folders_that_were_not_answered_for_are_not_looked_at() -> None:
    lost = TimedOut("hv01 took too long to answer. Try again in a few minutes.")

    (check,) = looked(Seen("hv01", HostInventory("hv01", NOW), HostFacts(Greeting()), folders=lost))

    assert check.state is State.UNSEEN
    assert "hv01 took too long" in check.said


def test_an_old_endpoint_is_said_once_whatever_it_does_not_offer(fleet: Hosts) -> None:
    shell = SimulatedPowerShell(fleet.host("hv01"), [bot_configuration(version=1)])
    backend = HyperVBackend("hv01", SimulatedSession(shell, configuration=NAME), find_endpoint=True)

    (check,) = looked(*ask({"hv01": backend}))

    assert "Its endpoint is of version 1" in check.said


# ---------------------------------------------------------------- a cluster


@pytest.fixture
def world() -> ClusterWorld:
    made = ClusterWorld()
    add_clustered_vm(made.nodes["hv01"], "web01")
    add_clustered_vm(made.nodes["hv02"], "dc01")
    return made


def without(world: ClusterWorld, node: str) -> Seen:
    """The cluster while a node does not answer."""
    world.nodes[node].faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=None))
    (one,) = ask({CLUSTER: world.backend()})
    return one


def test_a_node_that_does_not_answer_is_one_fault(world: ClusterWorld) -> None:
    (check,) = looked(without(world, "hv02"), [CLUSTER])

    assert (check.about, check.state) == ("clusters.prod", State.BROKEN)
    assert "hv02" in check.said
    assert check.mend


def test_a_node_that_tells_nothing_of_the_cluster_for_another_reason_is_no_missing_right() -> None:
    facts = HostFacts(Greeting())
    told = of_facts({"hv01": facts}, {"hv01": TimedOut("hv01 took too long to answer. Try again in a few minutes.")})

    (check,) = looked(Seen(CLUSTER, HostInventory(CLUSTER, NOW), told), [CLUSTER])

    assert check.said == "hv01 took too long to answer."
    assert check.mend == "Try again in a few minutes."


# ---------------------------------------------------------------- patterns


def named(one: Seen, *vms: str) -> list[Check]:
    settings = Settings(
        slack=NO_SLACK,
        access=AccessSettings(grants=(owners("U0ADA0001", vms=vms),)),
        hosts=(HostSettings(name="hv01", address="hv01"),),
        clusters=(ClusterSettings(name=CLUSTER, address=CLUSTER),),
    )
    return list(patterns.look(settings, [one]))


def test_a_protection_of_vms_of_a_node_that_does_not_answer_is_not_to_be_taken_out(world: ClusterWorld) -> None:
    one = without(world, "hv02")

    (there, hidden, elsewhere) = named(one, "web*", "dc*", "hv01/dc*")

    assert [there.state, hidden.state, elsewhere.state] == [State.WORKS, State.UNSEEN, State.WARNING]
    assert "dc* may name VMs on prod" in hidden.line


def test_vms_of_a_node_that_is_down_may_be_there() -> None:
    world = ClusterWorld()
    world.cluster.die("hv02")
    (one,) = ask({CLUSTER: world.backend()})

    assert [check.state for check in named(one, "dc*")] == [State.UNSEEN]


def test_a_host_with_vms_that_it_could_not_show_may_have_them() -> None:
    lost = Unseen(Part.VMS, "hv01: 2 objects without an id")
    one = Seen("hv01", HostInventory("hv01", NOW, unreadable=(lost,)), HostFacts(Greeting()))

    assert [check.state for check in named(one, "dc*")] == [State.UNSEEN]


def test_a_set_in_a_schedule_is_looked_at_where_it_is_made(fleet: Hosts) -> None:
    schedule = ScheduleSettings.model_validate(
        {"name": "nightly", "vms": ["@shop"], "owner": "U0ADA0001", "channel": "C0OPS0001", "at": "02:00"}
    )
    settings = Settings(slack=NO_SLACK, sets={"shop": ("web*",)}, schedules=(schedule,))

    (check,) = patterns.look(settings, [seen(fleet)])

    assert (check.about, check.state) == ("sets.shop.0", State.WORKS)
