"""Why a host did not do what it was asked, in kinds that the bot tells apart."""

from __future__ import annotations

from typing import ClassVar


class BackendError(Exception):
    """A host did not do what it was asked. `sentence` is for the person who typed, `cause` for the log."""

    outcome_known: ClassVar[bool] = True
    """False when the change may have happened all the same."""

    def __init__(self, sentence: str, cause: str = "", *, unchanged: bool | None = None) -> None:
        """`unchanged` says whether it is known that nothing was changed; left out, that is so where the outcome is
        known. The sentence does not say it: whoever shows the error does."""
        super().__init__(sentence)
        self.sentence = sentence
        self.cause = cause or sentence
        self.unchanged = self.outcome_known if unchanged is None else unchanged


class Unreachable(BackendError):
    """No connection to the host: nothing was run."""


class AuthenticationFailed(Unreachable):
    """The host refused the account or its password: nothing was run, and it is not tried over and over."""


class Refused(BackendError):
    """The account may not do this on the host."""


class NotFound(BackendError):
    """The VM or checkpoint is gone."""


class Busy(BackendError):
    """Something else holds the VM or its files, or it is in a state that does not allow this."""


class Disabled(BackendError):
    """Checkpoints are switched off for the VM."""


class ProductionFailed(BackendError):
    """A production checkpoint cannot be taken and the VM allows no other."""


class DiskFull(BackendError):
    """The volume has no room."""


class TimedOut(BackendError):
    """The host did not answer a read in time."""


class UnknownOutcome(BackendError):
    """The connection was lost while a change was under way: look at the host before doing anything else."""

    outcome_known = False


class OperationFailed(BackendError):
    """The host tried and failed for a reason of its own."""
