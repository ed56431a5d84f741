"""Error records become `BackendError`s, by id, category and HRESULT: their text is in the host's language.

Ids and categories are those of the Hyper-V module's own error records. The id is not enough where Hyper-V reports a
failed job (`OperationFailed`, `NotSpecified`): there `for_create` and `for_checkpoint` look at the state beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from backends.base import (
    MAX_CHECKPOINTS,
    BackendError,
    Busy,
    CheckpointType,
    Disabled,
    DiskFull,
    NotFound,
    NotReady,
    OperationFailed,
    ProductionFailed,
    Refused,
    TimedOut,
    UnknownOutcome,
    VMInventory,
    command,
    name,
    unmarked,
)
from backends.remoting import ErrorRecord, Result

ACCESS_DENIED: Final = 0x80070005
FILE_NOT_FOUND: Final = 0x80070002
SHARING_VIOLATION: Final = 0x80070020
HANDLE_DISK_FULL: Final = 0x80070027
NOT_SUPPORTED: Final = 0x80070032
DISK_FULL: Final = 0x80070070

_WIN32: Final = 0x8007
"""The upper half of an HRESULT that stands for a Windows error code."""

_LOOK: Final = "Look at the VM before you try again."
_HANDS_OFF: Final = "Do not apply or delete checkpoints of this VM before somebody has looked at its disks."
_QUOTED_LENGTH: Final = 300
_CODE_AT_END: Final = re.compile(
    r"\(0x([0-9A-Fa-f]{8})\)[.。]?(?:[ \t]*\([^()\n]*[0-9A-Fa-f-]{36}\)[.。]?)?[ \t]*$", re.MULTILINE
)
"""Behind the code a paragraph may name the VM by its id, in brackets too."""
_LOOKUPS: Final = ("GetVM", "GetVMSnapshot")


def raise_for(result: Result, host: str, *, change: bool, whole: bool = True) -> None:
    """Raise for the first error record of `result`, if it has any. See `error_for`."""
    if result.errors:
        raise error_for(result.errors[0], host, change=change, whole=whole)
    if result.terminated:
        raise OperationFailed(
            f"{name(host)} broke the command off and gave no reason. {_LOOK}",
            f"{host}: pipeline failed without a record",
            unchanged=not change,
        )


def error_for(record: ErrorRecord, host: str, *, change: bool, whole: bool = True) -> BackendError:
    """The error that a record stands for.

    With `change`, it came from a pipeline that changes something: then it is known that nothing was changed where the
    look-up before the change failed, where a command never began, and, if the change is done `whole` or not at all,
    where Hyper-V turned it down at the door.
    """
    unchanged = not change or _never_began(record) or (whole and record.error_id in _AT_THE_DOOR)
    cause = _cause(record, host)
    if change and not unchanged and _went_away(record):
        return _perhaps_changed(host, cause, unchanged)
    meaning = _BY_HRESULT.get(hresult_of(record)) or _by_id(record)
    if meaning is _timed_out and not unchanged:
        meaning = _perhaps_changed
    return meaning(host, cause, unchanged) if meaning else failed(record, host, unchanged=unchanged)


def is_missing_command(errors: Sequence[ErrorRecord]) -> bool:
    """The endpoint does not know the command that was sent."""
    return any(error.error_id in _MISSING_COMMAND for error in errors)


def for_create(error: OperationFailed, seen: VMInventory, host: str) -> BackendError:
    """What a checkpoint that could not be taken means on a VM in the state `seen` right after."""
    vm, cause = seen.vm, error.cause
    if vm.checkpoint_type is CheckpointType.DISABLED:
        return Disabled(
            f"Checkpoints are switched off for {name(vm.name)} on {name(host)}. Switch them on with "
            f"{command('/checkpoint settings')}, by setting a type.",
            cause,
        )
    if len(seen.checkpoints) >= MAX_CHECKPOINTS:
        return OperationFailed(
            f"{name(vm.name)} has {len(seen.checkpoints)} checkpoints, and Hyper-V allows {MAX_CHECKPOINTS}. "
            "Delete one that is not needed any more.",
            cause,
            unchanged=True,
        )
    if vm.checkpoint_type is CheckpointType.PRODUCTION_ONLY:
        return ProductionFailed(
            f"{name(host)} could not take a production checkpoint of {name(vm.name)}, and its settings allow no "
            "other. Check the VSS service and the backup integration service in the VM, or allow standard "
            "checkpoints with "
            f"{command('/checkpoint settings')}.",
            cause,
        )
    return for_checkpoint(error, seen, host)


def for_checkpoint(error: OperationFailed, seen: VMInventory, host: str) -> BackendError:
    """What a failed change means on a VM in the state `seen` right after."""
    vm, cause, unchanged = seen.vm, error.cause, error.unchanged
    if vm.backing_up:
        sentence = (
            f"{name(vm.name)} is being backed up on {name(host)}, and that came first. Try again when it is over."
        )
        return Busy(sentence, cause, unchanged=unchanged)
    if vm.merging:
        sentence = f"{name(host)} is still merging disks of {name(vm.name)}. Try again when that is over."
        return Busy(sentence, cause, unchanged=unchanged)
    return error


def failed(record: ErrorRecord, host: str, *, unchanged: bool = False) -> OperationFailed:
    """The host's own words, where nothing better is known."""
    words = unmarked(" ".join(record.message.split()))[:_QUOTED_LENGTH]
    said = f"It says: {words}" if words else "It gave no reason."
    return OperationFailed(f"{name(host)} tried and failed. {said} {_LOOK}", _cause(record, host), unchanged=unchanged)


