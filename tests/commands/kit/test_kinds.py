"""What a checkpoint is there for."""

from datetime import UTC, datetime

import pytest

from backends.base import Checkpoint, SnapshotType
from commands.base import CheckpointNote
from commands.kit.kinds import MEANING, Kind, kind_of, say_kind

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def checkpoint(**more):
    return Checkpoint("id", "before", "vm", NOW, **more)


@pytest.mark.parametrize(
    ("one", "note", "kind", "told"),
    [
        (checkpoint(has_memory=True), CheckpointNote(), Kind.MANUAL, "standard"),
        (checkpoint(has_memory=True), CheckpointNote(kind="production"), Kind.MANUAL, "standard"),
        (checkpoint(), CheckpointNote(kind="production"), Kind.MANUAL, "production"),
        (checkpoint(), CheckpointNote(kind="standard"), Kind.MANUAL, "standard"),
        (checkpoint(), CheckpointNote(), Kind.MANUAL, "type unknown"),
        (checkpoint(), CheckpointNote(safety=True), Kind.SAFETY, "safety, type unknown"),
        (checkpoint(has_memory=True), CheckpointNote(schedule="nightly"), Kind.SCHEDULED, "scheduled, standard"),
        (checkpoint(automatic=True, has_memory=True), CheckpointNote(), Kind.AUTOMATIC, "automatic"),
        (checkpoint(snapshot_type=SnapshotType.RECOVERY), CheckpointNote(safety=True), Kind.BACKUP, "backup"),
        (checkpoint(snapshot_type=SnapshotType.SYNCED_REPLICA), CheckpointNote(), Kind.REPLICA, "replica"),
        (checkpoint(snapshot_type=SnapshotType.MISSING, automatic=True), CheckpointNote(), Kind.MISSING, "missing"),
        (checkpoint(snapshot_type=SnapshotType.PLANNED), CheckpointNote(), Kind.OTHER, "other"),
    ],
)
def test_a_kind_is_what_the_host_and_the_ledger_prove_and_no_more(one, note, kind, told):
    assert kind_of(one, note) is kind
    assert say_kind(one, note) == told


def test_every_kind_has_a_meaning_of_its_own():
    assert set(MEANING) == set(Kind)
    assert len(set(MEANING.values())) == len(Kind)
