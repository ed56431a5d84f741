"""What merges may need of each volume, and in which order several deletes are the cheapest."""

from __future__ import annotations

import uuid

from backends.base import VM, Disk, UnreadDisk, VMInventory, VMState, Volume
from commands.kit.room import RESERVE, cost, growth, needs, of, too_little

GB = 1024**3
WEB01 = VM(str(uuid.uuid4()), "web01", "hv01", VMState.RUNNING)
BASE, ONE, TWO, LEAF = (f"D:\\web01{end}" for end in (".vhdx", "_1.avhdx", "_2.avhdx", "_3.avhdx"))


def disk(path: str, size: int, parent: str | None = None, *, frozen_by: str = "", attached: bool = False) -> Disk:
    return Disk(path, size * GB, 100 * GB, parent, (frozen_by,) if frozen_by else (), attached)


def seen(*disks: Disk, unread: tuple[UnreadDisk, ...] = ()) -> VMInventory:
    return VMInventory(WEB01, (), disks, unread)


CHAIN = seen(
    disk(BASE, 40, frozen_by="one"),
    disk(ONE, 5, BASE, frozen_by="two"),
    disk(TWO, 7, ONE, frozen_by="three"),
    disk(LEAF, 3, TWO, attached=True),
)


def test_what_was_written_since_goes_into_the_file_below() -> None:
    assert growth(CHAIN, ["one"]) == {BASE: 5 * GB}
    assert growth(CHAIN, ["two"]) == {ONE: 7 * GB}
    assert growth(CHAIN, []) == {}


def test_of_a_whole_branch_the_sum_is_counted() -> None:
    assert growth(CHAIN, ["one", "two", "three"]) == {BASE: 5 * GB, ONE: 7 * GB, TWO: 3 * GB}
    assert cost(CHAIN, ["one", "two", "three"]) == 15 * GB


def test_a_disk_grows_no_further_than_the_guest_sees_it() -> None:
    fixed = seen(disk(BASE, 100, frozen_by="one"), disk(LEAF, 30, BASE, attached=True))
    assert growth(fixed, ["one"]) == {BASE: 0}


def test_what_nothing_stands_on_is_removed_and_needs_nothing() -> None:
    branches = seen(
        disk(BASE, 40, frozen_by="one"), disk(ONE, 5, BASE, frozen_by="two"), disk(LEAF, 3, BASE, attached=True)
    )
    assert growth(branches, ["two"]) == {}
    assert growth(branches, ["one"]) == {}, "two stand on it, so it stays"
    assert growth(branches, ["one", "two"]) == {BASE: 3 * GB}


def test_a_disk_that_others_still_name_stays() -> None:
    shared = seen(Disk(BASE, 40 * GB, 100 * GB, None, ("one", "two")), disk(LEAF, 3, BASE, attached=True))
    assert growth(shared, ["one"]) == {}
    assert growth(shared, ["one", "two"]) == {BASE: 3 * GB}


def test_where_a_layer_could_not_be_read_nobody_can_tell_and_it_goes_last() -> None:
    blind = seen(disk(BASE, 40, frozen_by="one"), unread=(UnreadDisk(LEAF, attached=True),))
    assert growth(blind, ["one"]) is None
    assert growth(VMInventory(WEB01), ["one"]) is None
    assert of(blind, ["one"], [Volume("D:\\", 1, 0)]) == ()
    assert sorted([cost(blind, ["one"]), cost(CHAIN, ["one"])]) == [5 * GB, float("inf")]


def test_each_volume_is_looked_at_by_itself_and_the_deepest_mount_point_counts() -> None:
    mounted, root = Volume("D:\\sql\\", 100 * GB, 6 * GB), Volume("D:\\", 100 * GB, 50 * GB)
    grown = [("d:\\SQL\\a.vhdx", 5 * GB), ("D:\\b.vhdx", 5 * GB), ("E:\\c.vhdx", 99 * GB)]
    found = needs(grown, [root, mounted])
    assert [(one.volume, one.size, one.fits) for one in found] == [(mounted, 5 * GB, False), (root, 5 * GB, True)]
    assert too_little(found) == (
        "there is too little room for a merge: it may need 5.0 GB, and D:\\sql\\ has 6.0 GB free"
    )
    assert too_little(needs(grown, [Volume("D:\\", 100 * GB, 10 * GB + RESERVE)])) == ""
    assert of(CHAIN, ["one"], None) == ()
