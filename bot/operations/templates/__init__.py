"""Files that `checkpointbot init` writes beside the settings: for a service manager, and for Prometheus and Grafana."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

MONITORING = ("checkpointbot.rules.yml", "checkpointbot-dashboard.json")
SERVICES: Mapping[str, tuple[str, ...]] = {
    "systemd": ("checkpointbot.service",),
    "container": ("Containerfile",),
    "windows": ("Register-CheckpointBotTask.ps1",),
}
"""By the kind of service: its files."""


def text(name: str) -> str:
    return (resources.files(__package__) / name).read_text("utf-8")


def write(names: tuple[str, ...], folder: Path) -> list[Path]:
    """Write these files, all or none. Raises FileExistsError for one that is there, and other OSErrors."""
    paths = [folder / name for name in names]
    if there := [path for path in paths if path.exists()]:
        raise FileExistsError(f"{there[0]} is there already. Nothing was written; name another folder with --into.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in zip(names, paths, strict=True):
        path.write_text(text(name), encoding="utf-8")
    return paths
