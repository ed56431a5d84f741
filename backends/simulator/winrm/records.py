"""Records of the seam in psrpcore's form."""

from __future__ import annotations

from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    NETException,
    ProgressRecordMsg,
    ProgressRecordType,
    WarningRecord,
)

from backends.simulator.shell import ErrorData


def error_record(error: ErrorData) -> ErrorRecord:
    """Clients read the id, the category by number, and the exception's message and HResult."""
    exception = NETException(Message=error.message, HResult=error.hresult)
    exception.PSObject.type_names = list(dict.fromkeys((error.exception_type, *exception.PSTypeNames, "System.Object")))
    exception.PSObject.to_string = f"{error.exception_type}: {error.message}"
    return ErrorRecord(
        Exception=exception,
        CategoryInfo=ErrorCategoryInfo(
            Category=ErrorCategory(error.category),
            Activity=error.activity,
            Reason=error.exception_type.rpartition(".")[2],
            TargetName=error.target or "",
            TargetType="" if error.target is None else "String",
        ),
        TargetObject=error.target,
        FullyQualifiedErrorId=error.error_id,
    )


def warning_record(text: str) -> WarningRecord:
    return WarningRecord(Message=text)


def progress_record(activity: str, percent: int) -> ProgressRecordMsg:
    return ProgressRecordMsg(
        Activity=activity,
        ActivityId=0,
        StatusDescription=f"{percent}%",
        CurrentOperation=None,
        ParentActivityId=-1,
        PercentComplete=percent,
        Type=ProgressRecordType.Completed if percent >= 100 else ProgressRecordType.Processing,
        SecondsRemaining=-1,
    )


def internal_error(cause: Exception) -> ErrorData:
    """What a client sees of a mistake of the simulator's own."""
    return ErrorData("RuntimeException", ErrorCategory.NotSpecified.value, "NotSpecified", str(cause))


def stopped() -> ErrorData:
    """What PowerShell says of a pipeline that its client stopped."""
    return ErrorData(
        error_id="PipelineStopped",
        category=ErrorCategory.OperationStopped.value,
        category_name="OperationStopped",
        message="The pipeline has been stopped.",
        exception_type="System.Management.Automation.PipelineStoppedException",
        hresult=-2146233087,
    )


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
