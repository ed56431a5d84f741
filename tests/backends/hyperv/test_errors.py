"""Error records become kinds of error by id, category and HRESULT, in whatever language the host speaks."""

from __future__ import annotations

import pickle

import pytest

from backends.base import (
    VM,
    BackendError,
    Busy,
    Checkpoint,
    CheckpointType,
    Disabled,
    DiskFull,
    NotFound,
    OperationalStatus,
    OperationFailed,
    ProductionFailed,
    Refused,
    TimedOut,
    UnknownOutcome,
    VMInventory,
    VMState,
)
from backends.hyperv import errors
from backends.hyperv.records import EPOCH
from backends.remoting import ErrorRecord, Result

COMMANDS = "Microsoft.HyperV.PowerShell.Commands"
GENERAL = 0x80131500

NOT_FOUND = {
    "en": "Unable to find a snapshot matching the given criteria.",
    "fr": "Impossible de trouver un instantané correspondant aux critères donnés.",
    "ja": "指定された条件に一致するスナップショットが見つかりません。",
}
DISK_FULL = {
    "en": "'web01' could not initiate a checkpoint operation: There is not enough space on the disk. (0x80070070).",
    "fr": "« web01 » n'a pas pu lancer l'opération : Espace insuffisant sur le disque. (0x80070070).",
    "ja": "'web01' はチェックポイント操作を開始できませんでした: ディスクに十分な空き領域がありません。 (0x80070070)。",
}
DENIED = {
    "en": "You do not have the required permission to complete this task.",
    "fr": "Vous ne disposez pas des autorisations requises pour effectuer cette tâche.",
    "ja": "このタスクを完了するために必要なアクセス許可がありません。",
}


@pytest.mark.parametrize("language", ["en", "fr", "ja"])
def test_the_kind_does_not_depend_on_the_language(language: str) -> None:
    assert type(_error("ObjectNotFound", "ObjectNotFound", NOT_FOUND[language])) is NotFound
    assert type(_error("OperationFailed", "NotSpecified", DISK_FULL[language])) is DiskFull
    assert type(_error("AccessDenied", "PermissionDenied", DENIED[language])) is Refused


@pytest.mark.parametrize(
    ("identity", "category", "kind"),
    [
        ("AccessDenied", "PermissionDenied", Refused),
        ("ObjectNotFound", "ObjectNotFound", NotFound),
        ("ObjectInUse", "ResourceBusy", Busy),
        ("InvalidState", "InvalidOperation", Busy),
        ("OperationTimeout", "OperationTimeout", TimedOut),
        ("OperationFailed", "NotSpecified", OperationFailed),
        ("InvalidParameter", "InvalidArgument", OperationFailed),
        ("CommandNotFoundException", "ObjectNotFound", Refused),
        ("SomethingNew", "ResourceBusy", Busy),
        ("SomethingNew", "WriteError", OperationFailed),
    ],
)
def test_the_id_tells_and_where_it_is_not_known_the_category(
    identity: str, category: str, kind: type[BackendError]
) -> None:
    assert type(_error(identity, category, "…")) is kind


@pytest.mark.parametrize("cmdlet", ["GetVM", "GetVMSnapshot"])
def test_a_look_up_that_calls_an_unknown_id_a_bad_argument_found_nothing(cmdlet: str) -> None:
    record = ErrorRecord("InvalidParameter", "InvalidArgument", "…", f"{COMMANDS}.{cmdlet}", GENERAL)
    assert type(errors.error_for(record, "hv01", change=False)) is NotFound


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x80070070, DiskFull),
        (0x80070020, Busy),
        (0x80070005, Refused),
        (0x80070002, OperationFailed),
        (0x80070032, OperationFailed),
        (0x80041001, OperationFailed),
    ],
)
def test_the_hresult_tells_more_than_the_id_of_a_failed_job(code: int, kind: type[BackendError]) -> None:
    assert type(_error("OperationFailed", "NotSpecified", "…", code)) is kind
    assert type(_error("OperationFailed", "NotSpecified", f"…\nfailed. (0x{code:08X}).", GENERAL)) is kind


@pytest.mark.parametrize("tail", ["", ".", " (Virtual machine ID 5C1B1E4F-5E0B-4C6D-9A0F-3B8E1F2A7C11)"])
def test_the_hresult_is_found_in_whichever_paragraph_of_the_text_it_stands(tail: str) -> None:
    paragraphs = (
        "The operation failed.",
        "Checkpoint operation for 'web01' failed. (Virtual machine ID 5C1B1E4F-5E0B-4C6D-9A0F-3B8E1F2A7C11)",
        f"'web01' could not initiate a checkpoint operation: There is not enough space on the disk. (0x80070070){tail}",
        "'web01' could not complete the operation: Unspecified error (0x80004005).",
    )
    assert type(_error("OperationFailed", "NotSpecified", "\n\n".join(paragraphs), GENERAL)) is DiskFull


