"""Why a host did not do what it was asked, in kinds that the bot tells apart."""

from __future__ import annotations

from typing import ClassVar

from backends.base.names import unmarked


class ExplainedError(Exception):
    """Something that a person is told: `sentence` is for them, with names marked, `cause` for the log and the
    ledger."""

    def __init__(self, sentence: str, cause: str = "") -> None:
        super().__init__(sentence, cause)
        self.sentence = sentence
        self.cause = cause or unmarked(sentence)

    def __str__(self) -> str:
        return unmarked(self.sentence)


class BackendError(ExplainedError):
    """A host did not do what it was asked."""

    known_unchanged: ClassVar[bool] = False
    """What `unchanged` is where whoever raises the error does not say."""

    def __init__(self, sentence: str, cause: str = "", *, unchanged: bool | None = None) -> None:
        """`unchanged` says whether it is known that nothing was changed. The sentence does not say it: whoever shows
        the error does."""
        super().__init__(sentence, cause)
        self.unchanged = self.known_unchanged if unchanged is None else unchanged


class Unreachable(BackendError):
    """No connection to the host: nothing was run."""

    known_unchanged = True


class AuthenticationFailed(Unreachable):
    """The host refused the account or its password: nothing was run, and it is not tried over and over."""


class NotReady(Unreachable):
    """The host answers and shows no VM at all: its management service is down or just starting, or the account has no
    right to Hyper-V. Nothing was run, and it says nothing about any VM."""


class Refused(BackendError):
    """The account may not do this on the host, or its endpoint does not offer it."""


class NotFound(BackendError):
    """The VM or checkpoint is gone: the host answers, shows others, and not this one."""

    known_unchanged = True


class Busy(BackendError):
    """Something else holds the VM or its files, or it is in a state that does not allow this."""


class Disabled(BackendError):
    """Checkpoints are switched off for the VM."""

    known_unchanged = True


class ProductionFailed(BackendError):
    """A production checkpoint cannot be taken and the VM allows no other."""


class DiskFull(BackendError):
    """The volume has no room."""


class TimedOut(BackendError):
    """The host did not answer a read in time."""

    known_unchanged = True


class UnknownOutcome(BackendError):
    """The connection was lost while a change was under way: look at the host before doing anything else."""


class OperationFailed(BackendError):
    """The host tried and failed for a reason of its own."""
