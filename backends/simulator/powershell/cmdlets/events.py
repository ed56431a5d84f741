"""Get-WinEvent: the state of logs, and their events newest first.

Source: the cmdlet's reference and its source (PowerShell/PowerShell, GetEventCommand.cs). Nothing found is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from backends.simulator.model.errors import Category, ShellError
from backends.simulator.model.logs import LoggedEvent, SimulatedLog
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.objects.base import moment
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Instance

DIAGNOSTICS = "System.Diagnostics.Eventing.Reader."
MEGABYTE = 1_052_672


@cmdlet("Get-WinEvent")
def get_events(call: Call) -> Iterator[Instance]:
    names = call.texts("ListLog") if call.given("ListLog") else call.texts("LogName")
    for name in names:
        log = _find(call, name)
        if log is None:
            continue
        if call.given("ListLog"):
            yield _state(name, log)
        else:
            yield from _events(call, name, log)


def _find(call: Call, name: str) -> SimulatedLog | None:
    with call.host.moment():
        log = next((log for known, log in call.host.logs.items() if known.casefold() == name.casefold()), None)
    if log is None or not log.exists:
        _fail(call, "NoMatchingLogsFound", Category.ObjectNotFound, "no-log", name=name)
        return None
    if not log.readable:
        _fail(call, "LogInfoUnavailable", Category.PermissionDenied, "unauthorized")
        return None
    return log


def _state(name: str, log: SimulatedLog) -> Instance:
    return Instance(
        (DIAGNOSTICS + "EventLogConfiguration", "System.Object"),
        {
            "LogName": name,
            "IsEnabled": log.enabled,
            "RecordCount": len(log.events),
            "OldestRecordNumber": log.events[0].number if log.events else 0,
            "MaximumSizeInBytes": MEGABYTE,
            "IsLogFull": False,
        },
        name,
    )


def _events(call: Call, name: str, log: SimulatedLog) -> Iterator[Instance]:
    wanted = [event for event in log.events if _fits(event, call.text("FilterXPath") or "*")]
    found = wanted if call.flag("Oldest") else list(reversed(wanted))
    if not found:
        _fail(call, "NoMatchingEventsFound", Category.ObjectNotFound, "no-events")
    most = call.number("MaxEvents")
    yield from (_event(name, event) for event in (found if most is None else found[:most]))


def _event(name: str, event: LoggedEvent) -> Instance:
    properties = [Instance((DIAGNOSTICS + "EventProperty", "System.Object"), {"Value": one}) for one in event.values]
    return Instance(
        (DIAGNOSTICS + "EventLogRecord", DIAGNOSTICS + "EventRecord", "System.Object"),
        {
            "Id": event.id,
            "Level": event.level,
            "LogName": name,
            "RecordId": event.number,
            "TimeCreated": moment(event.at),
            "Properties": properties,
        },
    )


def _fits(event: LoggedEvent, query: str) -> bool:
    """The part of XPath that is asked with: levels and ids of which one has to fit, and a beginning."""
    levels = {int(one) for one in re.findall(r"Level=(\d+)", query)}
    ids = {int(one) for one in re.findall(r"EventID=(\d+)", query)}
    since = re.search(r"@SystemTime>='([^']+)'", query)
    if since and moment(event.at) < datetime.fromisoformat(since[1]):
        return False
    return not (levels or ids) or event.level in levels or event.id in ids


def _fail(call: Call, error_id: str, category: Category, key: str, **details: object) -> None:
    error = ShellError(error_id, category, key, exception_type="System.Exception", **details)
    call.write_error(error.data(call.host.spec.language, call.name, call.stage.info.class_name))
