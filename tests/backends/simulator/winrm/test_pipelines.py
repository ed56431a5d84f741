from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from uuid import UUID

import pytest
from pypsrp.complex_objects import CommandParameter, PSInvocationState
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool

from backends.simulator.model.enums import EnumValue
from backends.simulator.powershell.shell import Command, Instance, Parameter, Sink, Statement, Terminated
from backends.simulator.winrm import Quotas, WinRMServer
from tests.backends.simulator.winrm.winrm_fakes import (
    NOT_FOUND,
    USERS,
    ScriptedInterpreter,
    connect,
    hello,
    invoke,
    plain,
)
from tests.support.waiting import DEADLINE

"""Seconds after which a test that waits has failed."""


def server(interpreter: ScriptedInterpreter, **more: object) -> WinRMServer:
    return WinRMServer(interpreter, users=USERS, allow_unencrypted=True, **more)


def test_a_warm_pipeline_costs_three_requests():
    with server(ScriptedInterpreter(Hello=hello)) as host, RunspacePool(plain(host)) as pool:
        host.requests.clear()
        for _ in range(5):
            invoke(pool, "Hello")
        assert host.requests == {"Command": 5, "Receive": 5, "Signal": 5}


def test_a_pipeline_that_takes_a_moment_still_costs_three_requests():
    def bit_by_bit(statement: Statement, sink: Sink, stop: Event) -> None:
        for number in range(3):
            stop.wait(0.005)
            sink.output(number)

    with server(ScriptedInterpreter(Count=bit_by_bit)) as host, RunspacePool(plain(host)) as pool:
        host.requests.clear()
        assert invoke(pool, "Count").output == [0, 1, 2]
        assert host.requests == {"Command": 1, "Receive": 1, "Signal": 1}


def test_commands_arrive_as_they_were_typed():
    interpreter = ScriptedInterpreter(**{"Get-VM": hello, "Stop-VM *": hello})
    names = ["web[1]", "*", "$(Stop-VM *)", "a'b\"c", "\U0001f600" * 100, "\u202eabc", "_x0041_", "<&>\n\t"]
    with server(interpreter) as host, RunspacePool(plain(host)) as pool, PowerShell(pool) as pipeline:
        pipeline.add_cmdlet("Get-VM").add_parameter("Name", names).add_parameter("Confirm", False)
        pipeline.add_parameter("Passthru").add_argument(7).add_argument(-(2**31))
        pipeline.add_cmdlet("Select-Object").add_parameter("Property", {"Label": "x"})
        pipeline.add_statement().add_script("Stop-VM *")
        pipeline.invoke()
    parameters = (
        Parameter("Name", names),
        Parameter("Confirm", False),
        Parameter("Passthru", None),
        Parameter(None, 7),
        Parameter(None, -(2**31)),
    )
    select = Command("Select-Object", (Parameter("Property", {"Label": "x"}),))
    assert interpreter.ran == [(Command("Get-VM", parameters), select), (Command("Stop-VM *", is_script=True),)]


def test_a_pipeline_too_large_for_one_message_arrives_whole():
    interpreter = ScriptedInterpreter(Big=hello)
    names = [f"vm-{number:05}" for number in range(5_000)]
    small = {"max_envelope_size": 20_000}
    with server(interpreter) as host, RunspacePool(plain(host, **small)) as pool, PowerShell(pool) as pipeline:
        pipeline.add_cmdlet("Big").add_parameter("Name", names)
        assert pipeline.invoke() == ["hello"]
        assert host.requests["Send"] > 1
    assert interpreter.ran == [(Command("Big", (Parameter("Name", names),)),)]


def test_the_configuration_is_the_one_the_client_named():
    interpreter = ScriptedInterpreter(Hello=hello)
    with server(interpreter) as host, RunspacePool(plain(host), configuration_name="CheckpointBot") as pool:
        invoke(pool, "Hello")
    assert interpreter.configurations == ["CheckpointBot"]


