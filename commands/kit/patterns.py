"""The one matcher of the settings' patterns: `web*`, `db0?`, `app[12]`, or a name letter for letter.

Names that look alike may differ: `ｄｃ01` in full-width letters is another name than `dc01`. What *protects* a VM takes
them for the same, so that nothing slips past it; what *grants* something does not, so that nobody gets more than was
written. Upper and lower case, and how an accent is composed, never matter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import lru_cache


def grants(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the patterns covers the name, in the stricter reading."""
    return _first(patterns, name, strict) is not None


def protects(patterns: Iterable[str], name: str) -> str | None:
    """The first of the patterns that covers the name, in the wider reading."""
    return _first(patterns, name, wide)


@lru_cache(maxsize=32_768)
def strict(text: str) -> str:
    """The form in which a grant compares names: composed letters are one letter (NFC)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


@lru_cache(maxsize=32_768)
def wide(text: str) -> str:
    """The form in which a protection compares names: width and kind of letters make no difference either (NFKC)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _first(patterns: Iterable[str], name: str, form: Callable[[str], str]) -> str | None:
    """Hyper-V allows brackets in names, so a pattern that is the name letter for letter always covers it."""
    whole = form(name)
    return next((one for one in patterns if (p := form(one)) == whole or fnmatchcase(whole, p)), None)
