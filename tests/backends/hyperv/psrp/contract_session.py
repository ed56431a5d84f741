"""What every `Session` promises. A test module gives the fixtures `host` and `session` to a class of this."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backends.base import AuthenticationFailed, TimedOut, UnknownOutcome, Unreachable
from backends.hyperv.pipelines import Plain
from backends.remoting import Cmdlet, Session
from backends.simulator.fleets.seed import add_vm
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import SimulatedVM
from tests.support.waiting import DEADLINE

NAMES = (
    Cmdlet("Get-VM"),
    Cmdlet("Select-Object", {"Property": ("Name",)}),
    Cmdlet("ConvertTo-Json", {"Compress": True}),
)


class SessionContract:
    @pytest.fixture
    def vm(self, host: SimulatedHost) -> SimulatedVM:
        return add_vm(host, "web01")

    def test_objects_come_back_as_plain_values(self, session: Session, vm: SimulatedVM) -> None:
        result = session.invoke(NAMES, deadline=DEADLINE)
        assert [json.loads(str(text)) for text in result.output] == [{"Name": "web01"}]
        assert (result.errors, result.terminated) == ((), False)

    def test_error_records_stand_beside_the_output_and_do_not_raise(self, session: Session) -> None:
        nobody = (Cmdlet("Get-VMSnapshot", {"Id": "99999999-9999-9999-9999-999999999999"}),)
        (error,) = session.invoke(nobody, deadline=DEADLINE).errors
        assert (error.error_id, error.category) == ("ObjectNotFound", "ObjectNotFound")
        assert error.command.endswith("GetVMSnapshot")
        assert error.hresult is not None

    def test_an_unknown_command_ends_the_pipeline(self, session: Session) -> None:
        result = session.invoke((Cmdlet("Get-Nonsense"),), deadline=DEADLINE)
        assert result.terminated
        assert result.errors[0].error_id == "CommandNotFoundException"

    def test_a_parameter_that_does_not_exist_ends_the_pipeline(self, session: Session) -> None:
        result = session.invoke((Cmdlet("Get-VM", {"Colour": "red"}),), deadline=DEADLINE)
        assert result.terminated
        assert result.errors[0].error_id == "NamedParameterNotFound"

    def test_switches_and_arrays_and_texts_arrive_as_what_they_are(self, session: Session, vm: SimulatedVM) -> None:
        result = session.invoke(Plain().create(vm.id, "$(Stop-VM *)"), deadline=DEADLINE, change=True)
        assert json.loads(str(result.output[0]))["Name"] == "$(Stop-VM *)"

    def test_progress_is_told_and_kept(self, session: Session, vm: SimulatedVM) -> None:
        told: list[int] = []
        result = session.invoke(Plain().create(vm.id, "one"), deadline=DEADLINE, change=True, on_progress=told.append)
        assert told == list(result.progress)
        assert told[-1] == 100
        assert told == sorted(told)

    def test_many_threads_may_call_at_once(self, session: Session, vm: SimulatedVM) -> None:
        with ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda _: session.invoke(NAMES, deadline=DEADLINE).output, range(16)))
        assert len({str(result) for result in results}) == 1

    @staticmethod
    def begins(session: Session) -> float:
        """Seconds in which a change has begun on this machine, whatever else it does: several times what a whole call
        on the warm shell has just taken."""
        session.invoke(NAMES, deadline=DEADLINE)
        began = time.monotonic()
        session.invoke(NAMES, deadline=DEADLINE)
        return 0.3 + 10 * (time.monotonic() - began)

    def test_a_read_that_takes_too_long_is_timed_out(self, session: Session, host: SimulatedHost) -> None:
        host.faults.arm(Fault(FaultKind.HANG, cmdlet="Get-VM"))
        with pytest.raises(TimedOut):
            session.invoke(NAMES, deadline=0.3)

    def test_a_change_that_takes_too_long_has_an_unknown_outcome(
        self, session: Session, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.HANG, cmdlet="Checkpoint-VM"))
        with pytest.raises(UnknownOutcome):
            session.invoke(Plain().create(vm.id, "one"), deadline=self.begins(session), change=True)
        host.faults.release()

    def test_a_change_that_had_not_begun_when_its_outcome_was_lost_never_begins(
        self, session: Session, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.HANG, cmdlet="Checkpoint-VM"))
        with pytest.raises(UnknownOutcome):
            session.invoke(Plain().create(vm.id, "one"), deadline=self.begins(session), change=True)
        session.end_lost_calls()
        host.faults.release()
        session.invoke(Plain().create(vm.id, "two"), deadline=DEADLINE, change=True)
        assert [checkpoint.name for checkpoint in vm.checkpoints.values()] == ["two"]

    def test_a_read_whose_answer_is_lost_is_asked_again(
        self, session: Session, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.RESET_RECEIVE, cmdlet="Get-VM"))
        assert len(session.invoke(NAMES, deadline=DEADLINE).output) == 1

    def test_a_change_whose_answer_is_lost_is_never_sent_again(
        self, session: Session, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.RESET_BEFORE_ANSWER, cmdlet="Checkpoint-VM"))
        with pytest.raises(UnknownOutcome):
            session.invoke(Plain().create(vm.id, "one"), deadline=DEADLINE, change=True)
        assert [checkpoint.name for checkpoint in vm.checkpoints.values()] == ["one"]

    def test_a_host_that_takes_no_connection_is_unreachable_and_nothing_was_run(
        self, session: Session, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.REFUSE_CONNECTION))
        with pytest.raises(Unreachable) as caught:
            session.invoke(Plain().create(vm.id, "one"), deadline=DEADLINE, change=True)
        assert not isinstance(caught.value, AuthenticationFailed)
        assert not vm.checkpoints

    def test_closing_twice_is_harmless(self, session: Session) -> None:
        session.close()
        session.close()
