"""The JSON of a host becomes records: Windows PowerShell 5.1's way of writing values and PowerShell 7's.

Windows PowerShell 5.1 writes dates as `/Date(ms)/` in UTC, enums as numbers and TimeSpans as objects; PowerShell 7
writes dates in ISO 8601. Both write one object without brackets around it. A property that is missing or null gets its
default; an object without an id cannot be acted on and is left out, with a line in the log, and counted.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from operator import attrgetter
from typing import Final, Generic, TypeVar

from backends.base import (
    VM,
    Checkpoint,
    CheckpointType,
    ClusterNode,
    DrainStatus,
    EventLog,
    FolderFile,
    HostEvent,
    NodeState,
    OperationalStatus,
    ReplicationMode,
    SnapshotType,
    VMState,
    Volume,
    is_differencing,
)
from backends.hyperv.disks import Drive, File

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The date of a checkpoint whose host gave none."""

_ID_LENGTH: Final = 36
_OPTICAL: Final = 5
"""DriveType of a DVD, which is always full."""
_NO_IDS: Final = frozenset({"", "00000000-0000-0000-0000-000000000000"})
_TICKS_PER_SECOND: Final = 10_000_000
_NOT_A_MEMBER: Final = -999
_JSON_DATE: Final = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_TIME_SPAN: Final = re.compile(r"(-?)(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)")

_log = logging.getLogger(__name__)

Json = Mapping[str, object]
_Record = TypeVar("_Record")
_Enum = TypeVar("_Enum", bound=IntEnum)


class Malformed(ValueError):
    """A host's answer is no JSON."""


def vms(output: Iterable[object], host: str, nameless: list[Json] | None = None) -> list[VM]:
    """VMs, in the host's order; those without an id go to `nameless`. Raises `Malformed`."""
    return _records(output, lambda one, vm_id: _vm(one, vm_id, host), nameless)


def checkpoints(output: Iterable[object], nameless: list[Json] | None = None) -> list[Checkpoint]:
    """Checkpoints, oldest first; those without an id go to `nameless`. Raises `Malformed`."""
    return sorted(_records(output, _checkpoint, nameless), key=attrgetter("created"))


def drives(output: Iterable[object]) -> list[Drive]:
    """Drives that stand for a file. Raises `Malformed`."""
    found = (Drive(_id(d.get("VMId")) or "", _id(d.get("VMSnapshotId")), _text(d.get("Path"))) for d in objects(output))
    return [drive for drive in found if drive.path]


def files(output: Iterable[object]) -> list[File]:
    """Virtual hard disk files. Raises `Malformed`."""
    found = (
        File(_text(f.get("Path")), _int(f.get("FileSize")), _int(f.get("Size")), _text(f.get("ParentPath")) or None)
        for f in objects(output)
    )
    return [file for file in found if file.path]


def volumes(output: Iterable[object]) -> list[Volume]:
    r"""Volumes that have a mount point and a size: no empty drives, no `\\?\Volume{…}\`; and no DVDs, which are always
    full. Raises `Malformed`."""
    shown = (one for one in objects(output) if one.get("DriveType") != _OPTICAL)
    found = (Volume(_text(v.get("Name")), _int(v.get("Capacity")), _int(v.get("FreeSpace"))) for v in shown)
    return [volume for volume in found if volume.size and volume.path and not volume.path.startswith("\\\\?\\")]


def events(output: Iterable[object]) -> list[Json]:
    """The state of a log and its events, each as it came: see `log_state` and `event`. Raises `Malformed`."""
    return list(objects(output))


def event(one: Json, log: EventLog) -> HostEvent | None:
    """None for what is no event."""
    if "RecordId" not in one:
        return None
    given = one.get("Properties")
    properties = given if isinstance(given, list) else [given] if given is not None else []
    values = tuple(_text(_unwrapped(value)) for value in properties)
    return HostEvent(log, _int(one.get("Id")), _date(one.get("TimeCreated")), values, _int(one.get("RecordId")))


def folder_files(output: Iterable[object]) -> list[FolderFile]:
    """Files in folders. Raises `Malformed`."""
    found = (
        FolderFile(_text(f.get("FullName")), _int(f.get("Length")), _date(f.get("CreationTimeUtc")))
        for f in objects(output)
    )
    return [file for file in found if is_differencing(file.path)]


