"""Drives and files become each VM's disks with their chain."""

from __future__ import annotations

from backends.base import Checkpoint, VMInventory
from backends.hyperv.disks import Drive, File, chains_by_vm, missing_parents
from backends.hyperv.records import EPOCH

FIRST = Checkpoint("c1", "first", "vm", EPOCH)
SECOND = Checkpoint("c2", "second", "vm", EPOCH, parent_id="c1")
BASE, MIDDLE, LEAF = "C:\\d\\web.vhdx", "C:\\d\\web_1.avhdx", "C:\\d\\web_2.avhdx"
FILES = [File(BASE, 100, 500, None), File(MIDDLE, 20, 500, BASE), File(LEAF, 7, 500, MIDDLE.upper())]
DRIVES = [Drive("vm", None, LEAF), Drive("vm", "c1", BASE), Drive("vm", "c2", MIDDLE)]


def test_growth_since_a_checkpoint_is_what_stands_on_the_disk_it_froze() -> None:
    disks = chains_by_vm([FIRST, SECOND], DRIVES, FILES)["vm"].disks
    seen = VMInventory(vm=None, checkpoints=(FIRST, SECOND), disks=disks)  # type: ignore[arg-type]
    assert seen.growth_since("c1") == 20
    assert seen.growth_since("c2") == 7
    assert seen.differencing_bytes == 27
    assert [(d.path, d.attached, d.checkpoint_ids) for d in disks] == [
        (BASE, False, ("c1",)), (MIDDLE, False, ("c2",)), (LEAF, True, ())
    ]  # fmt: skip


def test_a_file_that_only_another_stands_on_belongs_to_the_chain() -> None:
    disks = chains_by_vm([], [Drive("vm", None, LEAF)], FILES)["vm"].disks
    assert [disk.path for disk in disks] == [BASE, MIDDLE, LEAF]


def test_a_base_image_belongs_to_every_vm_that_stands_on_it() -> None:
    files = [File("g.vhdx", 9, 9, None), File("a.vhdx", 1, 9, "g.vhdx"), File("b.vhdx", 2, 9, "G.VHDX")]
    found = chains_by_vm([], [Drive("a", None, "a.vhdx"), Drive("b", None, "b.vhdx")], files)
    assert [disk.path for disk in found["a"].disks] == ["a.vhdx", "g.vhdx"]
    assert [disk.path for disk in found["b"].disks] == ["b.vhdx", "g.vhdx"]


def test_the_drive_of_a_checkpoint_belongs_to_the_checkpoints_vm_whatever_it_says_itself() -> None:
    assert set(chains_by_vm([FIRST], [Drive("c1", "c1", BASE)], FILES)) == {"vm"}


def test_a_drive_whose_file_cannot_be_read_is_left_out() -> None:
    assert chains_by_vm([], [Drive("vm", None, "Disk 3 931.51 GB Bus 0")], FILES)["vm"].disks == ()


def test_parents_that_are_not_known_are_asked_for_once_each() -> None:
    files = [File("a.avhdx", 1, 9, "base.vhdx"), File("b.avhdx", 1, 9, "BASE.vhdx"), File("c.avhdx", 1, 9, "a.AVHDX")]
    assert missing_parents(files) == ("BASE.vhdx",)
    assert missing_parents(FILES) == ()


def test_a_chain_that_bites_its_own_tail_ends() -> None:
    files = [File("a", 1, 9, "b"), File("b", 1, 9, "a")]
    assert [disk.path for disk in chains_by_vm([], [Drive("vm", None, "a")], files)["vm"].disks] == ["a", "b"]
