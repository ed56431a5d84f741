"""`Session` over pypsrp: warm shells, a hard deadline for every call, and nothing that changes something sent twice.

A call runs on its shell's thread while the caller waits for no longer than its deadline; then the shell's connections
are cut, which ends that thread too. So neither a host that hangs nor a name server can hold a caller.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Final, TypeVar

from backends.base import (
    AuthenticationFailed,
    BackendError,
    Greeting,
    HostConnection,
    TimedOut,
    UnknownOutcome,
    Unreachable,
    unmarked,
)
from backends.base import name as called
from backends.hyperv.psrp import faults
from backends.hyperv.psrp.breaker import Breaker
from backends.hyperv.psrp.connection import problem
from backends.hyperv.psrp.hello import hello
from backends.hyperv.psrp.lost import ShellBook, end_shells
from backends.hyperv.psrp.pool import IDLE_LIMIT, AllBusy, Closed, Lease, Pool
from backends.hyperv.psrp.shell import Phase, Shell
from backends.remoting import Pipeline, Result

CHECK_AFTER: Final = 30.0
"""Seconds idle after which a shell is asked whether it is alive before it is used: a connection that died in silence
would swallow a change."""
CHECK_TIMEOUT: Final = 5
"""Seconds that a connection which stood idle is given to answer before a new one is made."""
STOPPING: Final = 0.5
"""Seconds that a host is given to stop what ran in a shell that was ended."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Call:
    """One invocation. `ends` is on the monotonic clock."""

    pipeline: Pipeline
    deadline: float
    ends: float
    change: bool
    on_progress: Callable[[int], None] | None

    @property
    def left(self) -> float:
        return max(0.0, self.ends - time.monotonic())


@dataclass(frozen=True, slots=True)
class _Failed:
    """The call came to no result."""

    error: BaseException


_Event = int | Result | _Failed


class _Again(Exception):
    """The call may be made once more on a fresh shell. `error` stands if that is not possible."""

    def __init__(self, error: BackendError) -> None:
        super().__init__(error.cause)
        self.error = error


