"""Where settings come from: variables over `.env` over a folder of secrets over the YAML file.

The first three are all flat, named `CHECKPOINTBOT_SLACK__BOT_TOKEN` in any case, so they are joined before
pydantic-settings takes them apart.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from bot.settings.problems import PREFIX, SettingsError
from commands.kit.meant import nearest

Values = dict[str, object]

CONFIG = f"{PREFIX}CONFIG"
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"
DEFAULT_FILE = Path("checkpointbot.yaml")
DEFAULT_SECRETS = Path("/run/secrets")
"""Where Docker and Podman put secrets."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that is set, not validated."""

    values: Values
    problems: list[str]
    """A line for each name that cannot be a setting."""
    file: Path | None
    """The YAML file; None where there is none."""


def gather(settings: type[BaseSettings], path: Path | None, env: Mapping[str, str], dotenv: Path) -> Gathered:
    """Raises `SettingsError` for a source that cannot be read."""
    named = {**_dotenv(dotenv), **env}
    variables = {**_secrets(named.get(SECRETS_DIR)), **named}
    file = _file(path, variables.get(CONFIG))
    values = merged(_read(file) if file else {}, _Variables(settings, variables)())
    private = [name for name in values if name.startswith("_")]  # pydantic-settings takes these as its own options
    lines = _unknown(variables, settings) + [f"{name}: is not a setting" for name in private]
    return Gathered({name: value for name, value in values.items() if name not in private}, lines, file)


def no_file() -> str:
    """Where a settings file was looked for."""
    return (
        f"There is no settings file: neither {DEFAULT_FILE.absolute()} nor one that --config or {CONFIG} names. "
        "checkpointbot init writes one to start from."
    )


def merged(low: Values, high: Values) -> Values:
    """`high` over `low`, group by group; lists are replaced whole."""
    both = {**low, **high}
    for name, value in low.items():
        above = high.get(name)
        if isinstance(value, dict) and isinstance(above, dict):
            both[name] = merged(value, above)
    return both


class _Variables(EnvSettingsSource):
    """pydantic-settings' reading of variables, from a mapping instead of the process's own."""

    def __init__(self, settings: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items() if value}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Text that is no JSON stays text, so that it is reported in its place with all the other problems."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except json.JSONDecodeError:
            return value


def _unknown(variables: Mapping[str, str], settings: type[BaseSettings]) -> list[str]:
    """Variables that look like settings and are none. Others may begin alike: Kubernetes adds CHECKPOINTBOT_PORT and
    such for a service named checkpointbot."""
    known = [name.upper() for name in settings.model_fields]
    lines = []
    for name in sorted(variables):
        if not name.upper().startswith(PREFIX) or name.upper() in (CONFIG, SECRETS_DIR):
            continue
        first, nested, rest = name.upper().removeprefix(PREFIX).partition("__")
        near = nearest(first, known, most=1)
        if first not in known and (nested or near):
            hint = f"; did you mean {PREFIX}{near[0]}{nested}{rest}?" if near else ""
            lines.append(f"{name}: is not a setting{hint}")
    return lines


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {_reason(error)}"]) from None
    return {name: value for name, value in values.items() if value is not None}


def _secrets(folder: str | None) -> dict[str, str]:
    """The files of a folder whose names are those of settings, as `checkpointbot_slack__bot_token`."""
    path = Path(folder) if folder else DEFAULT_SECRETS
    if folder and not path.is_dir():
        raise SettingsError([f"{SECRETS_DIR}: there is no folder {path}"])
    if not folder and not (path.is_dir() and os.access(path, os.R_OK | os.X_OK)):
        return {}
    try:
        files = [file for file in path.iterdir() if file.name.upper().startswith(PREFIX) and file.is_file()]
        return {file.name: file.read_text("utf-8-sig").strip() for file in files}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {_reason(error)}"]) from None


# ---------------------------------------------------------------- the YAML file


def _file(path: Path | None, named: str | None) -> Path | None:
    return path or (Path(named) if named else None) or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def _read(path: Path) -> Values:
    try:
        text = path.expanduser().read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {_reason(error)}"]) from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Values:
    """The settings in a YAML text. Raises `SettingsError` with line and column, and without the text itself."""
    try:
        values = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except _TwiceGiven as twice:
        raise SettingsError([f"{name}: line {twice.line}: {twice.key} is given twice"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError([f"{name}: is not valid YAML{where}: {_ADVICE}"]) from None
    except yaml.YAMLError:
        raise SettingsError([f"{name}: is not valid YAML: it holds characters that no text has"]) from None
    if values is None:
        raise SettingsError([f"{name}: is empty; checkpointbot init writes a file to start from"])
    if not isinstance(values, dict):
        raise SettingsError([f"{name}: must hold settings with names, such as slack: and hosts:"])
    return values


_ADVICE = "indent with spaces, and put values with special characters (such as * & ! % @ # and :) in quotes"


class _TwiceGiven(Exception):
    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key = key
        self.line = line


class _Loader(yaml.SafeLoader):
    """YAML as people read it: no key twice, `10:30` and `0123` and `1_000` are text, and all names are text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _TwiceGiven(key.value, key.start_mark.line + 1)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return {str(name): value for name, value in super().construct_mapping(node, deep).items()}


_NUMBERS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NUMBERS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]{0,17})\Z"), list("-0123456789"))


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else (error.strerror or "no reason given")
