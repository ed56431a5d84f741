"""The metrics page: read by prometheus-client's own parser, named after the conventions, bounded, and alerted on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from backends.base import VM, BackendError, Checkpoint, HostInventory, VMInventory, VMState, Volume
from backends.simulator.model.faults import FaultKind
from bot.changes import verbs
from bot.fleet.health.rounds import Health
from bot.fleet.inventory import Inventory
from bot.ledger import Ledger, Remembered
from bot.operations import exposition, metrics, templates
from bot.operations.metrics import Metrics, Sources
from bot.operations.monitor import Monitor
from commands.base.health import Verdict, VMHealth
from tests.support.clock import StoppedClock as LedgerClock
from tests.support.hosts import Hosts, small_fleet
from tests.support.ledger import carry
from tests.support.memory import MemoryHost

NOW = datetime.now(UTC)
UNITS = ("_seconds", "_bytes")
NO_PROMTOOL = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (apt install prometheus)"
)


@dataclass
class World:
    """Simulated hosts, a ledger, and a bot whose connections and scheduler live as the test says."""

    inventory: Inventory
    ledger: Ledger
    folder: Path
    lives: dict[str, int] = field(default_factory=lambda: {"slack": 2, "scheduler": 1})

    def page(self) -> str:
        return exposition.page(self.metrics.registry).decode()

    def __post_init__(self) -> None:
        self.metrics = Metrics(
            Sources(
                inventory=self.inventory,
                ledger=self.ledger,
                data_dir=self.folder,
                stale_after=timedelta(days=7),
                clock=lambda: NOW,
                connections=lambda: self.lives["slack"],
                scheduler=lambda: bool(self.lives["scheduler"]),
                waiting=lambda: 3,
                stream_lag=lambda: self.lives.get("lag", 0),
            )
        )

    def families(self) -> dict[str, Metric]:
        return {one.name: one for one in text_string_to_metric_families(self.page())}

    def value(self, name: str, **labels: str) -> float:
        (found,) = [
            sample.value
            for family in self.families().values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return float(found)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db", clock=LedgerClock()) as made:
        yield made


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> Iterator[World]:
    hosts = Hosts(small_fleet())
    inventory = Inventory(hosts.in_process(), lambda: datetime.now(UTC))
    inventory.refresh(disks=True)
    yield World(inventory, ledger, tmp_path)
    inventory.close()


def test_what_is_known_is_on_the_page(world: World) -> None:
    assert world.value("checkpointbot_host_up", host="hv01") == 1
    seen_at = world.value("checkpointbot_host_disks_seen_timestamp_seconds", host="hv01")
    assert NOW.timestamp() <= seen_at <= datetime.now(UTC).timestamp()
    assert world.value("checkpointbot_vm_checkpoints", vm="web01") == 2
    age = NOW.timestamp() - world.value("checkpointbot_vm_oldest_checkpoint_timestamp_seconds", vm="web01")
    assert 40.9 < age / 86400 < 41.1
    assert world.value("checkpointbot_vm_differencing_bytes", vm="web02") > 20 * 1024**3
    assert 0 < world.value("checkpointbot_volume_free_bytes", host="hv01", volume="C:\\") < 10**15
    assert world.value("checkpointbot_slack_connections") == 2
    assert world.value("checkpointbot_requests_waiting") == 3
    assert world.value("checkpointbot_stale_after_seconds") == 7 * 86400
    assert world.value("checkpointbot_ledger_size_bytes") > 0


def test_a_host_whose_disks_were_never_read_has_no_time_of_it(ledger: Ledger, tmp_path: Path) -> None:
    inventory = Inventory({"hv01": MemoryHost("hv01")}, lambda: NOW)  # type: ignore[dict-item]
    inventory.refresh()
    families = World(inventory, ledger, tmp_path).families()
    assert families["checkpointbot_host_last_seen_timestamp_seconds"].samples
    assert families["checkpointbot_host_disks_seen_timestamp_seconds"].samples == []
    inventory.close()


def test_changes_are_counted_by_verb_and_how_they_ended(world: World) -> None:
    world.page()
    carry(world.ledger, "one")
    carry(world.ledger, "two")

    assert world.value("checkpointbot_changes_total", verb="apply", state="succeeded") == 2
    assert world.value("checkpointbot_change_duration_seconds_count", verb="apply") == 2
    assert world.value("checkpointbot_ledger_events_total") == world.ledger.audit.head().seq


def test_the_page_says_what_that_of_prometheus_client_would(world: World) -> None:
    carry(world.ledger, "one")
    strange = CollectorRegistry(auto_describe=False)
    gauge = Gauge("strange", 'of "this" \\ and\nthat', ("vm", "a"), registry=strange)
    for number, value in enumerate((float("inf"), float("-inf"), 1e-9, 1.7e18, -3.0)):
        gauge.labels('a "b" \\ c\nd', f"é{number}").set(value)

    for registry in (strange, world.metrics.registry):
        ours, theirs = (
            [one for one in text_string_to_metric_families(page.decode()) if not one.name.startswith("process_")]
            for page in (exposition.page(registry), generate_latest(registry))
        )
        assert ours == theirs


def test_what_ended_before_the_bot_began_is_no_duration_of_it(world: World) -> None:
    carry(world.ledger, "one")
    world = World(world.inventory, world.ledger, world.folder)

    assert world.value("checkpointbot_change_duration_seconds_count", verb="apply") == 0
    assert world.value("checkpointbot_changes_total", verb="apply", state="succeeded") == 1


def test_every_verb_is_on_the_page_before_a_change_of_it_has_ended(world: World) -> None:
    """Else Prometheus would see the first one of each as no rise."""
    assert {world.value("checkpointbot_change_duration_seconds_count", verb=name) for name in verbs.verbs()} == {0}


def test_what_ended_before_the_first_look_at_the_page_is_a_duration(world: World) -> None:
    carry(world.ledger, "one")

    assert world.value("checkpointbot_change_duration_seconds_count", verb="apply") == 1


def test_a_checkpoint_that_is_kept_hides_none_that_nobody_keeps(world: World) -> None:
    """Of two of a VM the older one is pinned: the other one counts."""
    seen = next(one for one in world.inventory.seen() if len(one.checkpoints) > 1)
    first, *others = sorted(seen.checkpoints, key=lambda one: one.created)
    name = "checkpointbot_vm_oldest_unkept_checkpoint_timestamp_seconds"
    assert world.value(name, vm_id=seen.vm.id) == first.created.timestamp()

    world.ledger.checkpoints.remember(first, host=seen.vm.host, vm_name=seen.vm.name, owner="U0ADA", pinned=True)

    assert world.value(name, vm_id=seen.vm.id) == others[0].created.timestamp()


def test_the_verdict_on_a_vm_is_a_number(world: World) -> None:
    one, two, *_ = world.inventory.seen()
    judged = [(VMHealth(one.vm.id, one.vm.name, one.vm.host, Verdict.HOLD), Remembered())]
    judged += [(VMHealth(two.vm.id, two.vm.name, two.vm.host, Verdict.FINE), Remembered())]
    world.ledger.verdicts.keep(judged)

    assert world.value("checkpointbot_vm_verdict", vm_id=one.vm.id) == 3
    assert world.value("checkpointbot_vm_verdict", vm_id=two.vm.id) == 0


def test_names_follow_the_conventions(world: World) -> None:
    """Base units at the end, `_total` for counters and for nothing else, and no ages."""
    carry(world.ledger, "one")
    for name, family in world.families().items():
        assert family.documentation.endswith(".") or name.startswith("process_")
        if name.startswith("process_"):
            continue
        assert re.fullmatch(r"checkpointbot(_[a-z]+)+", name), name
        assert not re.search(r"_(ms|milliseconds|minutes|hours|days|kb|mb|gb|age|percent)(_|$)", name), name
        assert family.type in ("gauge", "counter", "histogram"), name
        totals = {sample.name.endswith("_total") for sample in family.samples}
        assert totals <= {family.type == "counter"}, name
        if any(word in name for word in ("duration", "timestamp", "size", "free", "differencing", "after")):
            assert name.endswith(UNITS), name


@NO_PROMTOOL
def test_prometheus_own_lint_finds_nothing(world: World) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=world.page(), capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_two_vms_of_one_name_on_one_host_are_two_series(ledger: Ledger, tmp_path: Path) -> None:
    host = MemoryHost("hv01")
    for number in (1, 2):
        one = VMInventory(VM(f"{number:08x}-0000-4000-8000-000000000000", "twin", "hv01", VMState.RUNNING))
        host.vms[one.vm.id] = one
    inventory = Inventory({"hv01": host}, lambda: NOW)
    inventory.refresh(disks=True)
    families = World(inventory, ledger, tmp_path).families()
    inventory.close()

    series = Counter(
        (sample.name, *sorted(sample.labels.items())) for one in families.values() for sample in one.samples
    )
    assert set(series.values()) == {1}
    assert len(families["checkpointbot_vm_checkpoints"].samples) == 2


class LargeHost:
    """A host of 50 VMs with 4 checkpoints each, seen at once."""

    def __init__(self, number: int) -> None:
        self.host = f"host{number:03}"
        self.vms = tuple(self._vm(number * 50 + n) for n in range(50))

    def _vm(self, number: int) -> VMInventory:
        vm = VM(f"{number:08x}-0000-4000-8000-000000000000", f"vm{number}", self.host, VMState.RUNNING)
        taken = [NOW - timedelta(days=n) for n in range(4)]
        made = [Checkpoint(f"{number:08x}-0000-4000-8000-{n:012x}", f"c{n}", vm.id, at) for n, at in enumerate(taken)]
        return VMInventory(vm, tuple(made), disks=())

    def inventory(self, *, disks: bool = False) -> HostInventory:
        return HostInventory(self.host, NOW, self.vms, (Volume("C:\\", 10**12, 10**11),))


def test_a_large_fleet_has_at_most_ten_series_a_vm(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "MOST_VMS", 300)
    hosts = [LargeHost(number) for number in range(8)]
    inventory = Inventory({one.host: one for one in hosts}, lambda: NOW)  # type: ignore[misc]
    inventory.refresh(disks=True)
    world = World(inventory, ledger, tmp_path)
    families = world.families()
    inventory.close()

    vms = Counter(s.labels["vm_id"] for one in families.values() for s in one.samples if "vm_id" in s.labels)
    assert len(vms) == 300
    assert max(vms.values()) <= 10
    assert families["checkpointbot_vms_left_out"].samples[0].value == 100


# ---------------------------------------------------------------- served


@pytest.fixture
def monitor(world: World) -> Iterator[Monitor]:
    lives = world.lives
    made = Monitor("127.0.0.1:1", world.metrics, lambda: {name: value > 0 for name, value in lives.items()})
    made._port = 0
    made.start()
    yield made
    made.stop()


def fetch(monitor: Monitor, path: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{monitor.port}{path}", method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_page_is_served(monitor: Monitor) -> None:
    status, page = fetch(monitor, "/metrics")

    assert status == 200
    assert {one.name for one in text_string_to_metric_families(page)} >= {"checkpointbot_host_up"}


def test_only_reading_is_offered(monitor: Monitor) -> None:
    assert fetch(monitor, "/metrics", "POST")[0] == 405
    assert fetch(monitor, "/anything")[0] == 404


@pytest.mark.parametrize("what", ["slack", "scheduler"])
def test_health_is_that_slack_is_connected_and_the_scheduler_lives(world: World, monitor: Monitor, what: str) -> None:
    assert fetch(monitor, "/healthz") == (200, "ok\n")

    world.lives[what] = 0

    assert fetch(monitor, "/healthz") == (503, f"down: {what}\n")


# ---------------------------------------------------------------- alerts


def rules() -> list[dict[str, str]]:
    (group,) = yaml.safe_load(templates.text("checkpointbot.rules.yml"))["groups"]
    return list(group["rules"])


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [t["expr"] for panel in panels() for t in panel["targets"]]


def panels() -> list[dict[str, Any]]:
    return list(json.loads(templates.text("checkpointbot-dashboard.json"))["panels"])


def test_rules_and_dashboard_stand_on_metrics_that_there_are(world: World) -> None:
    world.page()
    carry(world.ledger, "one")
    families = world.families()  # one is on the page by its name also where it says nothing
    known = {*families, *(sample.name for one in families.values() for sample in one.samples)}

    for expression in expressions():
        assert set(re.findall(r"checkpointbot_\w+", expression)) <= known


def test_the_dashboard_shows_verdicts_and_the_audit_stream() -> None:
    shown = " ".join(expressions())

    assert "count(checkpointbot_vm_verdict == 3)" in shown
    assert "checkpointbot_audit_stream_lag_events" in shown
    places = [tuple(one["gridPos"].values()) for one in panels()]
    assert len(set(places)) == len(places)


def test_a_table_of_the_dashboard_shows_what_is_and_no_times(world: World) -> None:
    tables = [target for one in panels() if one["type"] == "table" for target in one["targets"]]

    assert tables
    assert all((one["instant"], one["format"]) == (True, "table") for one in tables)


EVAL = 3 * 3600
Series = list[dict[str, str]]


def scraped(page: str, instance: str = "127.0.0.1:9464") -> Series:
    """What Prometheus keeps of a page that says the same for three hours. Its clock begins at zero there, so moments
    are moved."""
    shift = EVAL - NOW.timestamp()
    series = []
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if family.name.startswith("process_") or family.type == "histogram":
                continue
            given = {**sample.labels, "job": "checkpointbot", "instance": instance}
            labels = ",".join(f"{key}={json.dumps(value)}" for key, value in given.items())
            value = sample.value + (shift if sample.name.endswith("_timestamp_seconds") else 0)
            series.append({"series": f"{sample.name}{{{labels}}}", "values": f"{value:.0f}+0x36"})
    return series


def promtool(tmp_path: Path, series: Series, **cases: object) -> str:
    """What promtool says of the rules on these series, five minutes between two values. Empty where all is as it is to
    be."""
    (tmp_path / "rules.yml").write_text(templates.text("checkpointbot.rules.yml"))
    one = {"interval": "5m", "input_series": series, **cases}
    told = {"rule_files": ["rules.yml"], "evaluation_interval": "5m", "tests": [one]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(told))
    ran = subprocess.run(
        ["promtool", "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr if ran.returncode else ""


def fired(series: Series, tmp_path: Path, *hours: int) -> set[str]:
    """The alerts that fire at one of these hours, by Prometheus' own evaluation."""
    cases = [
        {"eval_time": f"{hour}h", "alertname": rule["alert"], "exp_alerts": []}
        for rule in rules()
        for hour in hours or (3,)
    ]
    said = promtool(tmp_path, series, alert_rule_test=cases)
    assert not said or "alertname" in said, said
    return set(re.findall(r"alertname:\s*(\w+)", said))