class PsrpSession:
    """A warm way to the host of `connection`. Safe to use from many threads; each call has a shell to itself.

    `book` keeps which shells stand open, for a program that starts after a crash. `clock` counts seconds for idle times
    and for how long a failing host is left alone.
    """

    def __init__(
        self,
        connection: HostConnection,
        *,
        book: ShellBook | None = None,
        clock: Callable[[], float] = time.monotonic,
        check_after: float = CHECK_AFTER,
        idle_limit: float = IDLE_LIMIT,
    ) -> None:
        self._connection = connection
        self._problem = problem(connection)
        self._check_after = check_after
        self._breaker = Breaker(connection.name, clock)
        self._book = book = book or ShellBook()
        self._pool: Pool[Shell] = Pool(lambda: Shell(connection, book), connection.shells, clock, idle_limit)
        self._connecting = Lock()
        self._versions = Greeting()
        self._closing = weakref.finalize(self, self._pool.close)

    def invoke(
        self,
        pipeline: Pipeline,
        *,
        deadline: float,
        change: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Result:
        return self._carry_out(_Call(pipeline, deadline, time.monotonic() + deadline, change, on_progress))

    def greeting(self) -> Greeting:
        return hello(self._connection, self._versions)

    def end_lost_calls(self) -> None:
        if self._problem or not self._book.all_lost:
            return
        self._breaker.admit()
        try:
            end_shells(self._connection, self._book)
        except Exception as error:
            failure = faults.unreachable(error, self._connection)
            self._breaker.failed(failure)
            raise failure from error
        self._breaker.succeeded()
        time.sleep(STOPPING)

    def close(self) -> None:
        """Close every shell on the host; done at the end of the program too. Calls made later are `Unreachable`."""
        self._closing()

    # ------------------------------------------------------------ one call, tried at most twice

    def _carry_out(self, call: _Call) -> Result:
        if self._problem:
            raise Unreachable(self._problem, f"{self._connection.name}: {unmarked(self._problem)}")
        self._breaker.admit()
        try:
            result = self._with_second_try(call)
        except (AllBusy, Closed) as error:
            self._breaker.withdrawn()
            raise self._no_shell(error, call) from None
        except BackendError as error:
            self._breaker.failed(error)
            raise
        except BaseException:
            self._breaker.withdrawn()
            raise
        self._breaker.succeeded()
        return result

    def _with_second_try(self, call: _Call) -> Result:
        try:
            return self._attempt(call, fresh=False)
        except _Again as first:
            _log.info("trying %s once more on a fresh shell: %s", self._connection.name, first)
        try:
            return self._attempt(call, fresh=True)
        except _Again as second:
            raise second.error from second.__cause__

    def _attempt(self, call: _Call, *, fresh: bool) -> Result:
        lease = self._pool.lend(call.left, fresh=fresh)
        events: SimpleQueue[_Event] = SimpleQueue()
        outcome: Result | _Failed | None = None
        try:
            lease.shell.worker.do(partial(self._work, lease, call, events))
            outcome = _follow(events, call)
        finally:
            if outcome is None:
                self._pool.discard(lease.shell)
        match outcome:
            case Result():
                return outcome
            case _Failed(error):
                raise self._broken(error, call, lease) from error
            case None:
                raise self._out_of_time(call, lease.shell.phase)

    def _work(self, lease: Lease[Shell], call: _Call, events: SimpleQueue[_Event]) -> None:
        """Run the call and put what happens into `events`. The result is known before the pipeline is ended on the
        host, so the caller has it one round trip earlier, and does not lose it if that fails."""
        shell = lease.shell

        def on_result(result: Result) -> None:
            self._pool.finishing(shell)
            events.put(result)

        try:
            self._prepare(lease)
            shell.run(call.pipeline, events.put, on_result)
        except faults.Stale as gone:
            self._pool.retire(shell)
            events.put(_Failed(gone))
        except BaseException as error:  # carried over to the thread that waits for this one
            self._pool.discard(shell)
            events.put(_Failed(error))
        else:
            self._pool.give_back(shell)

    def _prepare(self, lease: Lease[Shell]) -> None:
        lease.shell.phase = Phase.READY
        if lease.idle_for is None:
            self._logging_on(lease.shell.open)
            self._versions = lease.shell.versions
        elif lease.idle_for >= self._check_after and not lease.shell.alive(CHECK_TIMEOUT, self._logging_on):
            raise faults.Stale

    def _logging_on(self, connect: Callable[[], T]) -> T:
        """Connect one at a time: a password that is wrong must be refused once, not by every call that waits."""
        with self._connecting:
            self._breaker.refuse_if_locked()
            try:
                return connect()
            except Exception as error:
                failure = faults.unreachable(error, self._connection)
                if isinstance(failure, AuthenticationFailed):
                    self._breaker.failed(failure)
                raise failure from error

    # ------------------------------------------------------------ what went wrong

    def _broken(self, error: BaseException, call: _Call, lease: Lease[Shell]) -> Exception:
        """What to raise for a call that ended without a result."""
        if isinstance(error, BackendError):
            return error
        phase = lease.shell.phase
        never_ran = phase is Phase.READY or (phase is Phase.SENDING and faults.never_ran(error))
        if call.change and not never_ran:
            lost = f"The connection to {called(self._connection.name)} was lost"
            return _unknown(lost, faults.describe(error, self._connection))
        failure = faults.unreachable(error, self._connection)
        again = not call.change or lease.idle_for is not None
        return _Again(failure) if again and call.left else failure

    def _out_of_time(self, call: _Call, phase: Phase) -> BackendError:
        name = self._connection.name
        cause = f"{name}: no answer within {call.deadline:g} s, {phase.value}"
        if call.change and phase is not Phase.READY:
            return _unknown(f"{called(name)} did not answer within {call.deadline:g} s", cause)
        sentence = f"{called(name)} did not answer within {call.deadline:g} s. Try again in a few minutes."
        return Unreachable(sentence, cause) if call.change else TimedOut(sentence, cause)

    def _no_shell(self, error: AllBusy | Closed, call: _Call) -> BackendError:
        name = self._connection.name
        if isinstance(error, Closed):
            return Unreachable(f"The bot is closing its sessions on {called(name)}.", f"{name}: closed")
        sentence = f"Every session on {called(name)} is busy. Try again in a few minutes."
        cause = f"{name}: no shell came free within {call.deadline:g} s"
        return Unreachable(sentence, cause) if call.change else TimedOut(sentence, cause)


def _unknown(what: str, cause: str) -> UnknownOutcome:
    return UnknownOutcome(
        f"{what} while a change was under way, and it may have happened. Look at the VM before you try again.", cause
    )


def _follow(events: SimpleQueue[_Event], call: _Call) -> Result | _Failed | None:
    """Wait for how the call comes out, passing progress on; None when the time is up."""
    on_progress = call.on_progress
    while True:
        try:
            event = events.get(timeout=call.left)
        except Empty:
            return None
        if not isinstance(event, int):
            return event
        if on_progress is not None and 0 <= event <= 100:
            try:
                on_progress(event)
            except Exception:
                _log.exception("progress could not be shown; it is not shown any further")
                on_progress = None