def test_an_object_has_its_types_properties_and_text():
    state = EnumValue("Microsoft.HyperV.PowerShell.VMState", "Running", 2)
    adapter = Instance(("Microsoft.HyperV.PowerShell.VMNetworkAdapter",), {}, "VMNetworkAdapter (Name = 'lan')")
    machine = Instance(
        ("Microsoft.HyperV.PowerShell.VirtualMachine", "System.Object"),
        {
            "Id": UUID("7f3b0f0e-33c5-4b6e-8f6e-0d7a7a1b2c3d"),
            "Name": "web01",
            "State": state,
            "Uptime": timedelta(days=1, hours=2, seconds=3, microseconds=4),
            "CreationTime": datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
            "MemoryAssigned": 2**33,
            "NetworkAdapters": [adapter],
            "Notes": None,
            "IsClustered": False,
        },
        "VirtualMachine (Name = 'web01')",
    )
    with (
        server(ScriptedInterpreter(Get=lambda _, sink, __: sink.output(machine))) as host,
        RunspacePool(plain(host)) as pool,
    ):
        (received,) = invoke(pool, "Get").output
    properties = received.adapted_properties
    assert received.types == ["Microsoft.HyperV.PowerShell.VirtualMachine", "System.Object"]
    assert str(received) == "VirtualMachine (Name = 'web01')"
    assert str(properties["State"]) == "Running"
    assert properties["State"].types[0] == "Microsoft.HyperV.PowerShell.VMState"
    assert properties["State"].property_sets == [2]
    assert {name: value for name, value in properties.items() if name != "State"} == {
        "Id": UUID("7f3b0f0e-33c5-4b6e-8f6e-0d7a7a1b2c3d"),
        "Name": "web01",
        "Uptime": "P1DT2H3.000004S",
        "CreationTime": "2026-03-29T01:30:00Z",
        "MemoryAssigned": 2**33,
        "NetworkAdapters": ["VMNetworkAdapter (Name = 'lan')"],
        "Notes": None,
        "IsClustered": False,
    }


def test_selected_properties_are_extended_ones():
    names = ("Selected.Microsoft.HyperV.PowerShell.VirtualMachine", "System.Management.Automation.PSCustomObject")
    with (
        server(ScriptedInterpreter(Get=lambda _, sink, __: sink.output(Instance(names, {"Name": "web01"})))) as host,
        RunspacePool(plain(host)) as pool,
    ):
        (received,) = invoke(pool, "Get").output
    assert (received.adapted_properties, received.extended_properties) == ({}, {"Name": "web01"})


def test_an_error_beside_output_carries_its_id_category_and_hresult():
    def half(statement: Statement, sink: Sink, stop: Event) -> None:
        sink.output("web02")
        sink.error(NOT_FOUND)
        sink.warning("look out")

    with server(ScriptedInterpreter(Get=half)) as host, RunspacePool(plain(host)) as pool:
        pipeline = invoke(pool, "Get")
    (error,) = pipeline.streams.error
    assert (pipeline.output, pipeline.state, pipeline.had_errors) == (["web02"], PSInvocationState.COMPLETED, False)
    assert error.fq_error == NOT_FOUND.error_id
    assert (error.category, error.reason, error.activity) == (13, "VirtualizationException", "Get-VM")
    assert (error.target_name, error.target_type, error.message) == (
        "web01",
        "String",
        "ObjectNotFound (web01:String) [Get-VM], VirtualizationException",
    )
    assert str(error) == NOT_FOUND.message
    assert error.exception.adapted_properties["HResult"] == -2147024809
    assert error.exception.types[0] == NOT_FOUND.exception_type
    assert [warning.message for warning in pipeline.streams.warning] == ["look out"]


def test_whatever_stands_in_a_message_the_client_can_read_it():
    said = "name: \x07\n_x0041_ \U0001f600 <&>"
    data = replace(NOT_FOUND, message=said, target=said)

    def fail(statement: Statement, sink: Sink, stop: Event) -> None:
        sink.warning(said)
        sink.progress(said, 5)
        sink.error(data)
        raise Terminated(data)

    with server(ScriptedInterpreter(Get=fail)) as host, RunspacePool(plain(host)) as pool:
        streams = invoke(pool, "Get").streams
    assert [str(error) for error in streams.error] == [said, said]
    assert [str(error.exception) for error in streams.error] == [f"{NOT_FOUND.exception_type}: {said}"] * 2
    assert [error.target_name for error in streams.error] == [said, said]
    assert [warning.message for warning in streams.warning] == [said]
    assert [record.activity for record in streams.progress] == [said]


def test_a_terminating_error_fails_the_pipeline():
    def fail(statement: Statement, sink: Sink, stop: Event) -> None:
        sink.output("before")
        raise Terminated(NOT_FOUND)

    with server(ScriptedInterpreter(Get=fail)) as host, RunspacePool(plain(host)) as pool:
        pipeline = invoke(pool, "Get")
        assert (pipeline.output, pipeline.state, pipeline.had_errors) == (["before"], PSInvocationState.FAILED, True)
        assert [error.fq_error for error in pipeline.streams.error] == [NOT_FOUND.error_id]


