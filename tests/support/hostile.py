"""The worst of names, of up to 100 characters."""

from __future__ import annotations

HOSTILE = (
    "<!channel> <@U024BE7LH> ",
    "🎉:tada:🎉🎉 ",
    "שרת־דואר מספר ",
    "*b* _i_ `c` ~s~ ",
    "<https://e.example|x>&amp; ",
)
NAMES = [(f"{number} {one * 9}")[:100] for number, one in enumerate(HOSTILE * 2)]
