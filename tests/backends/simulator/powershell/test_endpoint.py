"""Session configurations: what a JEA endpoint shows, what it hides, and the bot's own endpoint."""

from __future__ import annotations

import json
from threading import Event

import pytest

from backends.hyperv.pipelines import Endpoint, Pipelines, Plain
from backends.remoting import Pipeline, Result
from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.endpoint import plain_configuration, restricted_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import _Run
from backends.simulator.powershell.shell import Command, Terminated
from tests.backends.simulator.host_console import Console, command


@pytest.fixture
def quick(clock: ManualClock) -> SimulatedHost:
    host = new_host("hv01", clock=clock, durations=Durations(scale=0))
    add_vm(host, "web01", past=[Past("a", 2 * DAY), Past("b", DAY, has_memory=True)])
    add_vm(host, "web02", past=[Past("c", DAY)])
    return host


def consoles(host: SimulatedHost) -> tuple[Console, Console]:
    """To the plain endpoint, and to the bot's own."""
    shell = SimulatedPowerShell(host, [plain_configuration(), bot_configuration()])
    return Console(host, shell), Console(host, shell, NAME)


def run(console: Console, pipeline: Pipeline) -> Result:
    return console.session.invoke(pipeline, deadline=20)


def test_a_hidden_command_is_an_unknown_one(quick: SimulatedHost) -> None:
    _, restricted = consoles(quick)

    result = restricted("Get-VM")

    assert result.terminated
    assert (result.errors[0].error_id, result.errors[0].category) == ("CommandNotFoundException", "ObjectNotFound")


def test_an_unknown_command_is_unknown_on_a_plain_endpoint_too(quick: SimulatedHost) -> None:
    assert Console(quick)("Get-CheckpointBotEndpoint").errors[0].error_id == "CommandNotFoundException"


def test_a_visible_cmdlet_is_there_with_and_without_its_module(quick: SimulatedHost) -> None:
    shell = SimulatedPowerShell(quick, [restricted_configuration("Ops", visible_cmdlets=["Hyper-V\\Get-VM"])])
    console = Console(quick, shell, "Ops")

    assert len(console("Get-VM").output) == len(console("Hyper-V\\Get-VM").output) == 2
    assert console("Other\\Get-VM").errors[0].error_id == "CommandNotFoundException"
    assert console("Get-VMSnapshot").terminated


def test_get_command_tells_which_endpoint_it_is(quick: SimulatedHost) -> None:
    plain, restricted = consoles(quick)
    ask = command("Get-Command", Name=("Get-VM", "Get-CheckpointBotEndpoint"), ErrorAction="SilentlyContinue")

    assert [one["Name"] for one in plain(ask).output] == ["Get-VM"]  # type: ignore[index]
    assert [one["Name"] for one in restricted(ask).output] == ["Get-CheckpointBotEndpoint"]  # type: ignore[index]
    assert plain(command("Get-Command", Name="Nope")).errors[0].error_id == "CommandNotFoundException"


def test_a_restricted_endpoint_selects_no_property_of_a_vm_and_writes_no_json(quick: SimulatedHost) -> None:
    shell = SimulatedPowerShell(quick, [restricted_configuration("Ops", visible_cmdlets=["Hyper-V\\Get-VM"])])
    console = Console(quick, shell, "Ops")

    assert console("Get-VM", command("Select-Object", Property="State")).errors[0].category == "InvalidData"
    assert console("Get-VM", command("Select-Object", ExpandProperty="Name")).errors[0].error_id == (
        "NamedParameterNotFound"
    )
    assert console("Get-VM", "ConvertTo-Json").errors[0].error_id == "CommandNotFoundException"


@pytest.mark.parametrize(
    ("configuration", "error_id"), [("Microsoft.PowerShell", "SimulatorRunsNoScripts"), (NAME, "ScriptsNotAllowed")]
)
def test_script_text_never_runs(quick: SimulatedHost, configuration: str, error_id: str) -> None:
    shell = SimulatedPowerShell(quick, [plain_configuration(), bot_configuration()])
    script = (Command("Get-VM | Stop-VM -TurnOff", is_script=True),)
    sink = _Run(shell, (Command("Get-VMHost"),), configuration, None)

    with pytest.raises(Terminated) as caught:
        shell.run([script], sink, Event(), configuration=configuration)

    assert caught.value.error.error_id == error_id
    refused = "ParseException" if configuration == NAME else "RuntimeException"
    assert caught.value.error.exception_type == f"System.Management.Automation.{refused}"


def answers(console: Console, pipelines: tuple[Pipeline, ...]) -> list[object]:
    """All objects that the pipelines answer with."""
    texts = [str(text) for pipeline in pipelines for text in run(console, pipeline).output]
    found: list[object] = []
    for answer in map(json.loads, texts):
        found.extend(answer if isinstance(answer, list) else [answer])
    return found


def questions(dialect: Pipelines, vm: SimulatedVM, path: str) -> list[tuple[Pipeline, ...]]:
    checkpoint = vm.ordered()[0].id
    return [
        (dialect.vms(),),
        (dialect.vms(vm.id),),
        (dialect.checkpoints(),),
        (dialect.checkpoints(vm.id),),
        (dialect.checkpoint(checkpoint),),
        dialect.drives(),
        dialect.drives(vm.id),
        dialect.files(),
        dialect.files(vm.id),
        (dialect.files_at((path,)),),
        (dialect.volumes(),),
    ]


def test_every_question_has_the_same_answer_on_both_endpoints(quick: SimulatedHost) -> None:
    plain, restricted = consoles(quick)
    vm = quick.all()[0]
    path = vm.drives[0].path or ""

    for from_afar, on_host in zip(questions(Plain(), vm, path), questions(Endpoint(), vm, path), strict=True):
        there = answers(restricted, on_host)
        assert there
        assert there == answers(plain, from_afar)


def test_every_change_works_on_the_bots_endpoint(quick: SimulatedHost) -> None:
    _, restricted = consoles(quick)
    vm, say = quick.all()[0], Endpoint()
    (created,) = answers(restricted, (say.create(vm.id, "new [*]"),))
    new_id = created["Id"]  # type: ignore[index]

    for change in (
        say.rename(new_id, "renamed"),
        say.apply(new_id),
        say.start(vm.id),
        say.export(new_id, "D:\\exports"),
        say.configure(vm.id, None, True),
        say.delete(vm.ordered()[0].id, subtree=True),
    ):
        result = run(restricted, change)
        assert result.errors == ()
        assert len(result.output) == 1

    assert vm.checkpoints == {}
    assert vm.automatic_checkpoints


def test_a_function_checks_its_parameters(quick: SimulatedHost) -> None:
    _, restricted = consoles(quick)
    vm = quick.all()[0]
    checkpoint = vm.ordered()[0].id

    for wrong in (
        command("New-CheckpointBotCheckpoint", VMId=vm.id, Name="x" * 101),
        command("Export-CheckpointBotCheckpoint", CheckpointId=checkpoint, Path="\\\\server\\share"),
        command("Get-CheckpointBotFile", Path="C:\\Windows\\win.ini"),
        command("Set-CheckpointBotVM", VMId=vm.id, CheckpointType="Nope"),
    ):
        error = restricted.error(wrong)
        assert (error.error_id, error.category) == ("ParameterArgumentValidationError", "InvalidData")
        assert error.command == wrong.name