def test_a_mistake_of_the_interpreter_fails_the_pipeline_and_not_the_server(caplog: pytest.LogCaptureFixture):
    def broken(statement: Statement, sink: Sink, stop: Event) -> None:
        raise ZeroDivisionError("oops")

    with server(ScriptedInterpreter(Get=broken, Hello=hello)) as host, RunspacePool(plain(host)) as pool:
        pipeline = invoke(pool, "Get")
        assert pipeline.state == PSInvocationState.FAILED
        assert str(pipeline.streams.error[0]) == "oops"
        assert invoke(pool, "Hello").output == ["hello"]
    assert "oops" in caplog.text


def test_progress_arrives_while_the_pipeline_runs():
    go_on = Event()

    def slowly(statement: Statement, sink: Sink, stop: Event) -> None:
        sink.progress("Creating a checkpoint", 40)
        go_on.wait(DEADLINE)
        sink.progress("Creating a checkpoint", 100)

    with server(ScriptedInterpreter(Checkpoint=slowly)) as host, RunspacePool(plain(host)) as pool:
        with PowerShell(pool) as pipeline:
            pipeline.add_cmdlet("Checkpoint")
            pipeline.begin_invoke()
            pipeline.poll_invoke()
            seen = [record.percent_complete for record in pipeline.streams.progress]
            assert (seen, pipeline.state) == ([40], PSInvocationState.RUNNING)
            go_on.set()
            pipeline.end_invoke()
        assert [record.percent_complete for record in pipeline.streams.progress] == [40, 100]
        assert pipeline.streams.progress[0].activity == "Creating a checkpoint"


def test_a_receive_without_output_ends_after_the_operation_timeout_and_is_repeated():
    go_on = Event()

    def wait(statement: Statement, sink: Sink, stop: Event) -> None:
        go_on.wait(DEADLINE)

    with server(ScriptedInterpreter(Wait=wait)) as host, RunspacePool(plain(host, operation_timeout=0.05)) as pool:
        with PowerShell(pool) as pipeline:
            pipeline.add_cmdlet("Wait")
            pipeline.begin_invoke()
            for _ in range(3):
                pipeline.poll_invoke()
            assert pipeline.state == PSInvocationState.RUNNING
            go_on.set()
            pipeline.end_invoke()
        assert host.requests["Receive"] >= 4


def test_a_timed_out_receive_has_the_number_that_clients_know():
    with server(ScriptedInterpreter()) as host, RunspacePool(plain(host)) as pool:
        with pytest.raises(WSManFaultError) as fault:
            pool.shell.receive("stdout", timeout=0.01)
        assert fault.value.code == 2150858793


def test_a_stopped_pipeline_hears_of_it_and_says_that_it_stopped():
    started, stopped = Event(), Event()

    def endless(statement: Statement, sink: Sink, stop: Event) -> None:
        started.set()
        if stop.wait(DEADLINE):
            stopped.set()

    with server(ScriptedInterpreter(Wait=endless)) as host, RunspacePool(plain(host)) as pool:
        pipeline = PowerShell(pool)
        pipeline.add_cmdlet("Wait")
        pipeline.begin_invoke()
        assert started.wait(DEADLINE)
        pool.shell.signal("powershell/signal/ctrl_c", pipeline.id)
        pipeline.end_invoke()
        assert stopped.is_set()
        assert pipeline.state == PSInvocationState.STOPPED
        assert pipeline.streams.error[0].fq_error == "PipelineStopped"
        assert host.open_commands == 1
        pipeline.close()
        assert host.open_commands == 0


def test_pypsrp_can_stop_a_pipeline_and_go_on_with_the_pool():
    def endless(statement: Statement, sink: Sink, stop: Event) -> None:
        stop.wait(DEADLINE)

    with server(ScriptedInterpreter(Wait=endless, Hello=hello)) as host, RunspacePool(plain(host)) as pool:
        pipeline = PowerShell(pool)
        pipeline.add_cmdlet("Wait")
        pipeline.begin_invoke()
        pipeline.stop()
        pipeline.close()
        assert invoke(pool, "Hello").output == ["hello"]


def test_a_pool_with_one_runspace_runs_one_pipeline_after_the_other():
    first, second = Event(), Event()

    def wait(statement: Statement, sink: Sink, stop: Event) -> None:
        assert first.wait(DEADLINE)
        assert not second.is_set()

    interpreter = ScriptedInterpreter(First=wait, Second=lambda *_: second.set())
    with server(interpreter) as host, RunspacePool(plain(host)) as pool:
        pipelines = [PowerShell(pool), PowerShell(pool)]
        for pipeline, name in zip(pipelines, ("First", "Second"), strict=True):
            pipeline.add_cmdlet(name)
            pipeline.begin_invoke()
        first.set()
        for pipeline in pipelines:
            pipeline.end_invoke()
            pipeline.close()
            assert pipeline.state == PSInvocationState.COMPLETED


