"""The faults with which the WS-Management service of Windows refuses a message.

Numbers are those of wsmerror.h and winerror.h. Texts are those that clients of real hosts report, in English.
"""

from __future__ import annotations


class WSManFault(Exception):
    """A message is refused: HTTP 500 and a SOAP fault, with a WSManFault of number `code` when there is one."""

    def __init__(self, code: int | None, subcode: str, message: str, *, sender: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.subcode = subcode
        self.message = message
        self.sender = sender
        """The client is to blame; else the service."""


def operation_timed_out() -> WSManFault:
    """Nothing to receive within OperationTimeout: clients ask again."""
    return WSManFault(
        2150858793,
        "w:TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.",
        sender=False,
    )


def shell_not_found(shell_id: str) -> WSManFault:
    return WSManFault(
        2150858843,
        "w:InvalidSelectors",
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found on "
        "the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the "
        "server. Provide the correct ShellId or create a new shell and retry the operation.",
    )


def command_not_found() -> WSManFault:
    return WSManFault(
        2150858843,
        "w:InvalidSelectors",
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does not "
        "exist. Either the command has completed execution or the client specified an invalid command identifier.",
    )


def resource_not_found(resource_uri: str) -> WSManFault:
    """No session configuration of that name is registered."""
    return WSManFault(
        2150858811,
        "a:DestinationUnreachable",
        f"The WS-Management service cannot process the request. The resource URI ({resource_uri}) was not found in "
        "the WS-Management catalog. The catalog contains the metadata that describes resources, or logical endpoints.",
    )


def too_many_shells(limit: int) -> WSManFault:
    return WSManFault(
        2150859173,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. This user is allowed a maximum number of "
        f"{limit} concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user.",
    )


def too_many_commands() -> WSManFault:
    """It has no number: jborean93/pypsrp issue 148 reports it of Windows Server 2012 R2 with its subcode alone."""
    return WSManFault(
        None,
        "w:InternalError",
        "The WS-Management service cannot process the request. The maximum number of concurrent commands per shell "
        "has been exceeded. Retry the request later or raise the Maximum Commands per Shell quota.",
        sender=False,
    )


def aborted() -> WSManFault:
    """The shell or command was closed while a request waited on it."""
    return WSManFault(
        995,
        "w:InternalError",
        "The I/O operation has been aborted because of either a thread exit or an application request.",
        sender=False,
    )


def access_denied() -> WSManFault:
    return WSManFault(5, "w:AccessDenied", "Access is denied.")


def invalid_parameter() -> WSManFault:
    return WSManFault(87, "w:InvalidParameter", "The parameter is incorrect.")


def invalid_message() -> WSManFault:
    return WSManFault(
        2150858817,
        "w:SchemaValidationError",
        "The SOAP XML in the message does not match the corresponding XML schema definition. Change the XML and retry.",
    )


def invalid_time_out() -> WSManFault:
    return WSManFault(
        2150858881,
        "w:InvalidHeader",
        "The WS-Management service cannot process the request because the timeout header in the request is invalid.",
    )


def action_not_supported(action: str) -> WSManFault:
    return WSManFault(
        2150858753,
        "a:ActionNotSupported",
        f"The WS-Management service cannot process the request. The WS-Addressing action URI ({action}) is invalid. "
        "Check the documentation for information on how to construct an action URI.",
    )


def disconnect_not_supported() -> WSManFault:
    return WSManFault(
        2150859205,
        "w:UnsupportedFeature",
        "The WinRM Shell client cannot process the request. The server does not support disconnect and reconnect.",
    )


def internal_error() -> WSManFault:
    return WSManFault(1359, "w:InternalError", "An internal error occurred.", sender=False)


def numbered(code: int) -> WSManFault:
    """A fault with nothing but its number."""
    return WSManFault(code, "w:InternalError", f"The WS-Management service refused the request: {code}.", sender=False)
