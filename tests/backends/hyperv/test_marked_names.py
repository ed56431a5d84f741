"""Every name in what the backends say stands apart from the words around it, whatever somebody called the thing."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from spnego.exceptions import InvalidCredentialError

from backends.base import (
    VM,
    BackendError,
    Checkpoint,
    CheckpointType,
    HostConnection,
    OperationalStatus,
    OperationFailed,
    VMInventory,
    VMState,
    name,
    unmarked,
)
from backends.hyperv import errors
from backends.hyperv.backend import HyperVBackend
from backends.hyperv.psrp import faults
from backends.hyperv.psrp.breaker import Breaker
from backends.hyperv.psrp.connection import problem
from backends.hyperv.psrp.messages import Ended
from backends.hyperv.records import EPOCH
from backends.remoting import ErrorRecord, Pipeline, Result

HOST, MACHINE, ACCOUNT = "h*v_01*", "`w~eb`", "_bot_"
CONNECTION = HostConnection(HOST, "127.0.0.1", username=ACCOUNT, configuration_name="<e>ndpoint")
COMMANDS = "Microsoft.HyperV.PowerShell.Commands"


def assert_marked(sentence: str, *names: str) -> None:
    """Those of the names that are in it stand apart; the first must be."""
    assert names[0] in unmarked(sentence)
    for one in names:
        assert sentence.count(one) == sentence.count(name(one)), sentence


IDS = ("AccessDenied", "ObjectNotFound", "ObjectInUse", "InvalidState", "InvalidParameter", "OperationTimeout", "Other")
CATEGORIES = ("PermissionDenied", "SecurityError", "ObjectNotFound", "ResourceBusy", "OperationTimeout", "NotSpecified")
CODES = (None, 0x80070005, 0x80070002, 0x80070020, 0x80070027, 0x80070032, 0x80070070)


def records() -> Iterator[ErrorRecord]:
    commands = ("GetVM", "CheckpointVM", "RestoreVMSnapshot")
    for identity, category, code, command in itertools.product(IDS, CATEGORIES, CODES, commands):
        yield ErrorRecord(identity, category, "broken", f"{COMMANDS}.{command}", code)
    yield ErrorRecord("CommandNotFoundException", "ObjectNotFound", "broken")


def test_whatever_a_host_reports() -> None:
    for record, change, whole in itertools.product(records(), (True, False), (True, False)):
        assert_marked(errors.error_for(record, HOST, change=change, whole=whole).sentence, HOST)
    with pytest.raises(BackendError) as broken_off:
        errors.raise_for(Result(terminated=True), HOST, change=True)
    assert_marked(broken_off.value.sentence, HOST)


@pytest.mark.parametrize(
    "seen",
    [
        VM("1", MACHINE, HOST, VMState.RUNNING, CheckpointType.DISABLED),
        VM("1", MACHINE, HOST, VMState.RUNNING, CheckpointType.PRODUCTION_ONLY),
        VM("1", MACHINE, HOST, VMState.RUNNING, operational_status=(OperationalStatus.BACKING_UP,)),
        VM("1", MACHINE, HOST, VMState.RUNNING, operational_status=(OperationalStatus.MERGING_DISKS,)),
    ],
)
def test_what_a_failure_means_on_a_vm(seen: VM) -> None:
    error = errors.for_create(OperationFailed("…"), VMInventory(seen), HOST)
    assert_marked(error.sentence, MACHINE, HOST)


def test_a_full_list_of_checkpoints() -> None:
    points = tuple(Checkpoint(str(n), "x", "1", EPOCH) for n in range(50))
    seen = VMInventory(VM("1", MACHINE, HOST, VMState.RUNNING), points)
    assert_marked(errors.for_create(OperationFailed("…"), seen, HOST).sentence, MACHINE)


@pytest.mark.parametrize(
    "error",
    [
        InvalidCredentialError(),
        AuthenticationError("no method"),
        ssl.SSLCertVerificationError(1, "x"),
        Ended("over"),
        requests.ConnectionError("refused"),
        *(WinRMTransportError("http", status, "") for status in (401, 404, 429, 500, 502, 503, 504)),
        *(
            WSManFaultError(code, HOST, "why", None, None, None)
            for code in (5, 995, 2150858811, 2150859173, 0xC0000005, 77)
        ),
    ],
    ids=repr,
)
def test_whatever_breaks_on_the_way(error: Exception) -> None:
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = "self-signed"
    sentence = faults.unreachable(error, CONNECTION).sentence
    assert_marked(sentence, HOST, ACCOUNT, "<e>ndpoint")


def test_settings_that_cannot_work() -> None:
    said = problem(replace(CONNECTION, auth="basic", ssl=False))
    assert said is not None
    assert_marked(said, HOST)


def test_a_host_that_is_left_alone() -> None:
    breaker = Breaker(HOST, lambda: 0.0)
    for _ in range(2):
        breaker.failed(OperationFailed("…"))
    with pytest.raises(BackendError) as resting:
        breaker.admit()
    assert_marked(resting.value.sentence, HOST)


class Babbling:
    """A session of a host whose every answer is no JSON."""

    def invoke(self, pipeline: Pipeline, **_: object) -> Result:
        return Result(output=("[{]",))

    def end_lost_calls(self) -> None: ...

    def close(self) -> None: ...


def test_an_answer_that_nobody_understands() -> None:
    with pytest.raises(BackendError) as caught:
        HyperVBackend(HOST, Babbling()).inventory()
    assert_marked(caught.value.sentence, HOST)


def test_what_goes_to_a_log_or_a_plain_text_has_no_marks() -> None:
    error = OperationFailed(f"{name(HOST)} tried and failed.")
    assert str(error) == error.cause == f"{HOST} tried and failed."
