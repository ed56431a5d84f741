"""The seam to PowerShell: a pipeline of cmdlets goes in, objects and error records come out.

Two sessions stand behind it: `backends.hyperv.psrp.session` over pypsrp, and the simulator's in process. A pipeline is
data, never script text, so no value that a person typed can become code, and the same pipelines run on an endpoint
in NoLanguage mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from backends.base import Greeting

Argument = str | int | bool | tuple[str, ...] | None
"""What a parameter may carry. A switch takes True or False (`-Confirm:$false` is False)."""


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """One command of a pipeline: its name and its named parameters."""

    name: str
    parameters: Mapping[str, Argument] = field(default_factory=dict)


Pipeline = tuple[Cmdlet, ...]


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """One PowerShell error record. Decide by id, category and HRESULT; `message` is in the host's language."""

    error_id: str
    """The part of FullyQualifiedErrorId before the first comma: `ObjectNotFound`."""
    category: str
    """The name of the ErrorCategory: `ResourceBusy`."""
    message: str
    command: str = ""
    """The class or cmdlet behind the comma of FullyQualifiedErrorId."""
    hresult: int | None = None
    """Unsigned 32 bits: 0x80070070."""
    target: str = ""
    """What the command was at work on, as text, where the record names it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one pipeline gave. Errors that did not end it stand beside its output."""

    output: tuple[object, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    warnings: tuple[str, ...] = ()
    progress: tuple[int, ...] = ()
    """Percentages in the order they came, 0 to 100."""
    terminated: bool = False
    """An error ended the pipeline before its end."""


class Session(Protocol):
    """A warm way to one host. Safe to use from many threads."""

    def invoke(
        self,
        pipeline: Pipeline,
        *,
        deadline: float,
        change: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Run `pipeline` and give its result within `deadline` seconds.

        A read may be sent again on a fresh connection. With `change`, it is sent once at the most: when the answer
        is lost after it may have reached the host, that is `UnknownOutcome`, never a second try.

        Raises `Unreachable` (nothing was run), `AuthenticationFailed`, `TimedOut` (a read), `UnknownOutcome`
        (a change), all from `backends.base`. Error records do not raise here: they are in the result.
        """

    def greeting(self) -> Greeting:
        """What the host says to whoever connects. Its versions are those that it gave when a shell was opened last, so
        something must have been invoked before. A host that does not answer says nothing."""

    def end_lost_calls(self) -> None:
        """See to it that nothing begins any more of the changes whose outcome was lost, in this program or in one that
        died before it. What has begun goes on. Raises `Unreachable`, `AuthenticationFailed`."""

    def close(self) -> None:
        """Close every shell on the host. Harmless when called twice."""
