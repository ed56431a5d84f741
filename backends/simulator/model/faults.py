"""What can go wrong on a simulated host, to be switched on while it runs.

A fault is plain data. The interpreter and the model take those of the host, the WinRM server those of the wire, each
at the moment where it would strike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Condition, Event
from time import monotonic


class FaultKind(StrEnum):
    """The kinds, and what `Fault.seconds` and `Fault.code` mean for each."""

    # On the host.
    HANG = "hang"
    """A cmdlet does nothing for `seconds`, or with 0 until `Faults.release`, and runs afterwards."""
    SLOW = "slow"
    """A cmdlet takes `seconds` longer."""
    CMDLET_ERROR = "cmdlet-error"
    """A cmdlet fails with the HRESULT `code` (0x80070005 when None) before it does anything."""
    SERVICE_DOWN = "service-down"
    """Hyper-V's management service is down, or just starting after a restart: its cmdlets find no object at all."""
    VSS = "vss"
    """The guest's VSS writers fail: no production checkpoint can be taken."""
    DISK_FULL = "disk-full"
    """The volume has no room for what a cmdlet wants to write."""
    NAMING = "naming"
    """A checkpoint is taken, but keeps its default name, and the cmdlet fails."""
    FORK = "fork"
    """A checkpoint of a running VM fails half-way, with the HRESULT `code` (0x80048102 when None): the VM writes to new
    files that its configuration does not name."""
    MERGE_OFF = "merge-off"
    """Merges are not begun as long as it is armed, and nothing tells of that."""
    MERGE_REFUSED = "merge-refused"
    """A merge fails with the HRESULT `code` (0x80070020 when None), and its files stay as they are."""
    MERGE_INTERRUPTED = "merge-interrupted"
    """A merge is broken off half-way and begins again by itself."""
    MERGE_STALL = "merge-stall"
    """Merges do not get on as long as it is armed."""
    CLOCK_SKEW = "clock-skew"
    """The host's clock is `seconds` ahead (behind when negative) as long as it is armed."""

    # On the wire.
    REFUSE_CONNECTION = "refuse-connection"
    """A new connection is closed at once."""
    HTTP_STATUS = "http-status"
    """A request is answered with the bare HTTP status `code`: 401, 500, 503."""
    WSMAN_FAULT = "wsman-fault"
    """A request is answered with HTTP 500 and a WSManFault of number `code`."""
    SLOW_SHELL = "slow-shell"
    """A shell takes `seconds` longer to start."""
    LATENCY = "latency"
    """A request is answered `seconds` later."""
    DONE_WITHOUT_STATE = "done-without-state"
    """The cmdlet has run, and each Receive for it says that the command is done, without a word of how it ended."""
    RESET_RECEIVE = "reset-receive"
    """The connection is reset in the middle of a Receive answer."""
    RESET_BEFORE_ANSWER = "reset-before-answer"
    """The cmdlet has run, and the connection is reset before its answer leaves."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and how often it strikes."""

    kind: FaultKind
    cmdlet: str | None = None
    """Only at this cmdlet; None at any. Faults of the wire that name one strike when its pipeline is served."""
    times: int | None = 1
    """How many times; None as long as it is armed."""
    seconds: float = 0.0
    code: int | None = None

    def strikes(self, kind: FaultKind, cmdlet: str | None) -> bool:
        if self.kind is not kind:
            return False
        return self.cmdlet is None or (cmdlet is not None and self.cmdlet.casefold() == cmdlet.casefold())


class Faults:
    """The faults armed on one host. Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._armed: list[Fault] = []
        self._releases = 0

    def arm(self, fault: Fault) -> None:
        with self._changed:
            self._armed.append(fault)

    def disarm(self, kind: FaultKind | None = None) -> None:
        """Take back the faults of this kind, or all."""
        with self._changed:
            self._armed = [fault for fault in self._armed if kind is not None and fault.kind is not kind]

    def armed(self, kind: FaultKind, cmdlet: str | None = None) -> Fault | None:
        """The fault that would strike next, without counting it."""
        with self._changed:
            return next((fault for fault in self._armed if fault.strikes(kind, cmdlet)), None)

    def take(self, kind: FaultKind, cmdlet: str | None = None) -> Fault | None:
        """The fault that strikes now; one time less is left of it."""
        return self._take(lambda fault: fault.strikes(kind, cmdlet))

    def take_named(self, kind: FaultKind, cmdlet: str) -> Fault | None:
        """As `take`, but only a fault that names `cmdlet`: for a moment at which one that names none has struck."""
        return self._take(lambda fault: fault.cmdlet is not None and fault.strikes(kind, cmdlet))

    def release(self) -> None:
        """Let everything that hangs go on."""
        with self._changed:
            self._releases += 1
            self._changed.notify_all()

    def hang(self, fault: Fault, stop: Event) -> None:
        """Wait as `fault` says, or until `release` or `stop`."""
        until = monotonic() + fault.seconds if fault.seconds else None
        with self._changed:
            seen = self._releases
            while self._releases == seen and not stop.is_set():
                left = None if until is None else until - monotonic()
                if left is not None and left <= 0:
                    return
                self._changed.wait(0.05 if left is None else min(0.05, left))

    def _take(self, strikes: Callable[[Fault], bool]) -> Fault | None:
        with self._changed:
            for place, fault in enumerate(self._armed):
                if strikes(fault):
                    self._count(place, fault)
                    return fault
            return None

    def _count(self, place: int, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times <= 1:
            del self._armed[place]
        else:
            self._armed[place] = replace(fault, times=fault.times - 1)