def nodes(output: Iterable[object]) -> list[ClusterNode]:
    """Nodes of a cluster. Raises `Malformed`."""
    return [
        ClusterNode(
            _text(one["Name"]).lower(), NodeState(_int(one.get("State"))), DrainStatus(_int(one["DrainStatus"]))
        )
        for one in objects(output)
        if "DrainStatus" in one and one.get("Name")
    ]


def owners(output: Iterable[object]) -> list[tuple[str, str]]:
    """The ids of VMs, each with the name of the node that owns it. Raises `Malformed`."""
    found = ((_id(one.get("Value")), _named(one.get("OwnerNode")).lower()) for one in objects(output))
    return [(vm_id, node) for vm_id, node in found if vm_id and node]


def shared_volumes(output: Iterable[object]) -> list[Volume]:
    """Shared volumes; their names have no backslash at the end. Raises `Malformed`."""
    found = []
    for one in objects(output):
        path, partition = _text(one.get("FriendlyVolumeName")), one.get("Partition")
        if path and isinstance(partition, dict):
            path = path.rstrip("\\") + "\\"
            found.append(Volume(path, _int(partition.get("Size")), _int(partition.get("FreeSpace"))))
    return found


def trouble_of_shared_volumes(output: Iterable[object]) -> list[str]:
    """What is out of the ordinary with shared volumes, as sentences. Raises `Malformed`."""
    found = []
    for one in objects(output):
        path, state = _text(one.get("FriendlyVolumeName")), _unwrapped(one.get("FaultState"))
        flags = state if isinstance(state, int) else 0
        if path and (one.get("RedirectedAccess") is True or flags & NO_DIRECT_IO):
            found.append(f"{path} is in redirected access, as it is during a backup: slower than otherwise.")
        found += [f"{path} {what}." for flag, what in UNUSABLE.items() if path and flags & flag]
    return found


NO_DIRECT_IO: Final = 1
UNUSABLE: Final = {2: "cannot be reached", 4: "is in maintenance", 8: "is dismounted"}
"""Of `CLUSTER_CSV_VOLUME_FAULT_STATE` (clusapi.h)."""


def _named(value: object) -> str:
    """The name of an object that stands as such, or as its text."""
    return _text(value.get("Name")) if isinstance(value, dict) else _text(value)


def objects(output: Iterable[object]) -> Iterator[Json]:
    """The objects in a pipeline's output, where each item is the JSON of one object or of an array of them.
    Raises `Malformed`."""
    for item in output:
        parsed = _parsed(item)
        for one in parsed if isinstance(parsed, list) else (parsed,):
            if isinstance(one, dict):
                yield one


def _parsed(item: object) -> object:
    if not isinstance(item, str):
        return item
    try:
        return json.loads(item)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {item[:200]!r}") from error


def _records(
    output: Iterable[object], make: Callable[[Json, str], _Record], nameless: list[Json] | None
) -> list[_Record]:
    records = []
    for one in objects(output):
        identity = _id(one.get("Id"))
        if identity is None:
            _log.warning("left out an object without an id: %s", one)
            if nameless is not None:
                nameless.append(one)
        else:
            records.append(make(one, identity))
    return records


def _vm(one: Json, vm_id: str, host: str) -> VM:
    memory = one.get("MemoryAssigned")
    return VM(
        id=vm_id,
        name=_text(one.get("Name")),
        host=host,
        state=_STATES.read(one.get("State")),
        checkpoint_type=_TYPES.read(one.get("CheckpointType")),
        automatic_checkpoints=one.get("AutomaticCheckpointsEnabled") is True,
        operational_status=_statuses(one.get("OperationalStatus")),
        uptime=_seconds(one.get("Uptime")),
        current_id=_id(one.get("ParentSnapshotId")),
        memory_assigned=None if memory is None else _int(memory),
        replication_mode=_MODES.read(one.get("ReplicationMode")),
    )


def _checkpoint(one: Json, checkpoint_id: str) -> Checkpoint:
    get = one.get
    return Checkpoint(
        checkpoint_id,
        _text(get("Name")),
        _id(get("VMId")) or "",
        _date(get("CreationTime")),
        _id(get("ParentSnapshotId")),
        _PURPOSES.read(get("SnapshotType")),
        get("IsAutomaticCheckpoint") is True,
        _STATES.read(get("State")) in _WITH_MEMORY,
    )


