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
    OperationFailed,
    ProductionFailed,
    Refused,
    TimedOut,
    UnknownOutcome,
    VMInventory,
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

_UNCHANGED: Final = "Nothing was changed."
_LOOK: Final = "Look at the VM before you try again."
_HANDS_OFF: Final = "Do not apply or delete checkpoints of this VM before somebody has looked at its disks."
_QUOTED_LENGTH: Final = 300
_CODE_AT_END: Final = re.compile(r"\(0x([0-9A-Fa-f]{8})\)[.。]?\s*$", re.MULTILINE)
_LOOKUPS: Final = ("GetVM", "GetVMSnapshot")


def raise_for(result: Result, host: str, *, change: bool) -> None:
    """Raise for the first error record of `result`, if it has any."""
    if result.errors:
        raise error_for(result.errors[0], host, change=change)
    if result.terminated:
        raise OperationFailed(
            f"{host} broke the command off and gave no reason. {_LOOK}", f"{host}: pipeline failed without a record"
        )


def error_for(record: ErrorRecord, host: str, *, change: bool) -> BackendError:
    """The error that a record stands for. With `change`, it came from a command that changes something."""
    cause = _cause(record, host)
    meaning = _BY_HRESULT.get(_hresult(record)) or _by_id(record)
    if meaning is _timed_out and change:
        meaning = _perhaps_changed
    return meaning(host, cause) if meaning else failed(record, host)


def is_missing_command(errors: Sequence[ErrorRecord]) -> bool:
    """The endpoint does not know the command that was sent."""
    return any(error.error_id in _MISSING_COMMAND for error in errors)


def for_create(error: OperationFailed, seen: VMInventory, host: str) -> BackendError:
    """What a checkpoint that could not be taken means on a VM in the state `seen` right after."""
    vm, cause = seen.vm, error.cause
    if vm.checkpoint_type is CheckpointType.DISABLED:
        return Disabled(
            f"Checkpoints are switched off for {vm.name} on {host}. {_UNCHANGED} "
            "Switch them on with /checkpoint settings, by setting a type.",
            cause,
        )
    if len(seen.checkpoints) >= MAX_CHECKPOINTS:
        return OperationFailed(
            f"{vm.name} has {len(seen.checkpoints)} checkpoints, and Hyper-V allows {MAX_CHECKPOINTS}. {_UNCHANGED} "
            "Delete one that is not needed any more.",
            cause,
        )
    if vm.checkpoint_type is CheckpointType.PRODUCTION_ONLY:
        return ProductionFailed(
            f"{host} could not take a production checkpoint of {vm.name}, and its settings allow no other. Check the "
            "VSS service and the backup integration service in the VM, or allow standard checkpoints with "
            "/checkpoint settings.",
            cause,
        )
    return for_checkpoint(error, seen, host)


def for_checkpoint(error: OperationFailed, seen: VMInventory, host: str) -> BackendError:
    """What a failed change means on a VM in the state `seen` right after."""
    vm, cause = seen.vm, error.cause
    if vm.backing_up:
        return Busy(f"{vm.name} is being backed up on {host}, and that came first. Try again when it is over.", cause)
    if vm.merging:
        return Busy(f"{host} is still merging disks of {vm.name}. Try again when that is over.", cause)
    return error


def failed(record: ErrorRecord, host: str) -> OperationFailed:
    """The host's own words, where nothing better is known."""
    words = " ".join(record.message.split())[:_QUOTED_LENGTH]
    said = f"It says: {words}" if words else "It gave no reason."
    return OperationFailed(f"{host} tried and failed. {said} {_LOOK}", _cause(record, host))


def _by_id(record: ErrorRecord) -> _Meaning | None:
    if record.error_id == "InvalidParameter" and _is_lookup(record):
        return _gone
    return _BY_ID.get(record.error_id) or _BY_CATEGORY.get(record.category)


def _refused(host: str, cause: str) -> Refused:
    return Refused(
        f"{host} does not let the bot's account do this. {_UNCHANGED} Put the account into the group Hyper-V "
        "Administrators on the host, or let it use the bot's endpoint.",
        cause,
    )


def _not_offered(host: str, cause: str) -> Refused:
    return Refused(
        f"{host} does not offer a command that this needs. {_UNCHANGED} Install the Hyper-V module for PowerShell "
        "there, or register the bot's endpoint again.",
        cause,
    )


def _gone(host: str, cause: str) -> NotFound:
    return NotFound(f"{host} does not have that VM or checkpoint any more. {_UNCHANGED}", cause)


def _in_use(host: str, cause: str) -> Busy:
    return Busy(f"The VM is in use by something else on {host}. {_UNCHANGED} Try again in a few minutes.", cause)


def _wrong_state(host: str, cause: str) -> Busy:
    return Busy(
        f"The state that the VM is in on {host} does not allow this. {_UNCHANGED} Look at the VM, and try again when "
        "it has settled.",
        cause,
    )


def _disk_full(host: str, cause: str) -> DiskFull:
    return DiskFull(
        f"A volume of {host} has no room for this. Make room, by deleting checkpoints for instance, and try again.",
        cause,
    )


def _held(host: str, cause: str) -> Busy:
    return Busy(f"A file of the VM is in use by something else on {host}, a backup perhaps. {_LOOK}", cause)


def _file_missing(host: str, cause: str) -> OperationFailed:
    return OperationFailed(f"A file of the VM is missing on {host}. {_HANDS_OFF}", cause)


def _chain_broken(host: str, cause: str) -> OperationFailed:
    return OperationFailed(f"The chain of disks of the VM is broken on {host}. {_HANDS_OFF}", cause)


def _timed_out(host: str, cause: str) -> TimedOut:
    return TimedOut(f"{host} took too long to answer. {_UNCHANGED} Try again in a few minutes.", cause)


def _perhaps_changed(host: str, cause: str) -> UnknownOutcome:
    return UnknownOutcome(f"{host} gave up waiting for the change, which may go on all the same. {_LOOK}", cause)


_Meaning = Callable[[str, str], BackendError]

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
    "ObjectNotFound": _gone,
    "ObjectInUse": _in_use,
    "InvalidState": _wrong_state,
    "OperationTimeout": _timed_out,
    **dict.fromkeys(_MISSING_COMMAND, _not_offered),
}

_BY_CATEGORY: Final[Mapping[str, _Meaning]] = {
    "PermissionDenied": _refused,
    "SecurityError": _refused,
    "ObjectNotFound": _gone,
    "ResourceBusy": _in_use,
    "OperationTimeout": _timed_out,
}
"""For ids that are not known. `InvalidOperation` is not here: PowerShell gives it to errors of its own too."""


def _is_lookup(record: ErrorRecord) -> bool:
    """The record comes from `Get-VM` or `Get-VMSnapshot`, which call an id that they do not know a bad argument."""
    return record.command.rpartition(".")[2].removesuffix("Command") in _LOOKUPS


def _hresult(record: ErrorRecord) -> int | None:
    """The HRESULT behind a record. Hyper-V's job errors carry it at the end of a line of their text, in the same
    digits in every language, where the exception itself has only the one that .NET gives to every exception."""
    if record.hresult is not None and record.hresult >> 16 == _WIN32:
        return record.hresult
    codes = _CODE_AT_END.findall(record.message)
    return int(codes[-1], 16) if codes else record.hresult


def _cause(record: ErrorRecord, host: str) -> str:
    code = _hresult(record)
    shown = "" if code is None else f" 0x{code:08X}"
    return f"{host}: {record.error_id},{record.command} {record.category}{shown}: {record.message}"