def test_a_name_that_looks_like_an_hresult_is_not_taken_for_one() -> None:
    assert type(_error("OperationFailed", "NotSpecified", "'(0x80070070)' could not be started.")) is OperationFailed


def test_a_broken_chain_and_a_missing_file_warn_against_going_on() -> None:
    for code in (0x80070002, 0x80070032):
        assert "Do not apply or delete" in _error("OperationFailed", "NotSpecified", "…", code).sentence


def test_a_host_that_gave_up_on_a_change_leaves_its_outcome_open() -> None:
    error = errors.error_for(ErrorRecord("OperationTimeout", "OperationTimeout", "…"), "hv01", change=True)
    assert type(error) is UnknownOutcome
    assert not error.unchanged


def test_the_person_reads_the_hosts_words_only_where_nothing_better_is_known() -> None:
    assert "critères" not in _error("ObjectNotFound", "ObjectNotFound", NOT_FOUND["fr"]).sentence
    assert "Es ist kaputt" in _error("OperationFailed", "NotSpecified", "Es  ist\nkaputt").sentence


def test_a_very_long_text_does_not_flood_the_channel() -> None:
    assert len(_error("OperationFailed", "NotSpecified", "x" * 10_000).sentence) < 500


def test_the_cause_has_what_a_maintainer_needs() -> None:
    cause = _error("OperationFailed", "NotSpecified", "Es ist kaputt", GENERAL).cause
    for part in ("hv01", "OperationFailed", f"{COMMANDS}.CheckpointVM", "NotSpecified", "0x80131500", "Es ist kaputt"):
        assert part in cause


def test_a_pipeline_that_broke_off_without_a_word_is_an_error_all_the_same() -> None:
    with pytest.raises(OperationFailed, match="broke the command off"):
        errors.raise_for(Result(terminated=True), "hv01", change=True)
    errors.raise_for(Result(output=("[]",), warnings=("…",)), "hv01", change=True)


def test_every_error_survives_being_stored() -> None:
    error = _error("ObjectInUse", "ResourceBusy", "…")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.sentence, again.cause) == (Busy, error.sentence, error.cause)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        (CheckpointType.DISABLED, Disabled),
        (CheckpointType.PRODUCTION_ONLY, ProductionFailed),
        (CheckpointType.PRODUCTION, OperationFailed),
        (CheckpointType.STANDARD, OperationFailed),
    ],
)
def test_a_failed_create_is_told_apart_by_the_vms_policy(policy: CheckpointType, kind: type[BackendError]) -> None:
    failure = errors.failed(ErrorRecord("OperationFailed", "NotSpecified", "…"), "hv01")
    error = errors.for_create(failure, VMInventory(_vm(policy)), "hv01")
    assert type(error) is kind
    assert error.cause == failure.cause


def test_a_full_list_of_checkpoints_is_said_with_its_number() -> None:
    failure = errors.failed(ErrorRecord("OperationFailed", "NotSpecified", "…"), "hv01")
    full = tuple(Checkpoint(f"c{n}", "x", "vm", EPOCH) for n in range(50))
    error = errors.for_create(failure, VMInventory(_vm(CheckpointType.PRODUCTION_ONLY), full), "hv01")
    assert "web01 has 50 checkpoints" in str(error)


@pytest.mark.parametrize("busy_with", [OperationalStatus.BACKING_UP, OperationalStatus.MERGING_DISKS])
def test_a_failure_beside_a_backup_or_a_merge_is_put_down_to_it(busy_with: OperationalStatus) -> None:
    failure = errors.failed(ErrorRecord("OperationFailed", "NotSpecified", "…"), "hv01")
    vm = _vm(CheckpointType.STANDARD, OperationalStatus.IN_SERVICE, busy_with)
    assert type(errors.for_checkpoint(failure, VMInventory(vm), "hv01")) is Busy


def _vm(policy: CheckpointType, *statuses: int) -> VM:
    return VM("vm", "web01", "hv01", VMState.RUNNING, policy, operational_status=statuses or (2,))


def _error(identity: str, category: str, message: str, hresult: int | None = None) -> BackendError:
    record = ErrorRecord(identity, category, message, f"{COMMANDS}.CheckpointVM", hresult)
    return errors.error_for(record, "hv01", change=False)