def gone(host: str, cause: str, unchanged: bool = True) -> NotFound:
    return NotFound(f"{name(host)} does not have that VM or checkpoint any more.", cause, unchanged=unchanged)


def too_old(host: str) -> Refused:
    return Refused(
        f"The endpoint on {name(host)} is of an older version and does not show its cluster. Run "
        "Register-CheckpointBotEndpoint.ps1 of this bot there.",
        f"{host}: its endpoint is too old to tell of the cluster",
        unchanged=True,
    )


def no_cluster(result: Result, host: str) -> BackendError:
    """Why a host shows no cluster. Only a connection error of the module says that it is no node."""
    record = result.errors[0] if result.errors else None
    cause = _cause(record, host) if record else f"{host}: the question broke off"
    if is_missing_command(result.errors):
        return Refused(
            f"{name(host)} has no PowerShell module for its cluster. Install the feature RSAT-Clustering-PowerShell "
            "there.",
            cause,
            unchanged=True,
        )
    if record and record.category == "ConnectionError":
        return OperationFailed(
            f"{name(host)} is no node of a cluster, or its cluster service does not run.", cause, unchanged=True
        )
    return Refused(
        f"{name(host)} does not show its cluster to the bot's account. Run Grant-ClusterAccess -ReadOnly for it on a "
        "node, or make it an administrator of the nodes.",
        cause,
        unchanged=True,
    )


def not_ready(host: str, cause: str, _: bool = True) -> NotReady:
    return NotReady(
        f"{name(host)} answers, and Hyper-V on it shows no VM. Either its service (Hyper-V Virtual Machine "
        "Management) is down or just starting, or the bot's account has no right to Hyper-V there. See that the "
        "service runs and that the account is in the group Hyper-V Administrators.",
        cause,
    )


def _by_id(record: ErrorRecord) -> _Meaning | None:
    if record.error_id == "InvalidParameter" and _command(record) in _LOOKUPS:
        return gone
    if _went_away(record) and _command(record) == "GetVM":
        return not_ready
    return _BY_ID.get(record.error_id) or _BY_CATEGORY.get(record.category)


def _refused(host: str, cause: str, unchanged: bool) -> Refused:
    return Refused(
        f"{name(host)} does not let the bot's account do this. Put the account into the group Hyper-V "
        "Administrators on the host, or let it use the bot's endpoint.",
        cause,
        unchanged=unchanged,
    )


def _not_offered(host: str, cause: str, unchanged: bool) -> Refused:
    return Refused(
        f"{name(host)} does not offer a command that this needs. Install the Hyper-V module for PowerShell there, or "
        "register the bot's endpoint again.",
        cause,
        unchanged=unchanged,
    )


def _in_use(host: str, cause: str, unchanged: bool) -> Busy:
    sentence = f"The VM is in use by something else on {name(host)}. Try again in a few minutes."
    return Busy(sentence, cause, unchanged=unchanged)


def _wrong_state(host: str, cause: str, unchanged: bool) -> Busy:
    return Busy(
        f"The state that the VM is in on {name(host)} does not allow this. Look at the VM, and try again when it has "
        "settled.",
        cause,
        unchanged=unchanged,
    )


def _disk_full(host: str, cause: str, unchanged: bool) -> DiskFull:
    return DiskFull(
        f"A volume of {name(host)} has no room for this. Make room, by deleting checkpoints for instance, and try "
        "again.",
        cause,
        unchanged=unchanged,
    )


