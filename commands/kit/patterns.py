"""The one matcher of the settings' patterns: `web*`, `db0?`, `app[12]`, or a name letter for letter.

Before a slash may stand the name of a host or a cluster: `prod/web*` are VMs of prod alone, on whichever node of it. A
slash of a name is written `[/]`.

Names that look alike may differ: `ｄｃ01` in full-width letters is another name than `dc01`. What *protects* a VM takes
them for the same, so that nothing slips past it; what *grants* something does not, so that nobody gets more than was
written. Upper and lower case, and how an accent is composed, never matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

_HOST = re.compile(r"([^*?\[\]/]+)/(.+)", re.DOTALL)


def grants(patterns: Iterable[str], name: str, host: str = "") -> bool:
    """Whether one of the patterns covers the VM of that name on that host or cluster, in the stricter reading. Where
    nobody knows the host, no pattern with one does."""
    return _first(patterns, name, strict, lambda wanted: strict(wanted) == strict(host)) is not None


def protects(patterns: Iterable[str], name: str, host: str = "") -> str | None:
    """The first of the patterns that covers the VM, in the wider reading. Where nobody knows the
    host, it may be any."""
    return _first(patterns, name, wide, lambda wanted: not host or wide(wanted) == wide(host))


def parts(pattern: str) -> tuple[str, str]:
    """The host or cluster of a pattern, empty where it names none, and the pattern of the VM's name."""
    found = _HOST.fullmatch(pattern)
    return (found[1], found[2]) if found else ("", pattern)


@lru_cache(maxsize=32_768)
def strict(text: str) -> str:
    """The form in which a grant compares names: composed letters are one letter (NFC)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


@lru_cache(maxsize=32_768)
def wide(text: str) -> str:
    """The form in which a protection compares names: width and kind of letters make no difference either (NFKC)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _first(
    patterns: Iterable[str], name: str, form: Callable[[str], str], is_there: Callable[[str], bool]
) -> str | None:
    whole = form(name)
    for one in patterns:
        host, of_name = parts(one)
        if _fits(whole, form(of_name)) and (not host or is_there(host)):
            return one
    return None


def _fits(name: str, pattern: str) -> bool:
    """Hyper-V allows brackets in names, so a pattern that is the name letter for letter always covers it."""
    return pattern == name or fnmatchcase(name, pattern)