@NO_PROMTOOL
def test_the_alerts_fire_on_the_simulator(ledger: Ledger, tmp_path: Path) -> None:
    """For a stale checkpoint, a volume that fills, a host that is down, a bot without Slack, and a VM that is found on
    Hold; and for nothing on hosts where all is well."""
    first, second = small_fleet()
    for vm in list(first.all()):
        for checkpoint in list(vm.ordered()):
            checkpoint.created = NOW.timestamp() - 3600
    well, ill = Hosts([first]), Hosts([second])
    inventory = Inventory(well.in_process(), lambda: NOW)
    inventory.refresh(disks=True)
    assert fired(scraped(World(inventory, ledger, tmp_path).page()), tmp_path) == set()
    inventory.close()

    backends = {**ill.in_process(), "hv03": MemoryHost("hv03")}
    backends["hv03"].down = True  # type: ignore[union-attr]
    ill.arm(FaultKind.FORK, host="hv02")
    with pytest.raises(BackendError):
        ill.in_process()["hv02"].create(ill.vm("build01", "hv02").id, "half-way")
    inventory = Inventory(ill.in_process(), lambda: NOW)
    inventory.refresh(disks=True)
    Health(inventory, ill.in_process(), ledger, lambda: NOW).look_around()
    inventory.close()
    for volume in second.storage.volumes:
        volume.used = int(volume.size * 0.96)
    inventory = Inventory(backends, lambda: NOW)  # type: ignore[arg-type]
    inventory.refresh(disks=True)
    world = World(inventory, ledger, tmp_path, {"slack": 0, "scheduler": 1, "lag": 9})
    assert fired(scraped(world.page()), tmp_path) == {
        "CheckpointStale",
        "CheckpointHold",
        "CheckpointVolumeFills",
        "CheckpointHostDown",
        "CheckpointBotWithoutSlack",
        "CheckpointAuditStreamStandsStill",
    }
    inventory.close()


