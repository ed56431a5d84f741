"""The daily message."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backends.base import (
    VM,
    Checkpoint,
    Disk,
    HostInventory,
    OperationalStatus,
    SnapshotType,
    VMInventory,
    VMState,
    Volume,
)
from bot.fleet.digest import MOST_ITEMS, as_reply, compose
from commands.base import CheckpointNote, HostStatus, Item, Policy

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GB = 1024**3


def checkpoint(name, *, days=9.0, **more):
    return Checkpoint(f"id-{name}", name, "vm", NOW - timedelta(days=days), **more)


def vm(name, *checkpoints, host="hv01", grown=(), status=(OperationalStatus.OK,)):
    """A VM with disks: `grown` gives the bytes written since each checkpoint."""
    frozen = [Disk(f"{c.id}.vhdx", GB, GB, checkpoint_ids=(c.id,)) for c in checkpoints]
    written = [Disk(f"since-{d.path}", size, GB, d.path) for d, size in zip(frozen, grown, strict=False)]
    shown = VM(f"vm-{name}", name, host, VMState.RUNNING, operational_status=status)
    return VMInventory(shown, checkpoints, (*frozen, *written))


UP = HostStatus("hv01", True, NOW)


def digest(*vms, notes=None, hosts=(UP,), volumes=None, patterns=("*",), policy=None):
    inventory = HostInventory("hv01", NOW, vms, volumes)
    return compose([inventory], notes or {}, hosts, policy=policy or Policy(), now=NOW, patterns=patterns)


def items(made):
    return [part for part in as_reply(made).parts if isinstance(part, Item)]


def test_a_stale_checkpoint_has_its_age_size_owner_and_two_buttons():
    notes = {"id-before": CheckpointNote("U111", "kernel 6.12", owner_name="ada")}
    (item,) = items(digest(vm("web01", checkpoint("before"), grown=[3 * GB]), notes=notes))
    assert item.text == "before of web01"
    assert item.detail == "9 days old, 3.0 GB written since, by ada, on hv01, kernel 6.12"
    assert [(b.label, b.action, b.value) for b in item.buttons] == [
        ("Delete", "delete", "id-before"),
        ("Keep 7 days", "keep", "id-before"),
    ]


def test_an_owner_without_a_name_is_an_id_and_what_is_nobodys_is_unclaimed():
    made = digest(vm("web01", checkpoint("a"), checkpoint("b")), notes={"id-a": CheckpointNote("U111")})
    assert ["by U111" in item.detail for item in items(made)].count(True) == 1
    assert ["unclaimed" in item.detail for item in items(made)].count(True) == 1


def test_the_largest_comes_first_then_the_oldest():
    made = digest(
        vm("web01", checkpoint("small", days=30), checkpoint("large"), grown=[GB, 5 * GB]),
        vm("web02", checkpoint("young", days=8), checkpoint("old", days=40)),
    )
    assert [one.checkpoint.name for one in made.stale] == ["large", "small", "old", "young"]
    assert made.size == 6 * GB
    assert "4 stale checkpoints, with 6.0 GB written since" in as_reply(made).text


def test_what_is_young_kept_or_somebody_elses_is_not_stale():
    notes = {
        "id-pinned": CheckpointNote(pinned=True),
        "id-kept": CheckpointNote(keep_until=NOW + timedelta(hours=1)),
        "id-over": CheckpointNote(keep_until=NOW - timedelta(hours=1)),
    }
    made = digest(
        vm("web01", checkpoint("young", days=6.9), checkpoint("pinned"), checkpoint("kept"), checkpoint("over")),
        vm("web02", checkpoint("auto", automatic=True), checkpoint("copy", snapshot_type=SnapshotType.REPLICA)),
        notes=notes,
    )
    assert [one.checkpoint.name for one in made.stale] == ["over"]
    assert made.lingering == ()


def test_a_backups_recovery_point_that_lingers_gets_a_line_and_no_button():
    made = digest(vm("web01", checkpoint("backup", days=31, snapshot_type=SnapshotType.RECOVERY)))
    assert items(made) == []
    assert "recovery point lingers on web01 (31 days): that backup may be broken." in as_reply(made).text


def test_a_differencing_disk_that_no_checkpoint_explains_gets_a_line():
    loose = VMInventory(
        VM("1", "web01", "hv01", VMState.RUNNING), (), (Disk("a.avhdx", GB, GB, "a.vhdx", attached=True),)
    )
    merging = VMInventory(
        VM("2", "web02", "hv01", VMState.RUNNING, operational_status=(OperationalStatus.MERGING_DISKS,)),
        (),
        loose.disks,
    )
    told = as_reply(digest(loose, merging)).text
    assert "no checkpoint explains: web01." in told
    assert "Disks are being merged: web02." in told


def test_the_disk_that_a_checkpoint_explains_gets_none():
    one = checkpoint("young", days=1)
    disks = (
        Disk("C:\\a.vhdx", GB, GB, checkpoint_ids=(one.id,)),
        Disk("C:\\a1.avhdx", GB, GB, "c:\\A.VHDX", attached=True),
    )
    made = digest(VMInventory(VM("1", "web01", "hv01", VMState.RUNNING), (one,), disks))
    assert made.unmerged == ()
    assert as_reply(made).text.endswith("No stale checkpoints. All is well.")


def test_little_room_on_a_volume_is_said_with_what_is_left():
    volumes = (Volume("C:\\", 100 * GB, 50 * GB), Volume("D:\\", 100 * GB, 9 * GB))
    told = as_reply(digest(vm("web01"), volumes=volumes)).text
    assert "Little room: D:\\ on hv01 (9.0 GB free)." in told
    assert "C:\\" not in told


def test_a_volume_is_named_only_where_the_channels_vms_are():
    volumes = (Volume("D:\\", 100 * GB, 9 * GB),)
    assert digest(vm("web01"), volumes=volumes, patterns=("db*",)).low == ()


def test_a_host_that_could_not_be_asked_is_named_and_nothing_is_called_well():
    down = HostStatus("hv02", False, NOW - timedelta(days=1), "hv02 does not answer.")
    told = as_reply(digest(vm("web01"), hosts=[down, HostStatus("hv01", True, NOW)])).text
    assert "hv02 could not be asked. It is shown as seen at 2026-11-21 09:00 UTC. hv02 does not answer." in told
    assert "All is well" not in told
    assert "hv01" not in told


def test_nothing_stale_is_a_short_good_message():
    assert as_reply(digest(vm("web01"))).text == "Checkpoint digest\nNo stale checkpoints. All is well."


def test_a_channel_hears_of_its_own_vms_only():
    made = digest(vm("web01", checkpoint("a")), vm("db01", checkpoint("b")), patterns=("web*", "dc*"))
    assert [one.seen.vm.name for one in made.stale] == ["web01"]


def test_more_than_fit_are_counted_with_what_to_type():
    made = digest(vm("web01", *(checkpoint(f"c{n}") for n in range(MOST_ITEMS + 9))))
    assert len(items(made)) == MOST_ITEMS
    assert "… and 9 more: /checkpoint list --stale" in as_reply(made).text


def test_disks_that_could_not_be_read_leave_the_size_unknown():
    one = VMInventory(VM("1", "web01", "hv01", VMState.RUNNING), (checkpoint("before"),))
    assert "size unknown" in items(digest(one))[0].detail


def test_the_settings_say_when_a_checkpoint_is_stale():
    made = digest(vm("web01", checkpoint("a", days=2)), policy=Policy(stale_after=timedelta(days=1)))
    assert len(made.stale) == 1


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (digest(vm("web01"), hosts=()), "No host is set up"),
        (digest(vm("web01"), patterns=("wbe*",)), "No VM that this digest is about was seen."),
        (
            digest(vm("web01"), hosts=[replace(UP, gaps=("Part of its checkpoints could not be read (web01).",))]),
            "hv01: Part of its checkpoints could not be read (web01).",
        ),
        (
            digest(vm("web01"), hosts=[replace(UP, gaps=("It does not show volumes to this account or endpoint.",))]),
            "hv01: It does not show volumes",
        ),
        (digest(replace(vm("web01"), disks=None)), "The disks of these VMs could not all be seen: web01."),
        (
            digest(vm("web01", checkpoint("torn", days=1, snapshot_type=SnapshotType.MISSING))),
            "A checkpoint is broken, since its files are missing: web01 (torn).",
        ),
    ],
)
def test_nothing_is_called_well_that_was_not_seen_to_be(made, told):
    text = as_reply(made).text
    assert told in text
    assert "All is well" not in text
