"""The pipelines of the bot's own JEA endpoint: one function of its module each."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from backends.base import CheckpointType, EventLog, Part
from backends.hyperv.pipelines import logs
from backends.hyperv.pipelines.settings import settings
from backends.remoting import Argument, Cmdlet, Pipeline

ENDPOINT_VERSION: Final = 4
"""What `Get-CheckpointBotEndpoint` of this bot's JEA module answers."""

OLDEST_ENDPOINT: Final = 1
"""The oldest that this bot can work with."""

TELLS_REPLICAS: Final = 2
"""Since this version it tells which VMs are replicas."""

TELLS_EVENTS: Final = 3
"""Since this version it tells of events and of the files in folders."""

TELLS_CLUSTERS: Final = 4
"""Since this version it tells of the cluster that its host is a node of."""


class Endpoint:
    """For the bot's own JEA endpoint: the functions of the module in `endpoint/`, which shape on the host."""

    def __init__(self, version: int = ENDPOINT_VERSION) -> None:
        self.version = version

    @property
    def lacks(self) -> tuple[Part, ...]:
        since = {Part.REPLICATION: TELLS_REPLICAS, Part.EVENTS: TELLS_EVENTS}
        return tuple(part for part, version in since.items() if self.version < version)

    def version_of(self) -> Pipeline:
        """Which endpoint this is. An unknown command on any other endpoint."""
        return (Cmdlet("Get-CheckpointBotEndpoint"),)

    def vms(self, vm_id: str | None = None) -> Pipeline:
        return _function("Get-CheckpointBotVM", VMId=vm_id)

    def checkpoints(self, vm_id: str | None = None) -> Pipeline:
        return _function("Get-CheckpointBotCheckpoint", VMId=vm_id)

    def checkpoint(self, checkpoint_id: str) -> Pipeline:
        return _function("Get-CheckpointBotCheckpoint", CheckpointId=checkpoint_id)

    def drives(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        return (_function("Get-CheckpointBotDrive", VMId=vm_id),)

    def files(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        return (_function("Get-CheckpointBotFile", VMId=vm_id),)

    def files_at(self, paths: tuple[str, ...]) -> Pipeline:
        return _function("Get-CheckpointBotFile", Path=paths)

    def volumes(self) -> Pipeline:
        return _function("Get-CheckpointBotVolume")

    def culture(self) -> Pipeline | None:
        return None

    def events(self, log: EventLog, since: datetime, most: int) -> tuple[Pipeline, ...] | None:
        if self.version < TELLS_EVENTS:
            return None
        return (_function("Get-CheckpointBotEvent", LogName=str(log), Since=logs.moment(since), MaxEvents=most),)

    def folder_files(self, folders: tuple[str, ...]) -> Pipeline | None:
        return _function("Get-CheckpointBotFolder", Path=folders) if self.version >= TELLS_EVENTS else None

    def cluster(self) -> tuple[Pipeline, ...] | None:
        return (_function("Get-CheckpointBotCluster"),) if self.version >= TELLS_CLUSTERS else None

    def create(self, vm_id: str, name: str) -> Pipeline:
        return _function("New-CheckpointBotCheckpoint", VMId=vm_id, Name=name)

    def apply(self, checkpoint_id: str) -> Pipeline:
        return _function("Restore-CheckpointBotCheckpoint", CheckpointId=checkpoint_id)

    def delete(self, checkpoint_id: str, *, subtree: bool) -> Pipeline:
        return _function("Remove-CheckpointBotCheckpoint", CheckpointId=checkpoint_id, Subtree=subtree or None)

    def rename(self, checkpoint_id: str, name: str) -> Pipeline:
        return _function("Rename-CheckpointBotCheckpoint", CheckpointId=checkpoint_id, Name=name)

    def export(self, checkpoint_id: str, path: str) -> Pipeline:
        return _function("Export-CheckpointBotCheckpoint", CheckpointId=checkpoint_id, Path=path)

    def configure(self, vm_id: str, checkpoint_type: CheckpointType | None, automatic: bool | None) -> Pipeline:
        return _function("Set-CheckpointBotVM", VMId=vm_id, **settings(checkpoint_type, automatic))

    def start(self, vm_id: str) -> Pipeline:
        return _function("Start-CheckpointBotVM", VMId=vm_id)


def _function(name: str, **parameters: Argument) -> Pipeline:
    return (Cmdlet(name, {key: value for key, value in parameters.items() if value is not None}),)