_WITH_MEMORY: Final = frozenset({VMState.SAVED, VMState.FAST_SAVED, VMState.SAVED_CRITICAL})


# ---------------------------------------------------------------- values


def _text(value: object) -> str:
    """Text that can be stored and sent: half of a surrogate pair, which Windows allows in names, becomes U+FFFD."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _id(value: object) -> str | None:
    """A GUID as lower-case text without braces; None for null and for the empty GUID."""
    if not isinstance(value, str):
        return None
    text = value.lower() if len(value) == _ID_LENGTH else value.strip(" {}()").lower()
    return None if text in _NO_IDS else text


def _int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    try:
        return int(value)
    except (ValueError, OverflowError):
        return 0


def _date(value: object) -> datetime:
    """A date in UTC. One without a zone is taken as UTC; one out of Python's range becomes `EPOCH`."""
    value = _unwrapped(value)
    if not isinstance(value, str):
        return EPOCH
    try:
        if value.startswith("/Date("):
            return EPOCH + timedelta(milliseconds=_milliseconds(value))
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return EPOCH


def _milliseconds(date: str) -> int:
    """The figure in `/Date(…)/`. An offset behind it is only for showing: the figure is UTC."""
    match = _JSON_DATE.fullmatch(date)
    return int(match[1]) if match else 0


def _seconds(value: object) -> float:
    """A TimeSpan as an object (`Ticks` of 100 ns) or as text (`1.02:03:04.5`)."""
    if isinstance(value, dict):
        return max(0.0, _int(value.get("Ticks")) / _TICKS_PER_SECOND)
    match = _TIME_SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[1]:
        return 0.0
    days, hours, minutes = (int(match[group] or 0) for group in (2, 3, 4))
    return days * 86400 + hours * 3600 + minutes * 60 + float(match[5])


def _statuses(value: object) -> tuple[int, ...]:
    value = _unwrapped(value)
    if value is None:
        return (OperationalStatus.OK,)
    found = (_status(one) for one in (value if isinstance(value, list) else [value]))
    return tuple(number for number in found if number is not None)


def _status(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return _STATUS_NAMES.get(value.lower()) if isinstance(value, str) else None


_STATUS_NAMES: Final[Mapping[str, int]] = {
    "ok": OperationalStatus.OK,
    "inservice": OperationalStatus.IN_SERVICE,
    "applyingsnapshot": OperationalStatus.APPLYING_SNAPSHOT,
    "creatingsnapshot": OperationalStatus.CREATING_SNAPSHOT,
    "deletingsnapshot": OperationalStatus.DELETING_SNAPSHOT,
    "mergingdisks": OperationalStatus.MERGING_DISKS,
    "exportingvirtualmachine": OperationalStatus.EXPORTING,
    "migratingvirtualmachine": OperationalStatus.MIGRATING,
    "backingupvirtualmachine": OperationalStatus.BACKING_UP,
}
"""VMOperationalStatus as an endpoint that writes enums as text names it. Others have no number and are left out."""


class _Members(Generic[_Enum]):
    """Reads the members of an enum by their numbers, and by their names in any case (`ProductionOnly`). `absent` stands
    for null; where a value belongs that is not known is for the enum to say."""

    def __init__(self, kind: type[_Enum], absent: _Enum) -> None:
        names: dict[object, _Enum] = {member.name.replace("_", "").lower(): member for member in kind}
        self._known: dict[object, _Enum] = {member.value: member for member in kind}
        self._known |= names
        self._known[None] = absent
        self._unknown = kind(_NOT_A_MEMBER)

    def read(self, value: object) -> _Enum:
        if isinstance(value, dict | list):
            value = _unwrapped(value)
        if isinstance(value, str):
            value = value.lower()
        return self._unknown if isinstance(value, dict | list) else self._known.get(value, self._unknown)


def _unwrapped(value: object) -> object:
    """Windows PowerShell 5.1 writes an array or date that carries extra members as `{"value": …, "Count": …}`."""
    return value.get("value", value.get("Value")) if isinstance(value, dict) else value


_STATES: Final = _Members(VMState, VMState.UNKNOWN)
_TYPES: Final = _Members(CheckpointType, CheckpointType.UNKNOWN)
_PURPOSES: Final = _Members(SnapshotType, SnapshotType.STANDARD)
_MODES: Final = _Members(ReplicationMode, ReplicationMode.UNKNOWN)