def _held(host: str, cause: str, unchanged: bool) -> Busy:
    sentence = f"A file of the VM is in use by something else on {name(host)}, a backup perhaps. {_LOOK}"
    return Busy(sentence, cause, unchanged=unchanged)


def _file_missing(host: str, cause: str, unchanged: bool) -> OperationFailed:
    return OperationFailed(f"A file of the VM is missing on {name(host)}. {_HANDS_OFF}", cause, unchanged=unchanged)


def _chain_broken(host: str, cause: str, unchanged: bool) -> OperationFailed:
    return OperationFailed(
        f"The chain of disks of the VM is broken on {name(host)}. {_HANDS_OFF}", cause, unchanged=unchanged
    )


def _timed_out(host: str, cause: str, unchanged: bool) -> TimedOut:
    return TimedOut(f"{name(host)} took too long to answer. Try again in a few minutes.", cause, unchanged=unchanged)


def _perhaps_changed(host: str, cause: str, _: bool) -> UnknownOutcome:
    return UnknownOutcome(
        f"{name(host)} gave up on the change, which may have happened or go on all the same. {_LOOK}", cause
    )


_Meaning = Callable[[str, str, bool], BackendError]

_MISSING_COMMAND: Final = frozenset({"CommandNotFoundException", "CommandNotFound"})

_BY_HRESULT: Final[Mapping[int | None, _Meaning]] = {
    ACCESS_DENIED: _refused,
    FILE_NOT_FOUND: _file_missing,
    SHARING_VIOLATION: _held,
    HANDLE_DISK_FULL: _disk_full,
    NOT_SUPPORTED: _chain_broken,
    DISK_FULL: _disk_full,
}

_BY_ID: Final[Mapping[str, _Meaning]] = {
    "AccessDenied": _refused,
    "ObjectNotFound": gone,
    "ObjectInUse": _in_use,
    "InvalidState": _wrong_state,
    "OperationTimeout": _timed_out,
    **dict.fromkeys(_MISSING_COMMAND, _not_offered),
}

_BY_CATEGORY: Final[Mapping[str, _Meaning]] = {
    "PermissionDenied": _refused,
    "SecurityError": _refused,
    "ObjectNotFound": gone,
    "ResourceBusy": _in_use,
    "OperationTimeout": _timed_out,
}
"""For ids that are not known. `InvalidOperation` is not here: PowerShell gives it to errors of its own too."""


_AT_THE_DOOR: Final = frozenset({"AccessDenied", "ObjectInUse", "InvalidState"})
"""Ids of what Hyper-V says before it begins. The same reasons in the text of a failed job come later."""

_NOT_BOUND: Final = ("ParameterArgument", "ParameterBinding", "NamedParameterNotFound", "AmbiguousParameterSet")


def _never_began(record: ErrorRecord) -> bool:
    """It comes from the look-up before a change, or from PowerShell, which binds all commands before it runs one."""
    return _command(record) in _LOOKUPS or record.error_id in _MISSING_COMMAND or record.error_id.startswith(_NOT_BOUND)


def _went_away(record: ErrorRecord) -> bool:
    """What the command was to work on is not there, or the service that knows of it is not."""
    found_none = "ObjectNotFound" in (record.error_id, record.category)
    return found_none and record.error_id not in _MISSING_COMMAND and hresult_of(record) not in _BY_HRESULT


def _command(record: ErrorRecord) -> str:
    """`GetVM`, of `Microsoft.HyperV.PowerShell.Commands.GetVM` or of a class that ends in `Command`."""
    return record.command.rpartition(".")[2].removesuffix("Command")


def hresult_of(record: ErrorRecord) -> int | None:
    """The HRESULT behind a record. Hyper-V's job errors carry it at the end of a line of their text, in the same
    digits in every language, where the exception itself has only the one that .NET gives to every exception."""
    if record.hresult is not None and record.hresult >> 16 == _WIN32:
        return record.hresult
    codes = [int(code, 16) for code in _CODE_AT_END.findall(record.message)]
    known = [code for code in codes if code in _BY_HRESULT]
    return known[-1] if known else codes[-1] if codes else record.hresult


def _cause(record: ErrorRecord, host: str) -> str:
    code = hresult_of(record)
    shown = "" if code is None else f" 0x{code:08X}"
    return f"{host}: {record.error_id},{record.command} {record.category}{shown}: {record.message}"
