"""What the backend makes of hosts that answer in unusual ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from backends.base import (
    CheckpointType,
    Disabled,
    NotFound,
    OperationFailed,
    Part,
    Refused,
    TimedOut,
    UnknownOutcome,
    VMState,
)
from backends.hyperv.backend import HyperVBackend
from backends.hyperv.deadlines import Deadlines
from backends.hyperv.pipelines import ENDPOINT_VERSION, OLDEST_ENDPOINT
from backends.remoting import ErrorRecord, Pipeline, Result

VM = "11111111-1111-1111-1111-111111111111"
OLD = "22222222-2222-2222-2222-222222222222"
NEW = "33333333-3333-3333-3333-333333333333"
FAILED = ErrorRecord("OperationFailed", "NotSpecified", "Échec", "Microsoft.HyperV.PowerShell.Commands.CheckpointVM")
UNKNOWN_COMMAND = Result(errors=(ErrorRecord("CommandNotFoundException", "ObjectNotFound", "?"),), terminated=True)


class Answers:
    """A `Session` that gives for each command what was laid down for it, and remembers what it was asked."""

    def __init__(self, **answers: Result | Exception) -> None:
        self.answers = {name.replace("_", "-"): answer for name, answer in answers.items()}
        self.asked: list[tuple[str, bool]] = []
        self.deadlines: dict[str, float] = {}
        self.closed = False

    def invoke(
        self,
        pipeline: Pipeline,
        *,
        deadline: float,
        change: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Result:
        names = [one.name for one in pipeline if one.name not in ("Select-Object", "ConvertTo-Json")]
        self.asked.append((names[-1], change))
        self.deadlines[names[-1]] = deadline
        answer = self.answers.get(names[-1], Result())
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def _says(*objects: dict[str, object], errors: tuple[ErrorRecord, ...] = ()) -> Result:
    return Result(output=(json.dumps(objects),), errors=errors)


def _vm(**properties: object) -> Result:
    return _says({"Id": VM, "Name": "web01", "State": 2, **properties})


def _checkpoint(identity: str, name: str, second: int = 0) -> dict[str, object]:
    return {"Id": identity, "Name": name, "VMId": VM, "CreationTime": f"2025-10-09T08:00:{second:02}Z"}


# ---------------------------------------------------------------- a create that shows nothing


def test_the_checkpoint_that_the_vm_now_descends_from_is_the_new_one() -> None:
    twins = _says(_checkpoint(OLD, "one", 1), _checkpoint(NEW, "one", 2))
    session = Answers(Get_VM=_vm(ParentSnapshotId=OLD), Get_VMSnapshot=twins)
    assert HyperVBackend("hv01", session).create(VM, "one").id == OLD
    assert session.asked == [("Checkpoint-VM", True), ("Get-VM", False), ("Get-VMSnapshot", False)]


def test_without_a_parent_to_go_by_it_is_the_newest_of_that_name() -> None:
    twins = _says(_checkpoint(NEW, "one", 2), _checkpoint(OLD, "one", 1))
    backend = HyperVBackend("hv01", Answers(Get_VM=_vm(), Get_VMSnapshot=twins))
    assert backend.create(VM, "one").id == NEW


def test_when_there_is_none_of_that_name_nobody_knows_what_happened() -> None:
    there = _says(_checkpoint(OLD, "another"))
    backend = HyperVBackend("hv01", Answers(Get_VM=_vm(ParentSnapshotId=OLD), Get_VMSnapshot=there))
    with pytest.raises(UnknownOutcome, match="shows no new checkpoint"):
        backend.create(VM, "one")


def test_an_answer_to_a_create_that_cannot_be_read_is_looked_up() -> None:
    session = Answers(
        Checkpoint_VM=Result(output=("@{Id=…}",)),
        Get_VM=_vm(ParentSnapshotId=NEW),
        Get_VMSnapshot=_says(_checkpoint(NEW, "one")),
    )
    assert HyperVBackend("hv01", session).create(VM, "one").id == NEW


# ---------------------------------------------------------------- changes that say nothing


@pytest.mark.parametrize("change", ["apply", "export", "rename"])
def test_a_silent_change_is_believed_when_the_checkpoint_is_there(change: str) -> None:
    session = Answers(Get_VMSnapshot=_says(_checkpoint(OLD, "two")))
    _do(HyperVBackend("hv01", session), change)
    assert [name for name, _ in session.asked][1:] == ["Get-VMSnapshot"]


@pytest.mark.parametrize("change", ["apply", "export", "rename"])
def test_a_silent_change_is_not_believed_when_the_checkpoint_is_gone(change: str) -> None:
    with pytest.raises(NotFound):
        _do(HyperVBackend("hv01", Answers()), change)


def test_a_silent_delete_is_believed_when_the_checkpoint_is_gone_and_only_then() -> None:
    HyperVBackend("hv01", Answers()).delete(OLD)
    with pytest.raises(OperationFailed, match="as it was"):
        HyperVBackend("hv01", Answers(Get_VMSnapshot=_says(_checkpoint(OLD, "one")))).delete(OLD)


def test_a_change_that_acknowledges_needs_no_second_look() -> None:
    session = Answers(Remove_VMSnapshot=_says({"Id": OLD}))
    HyperVBackend("hv01", session).delete(OLD)
    assert session.asked == [("Remove-VMSnapshot", True)]


def test_a_silent_start_of_a_vm_that_is_gone_is_not_believed() -> None:
    with pytest.raises(NotFound):
        HyperVBackend("hv01", Answers()).start(VM)
    HyperVBackend("hv01", Answers(Get_VM=_vm())).start(VM)


def test_a_silent_change_that_the_host_does_not_show_as_done_is_not_believed() -> None:
    still_off = HyperVBackend("hv01", Answers(Get_VM=_vm(State=int(VMState.OFF))))
    with pytest.raises(OperationFailed, match="as it was"):
        still_off.start(VM)
    with pytest.raises(OperationFailed, match="as it was"):
        still_off.configure(VM, checkpoint_type=CheckpointType.STANDARD)
    with pytest.raises(OperationFailed, match="as it was"):
        HyperVBackend("hv01", Answers(Get_VMSnapshot=_says(_checkpoint(OLD, "one")))).rename(OLD, "two")


# ---------------------------------------------------------------- failures that need a look


def test_a_failed_create_is_explained_by_the_state_of_the_vm() -> None:
    failing = Result(errors=(FAILED,))
    session = Answers(Checkpoint_VM=failing, Get_VM=_vm(CheckpointType=int(CheckpointType.DISABLED)))
    with pytest.raises(Disabled):
        HyperVBackend("hv01", session).create(VM, "one")


def test_a_failure_keeps_its_own_words_when_the_vm_cannot_be_seen() -> None:
    session = Answers(Checkpoint_VM=Result(errors=(FAILED,)), Get_VM=TimedOut("hv01 did not answer."))
    with pytest.raises(OperationFailed, match="Échec"):
        HyperVBackend("hv01", session).create(VM, "one")


def test_a_failed_change_of_a_checkpoint_that_is_gone_is_not_found() -> None:
    session = Answers(Restore_VMSnapshot=Result(errors=(FAILED,)))
    with pytest.raises(NotFound):
        HyperVBackend("hv01", session).apply(OLD)


# ---------------------------------------------------------------- answers to questions


def test_an_answer_that_is_no_json_is_an_error_with_the_answer_in_the_log() -> None:
    with pytest.raises(OperationFailed, match="does not understand") as caught:
        HyperVBackend("hv01", Answers(Get_VM=Result(output=("Id Name",)))).inventory()
    assert "Id Name" in caught.value.cause


def test_a_scan_goes_on_past_what_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    beside = _says({"Id": VM, "Name": "web01"}, errors=(FAILED,))
    inventory = HyperVBackend("hv01", Answers(Get_VM=beside)).inventory()
    assert [seen.vm.name for seen in inventory.vms] == ["web01"]
    assert "Échec" in caplog.text
    assert [one.part for one in inventory.unreadable] == [Part.VMS]


def test_a_host_that_gives_errors_in_place_of_all_vms_has_no_inventory() -> None:
    with pytest.raises(OperationFailed):
        HyperVBackend("hv01", Answers(Get_VM=Result(errors=(FAILED,)))).inventory()


def test_a_scan_that_broke_off_is_no_inventory() -> None:
    broken = Result(output=_vm().output, errors=(FAILED,), terminated=True)
    with pytest.raises(OperationFailed):
        HyperVBackend("hv01", Answers(Get_VM=broken)).inventory()


def test_a_checkpoint_whose_vm_is_not_there_is_left_out() -> None:
    stray = {**_checkpoint(OLD, "one"), "VMId": NEW}
    inventory = HyperVBackend("hv01", Answers(Get_VM=_vm(), Get_VMSnapshot=_says(stray))).inventory()
    assert inventory.vms[0].checkpoints == ()


def test_the_moment_of_an_inventory_is_before_its_questions() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    assert HyperVBackend("hv01", Answers(), now=lambda: moment).inventory().taken_at == moment


@pytest.mark.parametrize("answer", [UNKNOWN_COMMAND, TimedOut("no answer"), Result(output=("?",))])
def test_a_host_that_shows_no_volumes_has_none(answer: Result | Exception) -> None:
    assert HyperVBackend("hv01", Answers(Get_VM=_vm(), Get_CimInstance=answer)).inventory(disks=True).volumes is None


def test_a_scan_asks_seven_times_however_much_there_is() -> None:
    vms: list[dict[str, object]] = [{"Id": f"{n:08}-1111-1111-1111-111111111111"} for n in range(500)]
    many = _says(*vms)
    session = Answers(Get_VM=many)
    HyperVBackend("hv01", session).inventory()
    assert len(session.asked) == 2
    HyperVBackend("hv01", session).inventory(disks=True)
    assert len(session.asked) == 2 + 7


def test_a_chain_is_followed_down_to_its_base_and_each_file_asked_for_once() -> None:
    leaf: dict[str, object] = {"Path": "a2.avhdx", "FileSize": 1, "Size": 9, "ParentPath": "a1.avhdx"}
    session = Answers(Get_VM=_vm(), Get_VMHardDiskDrive=_says({"VMId": VM, "Path": "a2.avhdx"}), Get_VHD=_says(leaf))
    seen = HyperVBackend("hv01", session).vm(VM, disks=True)
    assert [disk.path for disk in seen.disks or ()] == ["a2.avhdx"]
    assert [name for name, _ in session.asked].count("Get-VHD") < 12


# ---------------------------------------------------------------- which endpoint


def test_a_default_endpoint_is_not_asked_what_it_is() -> None:
    session = Answers()
    HyperVBackend("hv01", session).inventory()
    assert [name for name, _ in session.asked] == ["Get-VM", "Get-VMSnapshot"]


def test_an_endpoint_of_another_kind_is_used_like_a_default_one_and_asked_once() -> None:
    session = Answers(Get_CheckpointBotEndpoint=UNKNOWN_COMMAND)
    backend = HyperVBackend("hv01", session, find_endpoint=True)
    backend.inventory()
    backend.inventory()
    assert [name for name, _ in session.asked].count("Get-CheckpointBotEndpoint") == 1
    assert ("Get-VM", False) in session.asked


def test_the_bots_endpoint_is_used_by_its_functions() -> None:
    session = Answers(Get_CheckpointBotEndpoint=Result(output=('{"Version":1}',)))
    HyperVBackend("hv01", session, find_endpoint=True).inventory()
    assert [name for name, _ in session.asked][1:] == ["Get-CheckpointBotVM", "Get-CheckpointBotCheckpoint"]


@pytest.mark.parametrize("version", [OLDEST_ENDPOINT - 1, ENDPOINT_VERSION + 1])
def test_an_endpoint_of_another_version_is_not_used(version: int) -> None:
    session = Answers(Get_CheckpointBotEndpoint=Result(output=(f'{{"Version":{version}}}',)))
    with pytest.raises(Refused, match=f"version {version}, and this bot needs {ENDPOINT_VERSION}"):
        HyperVBackend("hv01", session, find_endpoint=True).inventory()


def test_an_endpoint_that_could_not_be_asked_is_asked_again() -> None:
    session = Answers(Get_CheckpointBotEndpoint=TimedOut("no answer"))
    backend = HyperVBackend("hv01", session, find_endpoint=True)
    with pytest.raises(TimedOut):
        backend.inventory()
    session.answers["Get-CheckpointBotEndpoint"] = UNKNOWN_COMMAND
    assert backend.inventory().vms == ()


# ---------------------------------------------------------------- the rest


def test_every_call_has_the_deadline_of_its_kind() -> None:
    session = Answers(Get_VM=_vm(), Get_VMSnapshot=_says(_checkpoint(OLD, "one")))
    backend = HyperVBackend("hv01", session, deadlines=Deadlines(read=1, create=2, apply=3, delete=4, export=5))
    backend.vm(VM)
    for change in ("apply", "export"):
        _do(backend, change)
    assert session.deadlines["Get-VM"] == 1
    assert (session.deadlines["Restore-VMSnapshot"], session.deadlines["Export-VMSnapshot"]) == (3, 5)


def test_an_id_is_found_in_any_case() -> None:
    seen = HyperVBackend("hv01", Answers(Get_VM=_vm())).vm(VM.upper())
    assert (seen.vm.id, seen.vm.state) == (VM, VMState.RUNNING)


def test_closing_closes_the_session() -> None:
    session = Answers()
    HyperVBackend("hv01", session).close()
    assert session.closed


def _do(backend: HyperVBackend, change: str) -> None:
    arguments = {"apply": (), "export": ("D:\\Exports",), "rename": ("two",)}
    getattr(backend, change)(OLD, *arguments[change])
