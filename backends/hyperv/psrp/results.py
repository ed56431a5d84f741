"""What a pipeline gave, in pypsrp's objects and then in the bot's."""

from __future__ import annotations

from typing import Final

from pypsrp.complex_objects import GenericComplexObject, PSInvocationState
from pypsrp.messages import ErrorRecordMessage
from pypsrp.powershell import PowerShell

from backends.remoting import ErrorRecord, Result


def result(pipeline: PowerShell) -> Result:
    """The result of a pipeline that is over."""
    streams = pipeline.streams
    return Result(
        output=tuple(pipeline.output),
        errors=tuple(error_record(record) for record in streams.error),
        warnings=tuple(str(record.message) for record in streams.warning),
        progress=tuple(one.percent_complete for one in streams.progress if one.percent_complete >= 0),
        terminated=pipeline.state != PSInvocationState.COMPLETED,
    )


def error_record(record: ErrorRecordMessage) -> ErrorRecord:
    """An error record. Its exception has the text and the HRESULT, as properties that came over the wire."""
    identity, _, command = (record.fq_error or "").partition(",")
    exception = record.exception
    properties = exception.adapted_properties if isinstance(exception, GenericComplexObject) else {}
    hresult = properties.get("HResult")
    return ErrorRecord(
        error_id=identity,
        category=_category(record.category),
        message=str(properties.get("Message") or exception or record),
        command=command,
        hresult=hresult & 0xFFFFFFFF if isinstance(hresult, int) else None,
        target=str(record.target_name or ""),
    )


def _category(number: int | None) -> str:
    return _CATEGORIES[number] if number is not None and 0 <= number < len(_CATEGORIES) else "NotSpecified"


_CATEGORIES: Final = (
    "NotSpecified",
    "OpenError",
    "CloseError",
    "DeviceError",
    "DeadlockDetected",
    "InvalidArgument",
    "InvalidData",
    "InvalidOperation",
    "InvalidResult",
    "InvalidType",
    "MetadataError",
    "NotImplemented",
    "NotInstalled",
    "ObjectNotFound",
    "OperationStopped",
    "OperationTimeout",
    "SyntaxError",
    "ParserError",
    "PermissionDenied",
    "ResourceBusy",
    "ResourceExists",
    "ResourceUnavailable",
    "ReadError",
    "WriteError",
    "FromStdErr",
    "SecurityError",
    "ProtocolError",
    "ConnectionError",
    "AuthenticationError",
    "LimitsExceeded",
    "QuotaExceeded",
    "NotEnabled",
)
"""`System.Management.Automation.ErrorCategory` in the order of its numbers."""
