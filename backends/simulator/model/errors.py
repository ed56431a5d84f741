"""The errors of a simulated host: ids, categories and HRESULTs as Hyper-V's module and PowerShell give them.

Sources: the error table of Hyper-V's module and its published error texts. The ids of three cases (disabled
checkpoints, a failed production checkpoint, the limit of 50) are published nowhere; `OperationFailed` stands for them,
as for other job failures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, IntEnum

from backends.simulator.model.texts import Language, text

VIRTUALIZATION_EXCEPTION = "Microsoft.HyperV.PowerShell.VirtualizationException"
BINDING_EXCEPTION = "System.Management.Automation.ParameterBindingException"
COR_E_EXCEPTION = 0x80131500


@dataclass(frozen=True, slots=True)
class ErrorData:
    """An error record on its way out."""

    error_id: str
    """FullyQualifiedErrorId, whole: `ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVMSnapshot`."""
    category: int
    """The number of the ErrorCategory."""
    category_name: str
    message: str
    exception_type: str = "System.Exception"
    hresult: int = -2146233088
    """Signed 32 bits, as .NET has it."""
    target: str | None = None
    activity: str = ""
    """The cmdlet's name."""


class Category(IntEnum):
    """PowerShell's ErrorCategory."""

    NotSpecified = 0
    InvalidArgument = 5
    InvalidData = 6
    InvalidOperation = 7
    InvalidType = 9
    MetadataError = 10
    NotImplemented = 11
    ObjectNotFound = 13
    OperationStopped = 14
    OperationTimeout = 15
    ParserError = 17
    PermissionDenied = 18
    ResourceBusy = 19
    ConnectionError = 27
    AuthenticationError = 28


class Case(Enum):
    """What can be wrong: error id, category, key of the text, HRESULT."""

    VM_NAME_INVALID = ("InvalidParameter", Category.InvalidArgument, "vm-not-found")
    """Get-VM says so of a name that it does not find; other cmdlets say `VM_NOT_FOUND`."""
    VM_ID_INVALID = ("InvalidParameter", Category.InvalidArgument, "vm-id-not-found")
    VM_NOT_FOUND = ("ObjectNotFound", Category.ObjectNotFound, "vm-not-found")
    VM_ID_NOT_FOUND = ("ObjectNotFound", Category.ObjectNotFound, "vm-id-not-found")
    CHECKPOINT_NOT_FOUND = ("ObjectNotFound", Category.ObjectNotFound, "checkpoint-not-found")
    SERVICE_DOWN = ("ObjectNotFound", Category.ObjectNotFound, "remote-computer")
    """What a host says of everything while its management service is down, or to an account without rights."""
    ACCESS_DENIED = ("AccessDenied", Category.PermissionDenied, "access-denied", 0x80070005)
    TIMEOUT = ("OperationTimeout", Category.OperationTimeout, "timeout")
    INVALID_PARAMETER = ("InvalidParameter", Category.InvalidArgument, "invalid-parameter")
    NAME_TOO_LONG = ("InvalidParameter", Category.InvalidArgument, "name-too-long")
    IN_USE = ("ObjectInUse", Category.ResourceBusy, "in-use")
    MERGE_PENDING = ("ObjectInUse", Category.ResourceBusy, "merge-pending")
    INVALID_STATE = ("InvalidState", Category.InvalidOperation, "invalid-state")
    DISABLED = ("OperationFailed", Category.NotSpecified, "disabled")
    PRODUCTION_FAILED = ("OperationFailed", Category.NotSpecified, "production-failed")
    DISK_FULL = ("OperationFailed", Category.NotSpecified, "disk-full", 0x80070070)
    FILE_MISSING = ("OperationFailed", Category.NotSpecified, "file-missing", 0x80070002)
    VHD_MISSING = ("ObjectNotFound", Category.ObjectNotFound, "vhd-missing", 0x80070002)
    FILE_EXISTS = ("OperationFailed", Category.NotSpecified, "file-exists", 0x80070050)
    LIMIT = ("OperationFailed", Category.NotSpecified, "limit")
    PASS_THROUGH = ("OperationFailed", Category.NotSpecified, "pass-through")
    ASSIGNED_DEVICE = ("OperationFailed", Category.NotSpecified, "assigned-device")
    NAMING_FAILED = ("OperationFailed", Category.NotSpecified, "naming-failed")
    NO_CONTACT = ("OperationFailed", Category.NotSpecified, "no-contact")
    REMOTE_COMPUTER = ("AccessDenied", Category.PermissionDenied, "remote-computer")
    HRESULT = ("OperationFailed", Category.NotSpecified, "hresult")
    FAILED_OF = ("OperationFailed", Category.NotSpecified, "hresult-of")
    CHAIN = ("OperationFailed", Category.NotSpecified, "chain")

    def __init__(self, error_id: str, category: Category, key: str, hresult: int = COR_E_EXCEPTION) -> None:
        self.error_id = error_id
        self.category = category
        self.key = key
        self.hresult = hresult


class HostError(Exception):
    """Hyper-V on the simulated host did not do what it was asked. It becomes an error record of the cmdlet."""

    def __init__(self, case: Case, *, hresult: int | None = None, **details: object) -> None:
        super().__init__(text(Language.EN, case.key, **details))
        self.case = case
        self.hresult = case.hresult if hresult is None else hresult
        self.details = details

    def data(self, language: Language, command: str, command_class: str, target: str | None = None) -> ErrorData:
        """The error record as `command`, implemented by `command_class`, writes it."""
        record = _record(self.case.error_id, self.case.category, self._message(language), command, command_class)
        return replace(record, exception_type=VIRTUALIZATION_EXCEPTION, hresult=signed(self.hresult), target=target)

    def _message(self, language: Language) -> str:
        """What happened; of a failed job in paragraphs: that it failed, why, and once more of which VM."""
        why = text(language, self.case.key, **self.details)
        if self.case.error_id != Case.HRESULT.error_id:
            return why
        named = "name" in self.details and "id" in self.details
        last = [text(language, "job-failed-of", **self.details)] if named else []
        return "\n\n".join([text(language, "job-failed"), why, *last])


class ShellError(Exception):
    """PowerShell itself refuses: an unknown command, a parameter that does not bind."""

    def __init__(
        self,
        error_id: str,
        category: Category,
        key: str,
        *,
        exception_type: str = BINDING_EXCEPTION,
        **details: object,
    ) -> None:
        super().__init__(text(Language.EN, key, **details))
        self.error_id = error_id
        self.category = category
        self.key = key
        self.exception_type = exception_type
        self.details = details

    def data(self, language: Language, command: str, command_class: str | None = None) -> ErrorData:
        """The error record that ends the pipeline. An unknown command has no class."""
        message = text(language, self.key, **self.details)
        record = _record(self.error_id, self.category, message, command, command_class)
        return replace(record, exception_type=self.exception_type, target=command)


def signed(hresult: int) -> int:
    """The HRESULT as .NET has it, in signed 32 bits."""
    return hresult - (1 << 32) if hresult >= 1 << 31 else hresult


def _record(error_id: str, category: Category, message: str, command: str, command_class: str | None) -> ErrorData:
    return ErrorData(
        error_id=f"{error_id},{command_class}" if command_class else error_id,
        category=int(category),
        category_name=category.name,
        message=message,
        activity=command,
    )


def from_hresult(code: int, host: str) -> HostError:
    """The error that a bare HRESULT of Windows becomes."""
    if code == Case.ACCESS_DENIED.hresult:
        return HostError(Case.ACCESS_DENIED, host=host)
    return HostError(Case.HRESULT, hresult=code, code=code)
