"""Every setting, from a YAML file, a folder of secrets, `.env` and the environment, checked as a whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from bot.settings import sources, starter
from bot.settings.gaps import gaps
from bot.settings.hosts import ClusterConnection, ClusterSettings, HostDefaults, HostSettings, NodeSettings
from bot.settings.kinds import is_jobs_file
from bot.settings.model import (
    AccessSettings,
    ApplySettings,
    ApprovalSettings,
    AuditSettings,
    BrakeSettings,
    CodesSettings,
    ConfirmationSettings,
    DigestChannelSettings,
    DigestSettings,
    GrantSettings,
    HousekeepingSettings,
    KeepSettings,
    MetricsSettings,
    QuotaSettings,
    ScheduleSettings,
    Settings,
    SlackSettings,
)
from bot.settings.problems import SettingsError, explain
from bot.settings.whole import Whole
from bot.settings.worker import WorkerSettings

W = TypeVar("W", bound=Whole)

__all__ = [
    "AccessSettings",
    "ApplySettings",
    "ApprovalSettings",
    "AuditSettings",
    "BrakeSettings",
    "ClusterConnection",
    "ClusterSettings",
    "CodesSettings",
    "ConfirmationSettings",
    "DigestChannelSettings",
    "DigestSettings",
    "GrantSettings",
    "HostDefaults",
    "HostSettings",
    "HousekeepingSettings",
    "KeepSettings",
    "Kept",
    "MetricsSettings",
    "NodeSettings",
    "QuotaSettings",
    "ScheduleSettings",
    "Settings",
    "SettingsError",
    "SlackSettings",
    "WorkerSettings",
    "before_tokens",
    "gaps",
    "init_text",
    "kept",
    "load",
    "load_worker",
]


def load(path: Path | None = None, *, env: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Settings:
    """The settings in force.

    `path` is the YAML file; without it the one that `CHECKPOINTBOT_CONFIG` names, or `checkpointbot.yaml` where there
    is one. Above it, each over the one before: the files in `CHECKPOINTBOT_SECRETS_DIR` (or `/run/secrets`), `dotenv`,
    and `env` (the process's own when None). Raises `SettingsError` with a line for every problem.
    """
    return _loaded(Settings, path, env, dotenv)


def load_worker(
    path: Path | None = None, *, env: Mapping[str, str] | None = None, dotenv: Path = Path(".env")
) -> WorkerSettings:
    """The settings of a worker, from the same sources. Raises `SettingsError` with a line for every problem."""
    return _loaded(WorkerSettings, path, env, dotenv)


def _loaded(kind: type[W], path: Path | None, env: Mapping[str, str] | None, dotenv: Path) -> W:
    found = sources.gather(kind, path, os.environ if env is None else env, dotenv)
    problems = found.problems
    try:
        settings = kind.model_validate(found.values)
    except ValidationError as error:
        problems += explain(error, kind)
    if problems:
        raise SettingsError(problems if found.file else [sources.no_file(), *problems])
    return settings


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the bot keeps what it keeps."""

    data_dir: Path
    is_named: bool
    """By a setting, or there is a settings file: it is not only the default, of whatever folder this is typed in."""
    has_jobs_file: bool
    """The jobs are in its jobs.db. What stands there else is left over."""

    def named(self) -> Path:
        """The data folder, for those who write into it. Raises `SettingsError` where it is only the default."""
        if not self.is_named:
            raise SettingsError([sources.no_file(), NOT_NAMED])
        return self.data_dir


NOT_NAMED = (
    f"data_dir: is not set either, and nothing was done. Type this in the folder of {sources.DEFAULT_FILE}, or name "
    "the file with --config, or the data folder with CHECKPOINTBOT_DATA_DIR."
)


def kept(path: Path | None = None, *, env: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Kept:
    """Those settings alone, from the same sources: for those who may not see the tokens. Raises `SettingsError`."""
    found = sources.gather(Settings, path, os.environ if env is None else env, dotenv)
    given = found.values.get("data_dir", Settings.model_fields["data_dir"].default)
    if not isinstance(given, str | Path):
        raise SettingsError(["data_dir: must be a path"])
    is_named = found.file is not None or "data_dir" in found.values
    return Kept(Path(given), is_named, is_jobs_file(str(found.values.get("database_url") or ""), Path(given)))


def before_tokens(path: Path | None = None, *, env: Mapping[str, str] | None = None) -> Settings:
    """The settings as far as there are any, for whoever makes the app that gives the tokens. Raises
    `SettingsError`."""
    found = sources.gather(Settings, path, os.environ if env is None else env, Path(".env"))
    given = found.values.get("slack")
    slack = {**{"bot_token": "xoxb-0", "app_token": "xapp-0", "signing_secret": "0"}, **_named(given)}
    try:
        return Settings.model_validate({**found.values, "slack": slack})
    except ValidationError as error:
        raise SettingsError([*found.problems, *explain(error, Settings)]) from None


def _named(section: object) -> Mapping[str, object]:
    return {str(name): value for name, value in section.items()} if isinstance(section, Mapping) else {}


def init_text() -> str:
    """A `checkpointbot.yaml` with every setting explained. It loads as it is once there are tokens."""
    return starter.commented(Settings)
