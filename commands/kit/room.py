"""Room for merges: what a volume may need when checkpoints go, against what it has free. Functions of values.

A file that no checkpoint names any more takes up the one file that stands on it, and grows by as much as that holds at
the most; both are there until the merge is over. Of several merges of a chain the sum is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backends.base import Disk, VMInventory, Volume
from commands.kit.words import say_size

RESERVE = 2 * 1024**3
"""Bytes that must stay free: Hyper-V has warned below this, and pauses the VM below a tenth of it (figures of older
versions)."""


@dataclass(frozen=True, slots=True)
class Need:
    """What merges may need of one volume."""

    volume: Volume
    size: int
    """Bytes, at the most."""

    @property
    def fits(self) -> bool:
        return self.volume.free >= self.size + RESERVE


def growth(seen: VMInventory, going: Collection[str]) -> Mapping[str, int] | None:
    """By how many bytes each file may grow when these checkpoints go, by its path. None where that is not known."""
    if seen.disks is None or any(one.differencing for one in seen.unread_disks):
        return None
    over: dict[str, list[Disk]] = {}
    for disk in seen.disks:
        if disk.parent_path:
            over.setdefault(disk.parent_path.casefold(), []).append(disk)
    gone = _without_childless([one for one in seen.disks if _is_left(one, going)], over)
    return {
        one.path: min(children[0].file_size, max(0, one.size - one.file_size))
        for one in gone
        if len(children := over[one.path.casefold()]) == 1
    }


def _is_left(disk: Disk, going: Collection[str]) -> bool:
    """Nothing names it any more once they have gone."""
    return bool(disk.checkpoint_ids) and not disk.attached and set(disk.checkpoint_ids) <= set(going)


def _without_childless(left: Sequence[Disk], over: dict[str, list[Disk]]) -> list[Disk]:
    """Those on which something stands. The others are removed, from the end of each branch on."""
    gone = list(left)
    while childless := next((one for one in gone if not over.get(one.path.casefold())), None):
        gone.remove(childless)
        under = over.get((childless.parent_path or "").casefold(), [])
        if childless in under:
            under.remove(childless)
    return gone


def cost(seen: VMInventory, going: Collection[str]) -> float:
    """What their merges may write: the cheapest goes first, and one that nobody can tell last."""
    found = growth(seen, going)
    return float("inf") if found is None else float(sum(found.values()))


def needs(grown: Iterable[tuple[str, int]], volumes: Iterable[Volume]) -> tuple[Need, ...]:
    """What these paths and bytes come to on each of the volumes, the fullest first."""
    deepest = sorted(volumes, key=lambda volume: -len(volume.path))
    found: dict[Volume, int] = {}
    for path, size in grown:
        on = next((one for one in deepest if path.casefold().startswith(one.path.casefold())), None)
        if on is not None and size:
            found[on] = found.get(on, 0) + size
    return tuple(sorted((Need(*one) for one in found.items()), key=lambda need: need.volume.free - need.size))


def too_little(needed: Iterable[Need]) -> str:
    """Why a merge does not fit, as a clause; empty where it does, or nobody can tell."""
    tight = next((one for one in needed if not one.fits), None)
    if tight is None:
        return ""
    return (
        f"there is too little room for a merge: it may need {say_size(tight.size)}, and {tight.volume.path} has "
        f"{say_size(tight.volume.free)} free"
    )


def of(seen: VMInventory, going: Collection[str], volumes: Iterable[Volume] | None) -> tuple[Need, ...]:
    """What one VM's merges may need; nothing where nobody can tell."""
    return needs((growth(seen, going) or {}).items(), volumes or ())
