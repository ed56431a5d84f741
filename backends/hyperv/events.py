"""What a host's event logs and folders tell, and how far they could be read: silence counts only from there on."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from backends.base import (
    BackendError,
    EventLog,
    FolderFile,
    FolderFiles,
    HostEvent,
    HostEvents,
    LogReading,
    LogTrouble,
    Refused,
    TimedOut,
    Unreachable,
)
from backends.hyperv import errors, records
from backends.hyperv.questions import Questions
from backends.remoting import ErrorRecord

MOST_EVENTS: Final = 2000
"""Of one log: more than one of the size that Windows gives it holds."""

MOST_FOLDERS: Final = 200
"""In one question."""

_NOTHING_FOUND: Final = "NoMatchingEventsFound"
_TROUBLES: Final = {
    "NoMatchingLogsFound": LogTrouble.NO_LOG,
    "LogInfoUnavailable": LogTrouble.NO_ACCESS,
}
_DENIED: Final = frozenset({"PermissionDenied", "SecurityError"})

_log = logging.getLogger(__name__)


def of_host(ask: Questions, since: datetime) -> HostEvents:
    """The events of both logs since then. A log that tells nothing is in the readings. Raises `Unreachable`."""
    read = [_read(ask, log, since) for log in EventLog]
    found = [event for events, _ in read for event in events if event.at >= since]
    return HostEvents(ask.host, tuple(sorted(found, key=lambda one: one.at)), tuple(reading for _, reading in read))


def folder_files(ask: Questions, folders: Sequence[str]) -> FolderFiles:
    """The differencing files in these folders. Raises `BackendError`."""
    files: list[FolderFile] = []
    unread: list[str] = []
    for start in range(0, len(folders), MOST_FOLDERS):
        some = tuple(folders[start : start + MOST_FOLDERS])
        pipeline = ask.pipelines.folder_files(some)
        if pipeline is None:
            return FolderFiles(ask.host, unread=tuple(folders), not_offered=True)
        shown = ask.scan(records.folder_files, pipeline, ask.deadlines.scan)
        files += shown.records
        about = [[folder for folder in some if _is_about(error, folder)] for error in shown.errors]
        unread += dict.fromkeys(folder for found in about for folder in found) if all(about) else some
    return FolderFiles(ask.host, tuple(files), tuple(unread))


def _is_about(error: ErrorRecord, folder: str) -> bool:
    return error.target.casefold() == folder.casefold() or folder.casefold() in error.message.casefold()


def _read(ask: Questions, log: EventLog, since: datetime) -> tuple[list[HostEvent], LogReading]:
    pipelines = ask.pipelines.events(log, since, MOST_EVENTS)
    if pipelines is None:
        return [], LogReading(ask.host, log, LogTrouble.NOT_OFFERED)
    shown: list[records.Json] = []
    beside: list[ErrorRecord] = []
    try:
        for pipeline in pipelines:
            answer = ask.scan(records.events, pipeline, ask.deadlines.read, usual=_NOTHING_FOUND)
            shown += answer.records
            beside += answer.errors
    except Unreachable:
        raise
    except BackendError as error:
        _log.warning("the log %s of %s was not read: %s", log, ask.host, error.cause)
        return [], LogReading(ask.host, log, _kind(error))
    found = {event.number: event for one in shown if (event := records.event(one, log)) is not None}
    if trouble := _trouble(beside, shown):  # what was read is a sign all the same
        return list(found.values()), LogReading(ask.host, log, trouble)
    return list(found.values()), _reading(ask.host, log, since, sorted(found.values(), key=lambda e: e.number))


def _kind(error: BackendError) -> LogTrouble:
    """Of a question that broke off: a host that did answer is not said to be silent."""
    match error:
        case TimedOut():
            return LogTrouble.NO_ANSWER
        case Refused():
            return LogTrouble.NO_ACCESS
        case _:
            return LogTrouble.GAVE_ERROR


def _trouble(beside: Iterable[ErrorRecord], shown: Iterable[records.Json]) -> LogTrouble | None:
    beside = [one for one in beside if one.error_id != _NOTHING_FOUND]
    if beside:
        first = beside[0]
        denied = first.category in _DENIED or first.hresult == errors.ACCESS_DENIED
        if errors.is_missing_command(beside):
            return LogTrouble.NOT_OFFERED
        return _TROUBLES.get(first.error_id) or (LogTrouble.NO_ACCESS if denied else LogTrouble.GAVE_ERROR)
    enabled = next((one.get("IsEnabled") for one in shown if "IsEnabled" in one), None)
    if enabled is None:
        return LogTrouble.GAVE_ERROR
    return None if enabled is True else LogTrouble.DISABLED


def _reading(host: str, log: EventLog, since: datetime, events: Sequence[HostEvent]) -> LogReading:
    """How far back it is known. The first event of the log is always asked for: before it nothing is. An empty log is
    taken to have nothing to tell."""
    if not events:
        return LogReading(host, log, seen_from=records.EPOCH)
    first, rest = events[0], [event for event in events if event.at >= since]
    if len(rest) >= MOST_EVENTS:
        return LogReading(host, log, seen_from=min(event.at for event in rest[-MOST_EVENTS:]))
    return LogReading(host, log, seen_from=first.at)
