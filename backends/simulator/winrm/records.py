"""Errors of the seam in psrpcore's form."""

from __future__ import annotations

from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException

from backends.simulator.model.errors import ErrorData
from backends.simulator.winrm import values


def error_record(error: ErrorData) -> ErrorRecord:
    """Clients read the id, the category by number, and the exception's message and HResult."""
    message = values.text(error.message)
    target = None if error.target is None else values.text(error.target)
    exception = NETException(Message=message, HResult=error.hresult)
    exception.PSObject.type_names = list(dict.fromkeys((error.exception_type, *exception.PSTypeNames, values.OBJECT)))
    exception.PSObject.to_string = values.to_string(f"{error.exception_type}: {message}")
    record = ErrorRecord(
        Exception=exception,
        CategoryInfo=ErrorCategoryInfo(
            Category=ErrorCategory(error.category),
            Activity=error.activity,
            Reason=error.exception_type.rpartition(".")[2],
            TargetName=target or "",
            TargetType="" if target is None else "String",
        ),
        TargetObject=target,
        FullyQualifiedErrorId=error.error_id,
    )
    record.PSObject.to_string = values.to_string(message)
    return record


def internal_error(cause: Exception) -> ErrorData:
    """What a client sees of a mistake of the simulator's own."""
    return ErrorData("RuntimeException", ErrorCategory.NotSpecified.value, "NotSpecified", str(cause))


def no_command_metadata() -> ErrorData:
    """The answer to implicit remoting (`Import-PSSession`), which a pretend host does not take part in."""
    return ErrorData(
        error_id="CommandMetadataNotSupported",
        category=ErrorCategory.NotImplemented.value,
        category_name="NotImplemented",
        message="This host gives no command metadata: run the commands themselves.",
        exception_type="System.NotSupportedException",
        hresult=-2146233067,
    )