def test_a_pool_with_two_runspaces_runs_two_pipelines_at_once():
    here, there = Event(), Event()

    def meet(mine: Event, other: Event) -> object:
        def run(statement: Statement, sink: Sink, stop: Event) -> None:
            mine.set()
            sink.output(other.wait(DEADLINE))

        return run

    interpreter = ScriptedInterpreter(A=meet(here, there), B=meet(there, here))
    with server(interpreter) as host, RunspacePool(plain(host), max_runspaces=2) as pool:
        assert pool.get_available_runspaces() == 2
        pipelines = [PowerShell(pool), PowerShell(pool)]
        for pipeline, name in zip(pipelines, "AB", strict=True):
            pipeline.add_cmdlet(name)
            pipeline.begin_invoke()
        assert [pipeline.end_invoke() for pipeline in pipelines] == [[True], [True]]
        for pipeline in pipelines:
            pipeline.close()


def test_many_shells_work_side_by_side():
    def echo(statement: Statement, sink: Sink, stop: Event) -> None:
        sink.output(statement[0].parameters[0].value)

    answers: dict[int, list[object]] = {}
    with server(ScriptedInterpreter(Echo=echo)) as host:

        def work(number: int) -> None:
            with RunspacePool(connect(host)) as pool:
                answers[number] = []
                for turn in range(5):
                    with PowerShell(pool) as pipeline:
                        pipeline.add_cmdlet("Echo").add_parameter("Value", f"{number}-{turn}")
                        answers[number] += pipeline.invoke()

        threads = [Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
    assert answers == {number: [f"{number}-{turn}" for turn in range(5)] for number in range(8)}


@pytest.mark.parametrize("envelope", [16_384, 100_000, 512_000, 2_000_000])
def test_output_is_cut_to_the_clients_envelope_size(envelope: int):
    text = json.dumps([{"Name": f"vm-{number} \U0001f600 é"} for number in range(20_000)], ensure_ascii=False)
    with server(ScriptedInterpreter(Big=lambda _, sink, __: sink.output(text))) as host:
        wsman = plain(host, max_envelope_size=envelope)
        sizes: list[int] = []
        send = wsman.transport._send_request

        def measured(request: object, **options: object) -> bytes:
            answer = send(request, **options)
            sizes.append(len(answer))
            return answer

        wsman.transport._send_request = measured
        with RunspacePool(wsman) as pool:
            assert invoke(pool, "Big").output == [text]
    assert max(sizes) <= min(envelope, Quotas().envelope_bytes)
    assert max(sizes) > min(envelope, Quotas().envelope_bytes) * 0.9


def test_thousands_of_objects_arrive_in_order():
    def count(statement: Statement, sink: Sink, stop: Event) -> None:
        for number in range(5_000):
            sink.output(number)

    with server(ScriptedInterpreter(Count=count)) as host, RunspacePool(plain(host)) as pool:
        assert invoke(pool, "Count").output == list(range(5_000))


def test_command_metadata_is_refused_politely():
    with server(ScriptedInterpreter(Hello=hello)) as host, RunspacePool(plain(host)) as pool:
        with pytest.raises(IndexError):  # pypsrp takes it for granted that there is some
            pool.get_command_metadata("Get-*")
        (pipeline,) = pool.pipelines.values()
        assert pipeline.state == PSInvocationState.FAILED
        assert pipeline.streams.error[0].fq_error == "CommandMetadataNotSupported"
        assert invoke(pool, "Hello").output == ["hello"]


def test_the_pool_answers_questions_about_itself():
    with server(ScriptedInterpreter(Hello=hello)) as host, RunspacePool(plain(host), max_runspaces=3) as pool:
        assert pool.get_available_runspaces() == 3
        pool.exchange_keys()
        assert invoke(pool, "Hello").output == ["hello"]
        table = pool.application_private_data.data["PSVersionTable"]
        assert table["PSVersion"].startswith("5.1.")


def test_input_for_a_pipeline_is_taken_and_not_used():
    with (
        server(ScriptedInterpreter(Hello=hello)) as host,
        RunspacePool(plain(host)) as pool,
        PowerShell(pool) as pipeline,
    ):
        pipeline.add_cmdlet("Hello")
        assert pipeline.invoke(["a", "b"]) == ["hello"]
        assert host.requests["Send"] == 1


def test_a_switch_and_a_null_look_the_same_as_they_do_on_a_host():
    interpreter = ScriptedInterpreter(Get=hello)
    with server(interpreter) as host, RunspacePool(plain(host)) as pool, PowerShell(pool) as pipeline:
        pipeline.add_cmdlet("Get")
        pipeline.commands[-1].args.append(CommandParameter(name="Force", value=None))
        pipeline.invoke()
    assert interpreter.ran[0][0].parameters == (Parameter("Force", None),)
