"""A host that speaks French or Japanese is understood like one that speaks English."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backends.base import (
    Backend,
    BackendError,
    Busy,
    CheckpointType,
    Disabled,
    DiskFull,
    NotFound,
    OperationalStatus,
    ProductionFailed,
    Refused,
    VMState,
)
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import Vss
from backends.simulator.model.texts import Language
from tests.backends.hyperv.hosts import instant_host, over_winrm, powershell

NOBODY = "99999999-9999-9999-9999-999999999999"

Case = Callable[[SimulatedHost, Backend], None]


def _disabled(host: SimulatedHost, backend: Backend) -> None:
    backend.create(add_vm(host, "web01", checkpoint_type=CheckpointType.DISABLED).id, "one")


def _production(host: SimulatedHost, backend: Backend) -> None:
    vm = add_vm(host, "dc01", checkpoint_type=CheckpointType.PRODUCTION_ONLY, vss=Vss.FAILING)
    backend.create(vm.id, "one")


def _full(host: SimulatedHost, backend: Backend) -> None:
    vm = add_vm(host, "web01", checkpoint_type=CheckpointType.STANDARD)
    host.faults.arm(Fault(FaultKind.DISK_FULL, cmdlet="Checkpoint-VM"))
    backend.create(vm.id, "one")


def _refused(host: SimulatedHost, backend: Backend) -> None:
    vm = add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, cmdlet="Checkpoint-VM", code=0x80070005))
    backend.create(vm.id, "one")


def _backed_up(host: SimulatedHost, backend: Backend) -> None:
    vm = add_vm(host, "web01", past=[Past("old", DAY)])
    vm.busy_with = OperationalStatus.BACKING_UP
    backend.delete(next(iter(vm.checkpoints)))


def _wrong_state(host: SimulatedHost, backend: Backend) -> None:
    backend.start(add_vm(host, "web01", state=VMState.PAUSED_CRITICAL).id)


def _no_vm(host: SimulatedHost, backend: Backend) -> None:
    backend.vm(NOBODY)


def _no_checkpoint(host: SimulatedHost, backend: Backend) -> None:
    backend.apply(NOBODY)


CASES: dict[str, tuple[Case, type[BackendError]]] = {
    "disabled": (_disabled, Disabled),
    "production only": (_production, ProductionFailed),
    "disk full": (_full, DiskFull),
    "refused": (_refused, Refused),
    "backed up": (_backed_up, Busy),
    "wrong state": (_wrong_state, Busy),
    "no such VM": (_no_vm, NotFound),
    "no such checkpoint": (_no_checkpoint, NotFound),
}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("case", CASES)
def test_the_kind_of_an_error_is_the_same_in_every_language(language: Language, case: str) -> None:
    do, kind = CASES[case]
    host = instant_host(language=language)
    with over_winrm(powershell(host)) as backend, pytest.raises(BackendError) as caught:
        do(host, backend)
    assert type(caught.value) is kind
    assert str(caught.value).isascii(), "none of the host's own words"


@pytest.mark.parametrize("language", Language)
def test_states_are_read_as_numbers(language: Language) -> None:
    host = instant_host(language=language)
    vm = add_vm(host, "web01", state=VMState.SAVED)
    vm.busy_with = OperationalStatus.BACKING_UP
    with over_winrm(powershell(host)) as backend:
        seen = backend.inventory().vms[0].vm
    assert seen.state is VMState.SAVED
    assert seen.backing_up
