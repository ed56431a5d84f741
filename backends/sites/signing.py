"""What goes between bot and worker is signed with a key that only they have: whoever writes into the database moves
nothing by it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

VERSION: Final = 2
"""The highest of what is written between them that this program understands. Who reads a higher one says that it is the
older of the two."""

OLDEST, CLUSTERS = 1, 2
"""What every version understands is written as the oldest one; only a later one knows calls to clusters."""


class Forged(Exception):
    """It was not signed with the key of the site, or not as what it is given out for."""


class Newer(Exception):
    """Who wrote it is of a later version, which says things that this one does not know."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body.get("version"))
        self.body = body


class Key:
    """The key of one site."""

    def __init__(self, site: str, secret: str) -> None:
        self.site = site
        self._secret = secret.encode()

    def sign(self, kind: str, **body: object) -> str:
        """As text, with the version and with what it is: the answer to one call passes for no other."""
        written = json.dumps({"version": OLDEST, **body}, separators=(",", ":"))
        return json.dumps({"kind": kind, "body": written, "by": self._by(kind, written)}, separators=(",", ":"))

    def open(self, text: object) -> tuple[str, Mapping[str, Any]]:
        """What it is, and what it says. Raises `Forged` and `Newer`."""
        try:
            letter = json.loads(str(text))
            kind, written, by = str(letter["kind"]), str(letter["body"]), str(letter["by"])
        except (ValueError, TypeError, KeyError) as error:
            raise Forged(f"it is no signed message: {type(error).__name__}") from None
        if not hmac.compare_digest(by.encode(), self._by(kind, written).encode()):
            raise Forged("it was not signed with the key of the site")
        body = json.loads(written)
        if body["version"] > VERSION:
            raise Newer(body)
        return kind, body

    def _by(self, kind: str, written: str) -> str:
        said = "\n".join((self.site, kind, written))
        return hmac.new(self._secret, said.encode(), hashlib.sha256).hexdigest()
