"""What a host says in its own language: error messages, status texts, default names."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from importlib import resources


class Language(StrEnum):
    EN = "en"
    FR = "fr"
    JA = "ja"


def text(language: Language, key: str, **details: object) -> str:
    """The sentence for `key`. PowerShell's own messages that a language has no text for are in English."""
    sentence = _texts(language).get(key) or _texts(Language.EN)[key]
    return sentence.format(**details)


@cache
def _texts(language: Language) -> dict[str, str]:
    file = resources.files("backends.simulator.model") / "languages" / f"{language.value}.json"
    texts: dict[str, str] = json.loads(file.read_text("utf-8"))
    return texts
