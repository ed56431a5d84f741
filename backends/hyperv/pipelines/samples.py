"""One of every pipeline, for the tests that hold them against the cmdlets and the endpoint's functions."""

from __future__ import annotations

from datetime import UTC, datetime

from backends.base import EventLog
from backends.hyperv.pipelines.dialect import Pipelines
from backends.hyperv.pipelines.settings import TYPE_NAMES
from backends.remoting import Pipeline


def samples(dialect: Pipelines) -> dict[str, Pipeline]:
    """One of every pipeline of a dialect, in every form it takes, by a name for it."""
    vm, checkpoint = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    given: dict[str, Pipeline] = {
        "vms": dialect.vms(),
        "vm": dialect.vms(vm),
        "checkpoints": dialect.checkpoints(),
        "checkpoints of a vm": dialect.checkpoints(vm),
        "checkpoint": dialect.checkpoint(checkpoint),
        "files at": dialect.files_at((r"C:\disks\a.vhdx", r"C:\disks\b.vhdx")),
        "volumes": dialect.volumes(),
        "folder files": dialect.folder_files((r"C:\disks", r"D:\more disks")) or (),
        "create": dialect.create(vm, "before-upgrade"),
        "apply": dialect.apply(checkpoint),
        "delete": dialect.delete(checkpoint, subtree=False),
        "delete subtree": dialect.delete(checkpoint, subtree=True),
        "rename": dialect.rename(checkpoint, "after-upgrade"),
        "export": dialect.export(checkpoint, r"D:\exports"),
        "start": dialect.start(vm),
        "configure automatic": dialect.configure(vm, None, False),
    }
    if culture := dialect.culture():
        given["culture"] = culture
    for checkpoint_type in TYPE_NAMES:
        given[f"configure {checkpoint_type.label}"] = dialect.configure(vm, checkpoint_type, None)
    for log in EventLog:
        for number, pipeline in enumerate(dialect.events(log, datetime(2026, 11, 15, 14, 5, tzinfo=UTC), 2000) or ()):
            given[f"events of {log} {number}"] = pipeline
    for number, pipeline in enumerate(dialect.cluster() or ()):
        given[f"cluster {number}"] = pipeline
    for number, pipeline in enumerate((*dialect.drives(), *dialect.drives(vm))):
        given[f"drives {number}"] = pipeline
    for number, pipeline in enumerate((*dialect.files(), *dialect.files(vm))):
        given[f"files {number}"] = pipeline
    return given
