"""What can be set on a VM, as the parameters of a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backends.base import CheckpointType
from backends.remoting import Argument

TYPE_NAMES: Final[Mapping[CheckpointType, str]] = {
    CheckpointType.DISABLED: "Disabled",
    CheckpointType.PRODUCTION: "Production",
    CheckpointType.PRODUCTION_ONLY: "ProductionOnly",
    CheckpointType.STANDARD: "Standard",
}


def settings(checkpoint_type: CheckpointType | None, automatic: bool | None) -> dict[str, Argument]:
    given: dict[str, Argument] = {}
    if checkpoint_type is not None:
        given["CheckpointType"] = TYPE_NAMES[checkpoint_type]
    if automatic is not None:
        given["AutomaticCheckpointsEnabled"] = automatic
    return given
