"""Names that would mean something to PowerShell create, list, rename, apply and delete exactly one thing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.base import Backend, CheckpointType
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import SimulatedVM
from tests.backends.hyperv.hosts import WAYS, instant_host, powershell

HOSTILE = {
    "brackets": "web[1]",
    "star": "*",
    "question": "???",
    "script": "$(Stop-VM *)",
    "quotes": "a'b\"c",
    "pipe": "x | Remove-VM -Force; `whoami`",
    "newline": "two\r\nlines",
    "emoji": "🚀" * 100,
    "right to left": "\u0646\u0633\u062e\u0629\u200f \u202e\u05d2\u05d9\u05d1\u05d5\u05d9",
    "escapes": "_x000A_ _X0041_ \\u0041 &amp; <b>",
    "combining": "e\u0301 ﬁ ß İ",
    "json": '"}]{"Id":"',
    "dash": "-Confirm:$true",
    "spaces": "  padded  ",
}


@pytest.fixture
def host() -> SimulatedHost:
    return instant_host()


@pytest.fixture(params=["over WinRM", "over WinRM, JEA"])
def backend(request: pytest.FixtureRequest, host: SimulatedHost) -> Iterator[Backend]:
    with WAYS[request.param](powershell(host)) as backend:
        yield backend


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_concerns_exactly_one_thing(backend: Backend, host: SimulatedHost, name: str) -> None:
    bystanders = [_vm(host, other) for other in ("web1", "web01", name)]
    vm = _vm(host, name)
    untouched = [list(one.checkpoints.values()) for one in bystanders]

    made = backend.create(vm.id, name)
    assert made.name == name
    seen = next(one for one in backend.inventory().vms if one.vm.id == vm.id)
    assert seen.vm.name == name
    assert [c.name for c in seen.checkpoints] == ["before", "b", name]

    backend.rename(made.id, f"{name}"[:99] + "2")
    backend.rename(seen.checkpoints[1].id, name)
    assert [c.name for c in backend.vm(vm.id).checkpoints] == ["before", name, name[:99] + "2"]

    backend.apply(made.id)
    assert backend.vm(vm.id).vm.current_id == made.id

    backend.delete(seen.checkpoints[1].id)
    assert [c.id for c in backend.vm(vm.id).checkpoints] == [seen.checkpoints[0].id, made.id]
    assert [list(one.checkpoints.values()) for one in bystanders] == untouched


def _vm(host: SimulatedHost, name: str) -> SimulatedVM:
    return add_vm(host, name, checkpoint_type=CheckpointType.STANDARD, past=[Past("before", 2 * DAY), Past("b", DAY)])
