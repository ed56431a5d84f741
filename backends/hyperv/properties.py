"""Which properties the bot asks a host for: one list for plain endpoints, the JEA module and the tests.

Names are those of the Hyper-V module (`VMSnapshot`, `VirtualMachine`, `HardDiskDrive`, `VirtualHardDisk`). Lists that
are asked of a whole host leave out the getters that cost a host seconds: memory, processors, parents of VMs.
"""

from __future__ import annotations

from typing import Final

Properties = tuple[str, ...]

VM: Final[Properties] = (
    "Id",
    "Name",
    "State",
    "OperationalStatus",
    "CheckpointType",
    "AutomaticCheckpointsEnabled",
    "ReplicationMode",
)

VM_DETAIL: Final[Properties] = (*VM, "Uptime", "ParentSnapshotId", "MemoryAssigned")
"""Of one VM at a time only."""

CHECKPOINT: Final[Properties] = (
    "Id",
    "Name",
    "VMId",
    "CreationTime",
    "ParentSnapshotId",
    "SnapshotType",
    "IsAutomaticCheckpoint",
    "State",
)

DRIVE: Final[Properties] = ("VMId", "VMSnapshotId", "Path")

FILE: Final[Properties] = ("Path", "FileSize", "Size", "ParentPath")

VOLUME: Final[Properties] = ("Name", "Capacity", "FreeSpace", "DriveType")
"""Of `Win32_Volume`."""

CULTURE: Final[Properties] = ("Name",)

LOG: Final[Properties] = ("LogName", "IsEnabled", "RecordCount", "OldestRecordNumber")
"""Of `EventLogConfiguration`."""

EVENT: Final[Properties] = ("Id", "LogName", "RecordId", "TimeCreated", "Properties")
"""Of `EventLogRecord`. Its message is in the host's language, and slow."""

FOLDER_FILE: Final[Properties] = ("FullName", "Length", "CreationTimeUtc")
"""Of `FileInfo`."""

NODE: Final[Properties] = ("Name", "State", "DrainStatus")
"""Of `ClusterNode`."""

ROLE: Final[Properties] = ("Value", "OwnerNode")
"""Of `ClusterResource`, with the value of its parameter VmId."""

SHARED_VOLUME: Final[Properties] = ("FriendlyVolumeName", "Partition", "FaultState", "RedirectedAccess")
"""Of what `SharedVolumeInfo` of a `ClusterSharedVolume` holds."""

ACKNOWLEDGEMENT: Final[Properties] = ("Id",)
"""What a change gives back of the object it worked on, as a sign that there was one."""
