"""Folders on a host, written in full so that they mean one place only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PureWindowsPath

from commands.kit.options import is_control


def folder(text: str) -> str:
    r"""A folder as Windows writes it: `D:\exports`, or for a share `\\nas\exports`. Raises ValueError with a clause."""
    path = PureWindowsPath(text.strip())
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError(r"the folder is on the host and is written in full, such as D:\exports")
    below = path.relative_to(path.anchor)
    if any(c in '<>"|?*' or is_control(c) for c in text) or ":" in str(below) or any(map(_is_cut, below.parts)):
        raise ValueError("that path has characters in it that Windows does not allow")
    return str(path)


def is_share(path: str) -> bool:
    """It is on another machine."""
    return path.startswith("\\\\")


def is_within(path: str, folders: Iterable[str]) -> bool:
    """Whether it is one of the folders, or under one of them."""
    return any(PureWindowsPath(path).is_relative_to(one) for one in folders)


def _is_cut(part: str) -> bool:
    """Windows drops what such a name ends with, and so means another one."""
    return part.endswith((".", " "))
