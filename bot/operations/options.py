"""Options that several programs beside the bot have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def config_for(asked: str) -> Callable[[Any], Any]:
    """`--config`, for a program that needs no more of the settings than is `asked` for: it sees no token."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The settings file, instead of checkpointbot.yaml or the one that CHECKPOINTBOT_CONFIG names. Of it, only "
        f"{asked} asked for.",
    )