@NO_PROMTOOL
def test_stale_checkpoints_of_two_bots_are_told_apart(world: World, tmp_path: Path) -> None:
    series = [*scraped(world.page(), "one:9464"), *scraped(world.page(), "two:9464")]
    stale = [
        s
        for s in world.families()["checkpointbot_vm_oldest_unkept_checkpoint_timestamp_seconds"].samples
        if s.value < (NOW - timedelta(days=7)).timestamp()
    ]
    (panel,) = [one for one in panels() if one["title"] == "VMs with a stale checkpoint"]
    counted = {
        "expr": panel["targets"][0]["expr"],
        "eval_time": "3h",
        "exp_samples": [{"labels": "{}", "value": 2 * len(stale)}],
    }

    assert stale
    assert "CheckpointStale" in fired(series, tmp_path)
    assert promtool(tmp_path, series, promql_expr_test=[counted]) == ""


def volume(free: str) -> Series:
    """One of a thousand bytes, with so much that is free."""
    labels = '{host="hv01",volume="D:"}'
    return [
        {"series": f"checkpointbot_volume_free_bytes{labels}", "values": free},
        {"series": f"checkpointbot_volume_size_bytes{labels}", "values": "1000+0x600"},
    ]


@NO_PROMTOOL
@pytest.mark.parametrize(
    ("free", "fills"),
    [
        pytest.param("390-1x240 150+0x48", True, id="it falls all day"),
        pytest.param("900-1x500", False, id="it falls, and most of it is free"),
        pytest.param("900+0x200 700+0x300", False, id="one large write on a volume with room"),
        pytest.param("380+0x200 330+0x300", False, id="one large write on a volume of which a third is free"),
        pytest.param("99+0x500", True, id="little is left, and nothing is written"),
    ],
)
def test_a_volume_fills_that_goes_on_filling(free: str, fills: bool, tmp_path: Path) -> None:
    assert (fired(volume(free), tmp_path, *range(4, 24)) == {"CheckpointVolumeFills"}) == fills
