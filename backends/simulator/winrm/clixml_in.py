"""CLIXML from a client as values of Python, for the arguments of commands (MS-PSRP 2.2.5)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from uuid import UUID
from xml.etree.ElementTree import Element, ParseError, fromstring

from backends.simulator.shell import Instance

_LISTS = ("LST", "IE", "STK", "QUE")
_PROPERTIES = ("Props", "MS")
_DESCRIPTION = ("TN", "TNRef", "ToString")
_ESCAPED = re.compile(r"(?:_x[0-9A-Fa-f]{4}_)+")


class Document:
    """One CLIXML document. What is read of it raises `ValueError` when it is not as it should be."""

    def __init__(self, data: bytes) -> None:
        """Raises `ValueError`. A document type is refused unread: no entity is ever expanded."""
        text = data.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ValueError("a document type has no place in CLIXML")
        try:
            self.root = fromstring(text)  # noqa: S314
        except ParseError as cause:
            raise ValueError(str(cause)) from cause
        self._objects = {e.get("RefId"): e for e in self.root.iter("Obj")}
        self._type_names = {e.get("RefId"): tuple(t.text or "" for t in e) for e in self.root.iter("TN")}

    def member(self, parent: Element, name: str) -> Element:
        """The extended property of that name."""
        for member in parent.iterfind("MS/*"):
            if member.get("N") == name:
                return self._resolve(member)
        raise ValueError(f"no property {name}")

    def items(self, parent: Element) -> Iterable[Element]:
        """The elements of a list, or none for a null."""
        return () if parent.tag == "Nil" else [self._resolve(item) for item in parent.iterfind("LST/*")]

    def value(self, element: Element) -> object:
        """What stands there: text, number, bool, None, UUID, bytes, list, dict, or an `Instance` of anything else.
        Enums come as their numbers; dates, spans and other types without an equal as their text."""
        element = self._resolve(element)
        if element.tag == "Obj":
            return self._object(element)
        form = _FORMS.get(element.tag, unescape)
        return form(element.text or "")

    def _resolve(self, element: Element) -> Element:
        if element.tag != "Ref":
            return element
        try:
            return self._objects[element.get("RefId")]
        except KeyError:
            raise ValueError("a reference to nothing") from None

    def _object(self, element: Element) -> object:
        for child in element:
            if child.tag in _LISTS:
                return [self.value(item) for item in child]
            if child.tag == "DCT":
                return dict(self._entry(entry) for entry in child)
            if child.tag not in (*_PROPERTIES, *_DESCRIPTION):
                return self.value(child)
        return self._instance(element)

    def _entry(self, entry: Element) -> tuple[object, object]:
        pair = {part.get("N"): self.value(part) for part in entry}
        if pair.keys() != {"Key", "Value"}:
            raise ValueError("an entry without a key or a value")
        return pair["Key"], pair["Value"]

    def _instance(self, element: Element) -> Instance:
        reference = element.find("TNRef")
        own = element.find("TN") if reference is None else reference
        names = () if own is None else self._type_names.get(own.get("RefId"), ())
        members = (member for tag in _PROPERTIES for member in element.iterfind(f"{tag}/*"))
        properties = {unescape(member.get("N", "")): self.value(member) for member in members}
        text = element.findtext("ToString")
        return Instance(names, properties, None if text is None else unescape(text))


def unescape(text: str) -> str:
    """`_x000A_` and pairs of surrogates as the characters they stand for."""
    return _ESCAPED.sub(_characters, text)


def _characters(match: re.Match[str]) -> str:
    units = bytes.fromhex("".join(match.group().split("_")[1::2]).replace("x", ""))
    return units.decode("utf-16-be", "surrogatepass")


_FORMS: dict[str, Callable[[str], object]] = {
    "Nil": lambda _: None,
    "B": lambda text: text == "true",
    **dict.fromkeys(("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64"), int),
    **dict.fromkeys(("Sg", "Db"), float),
    "C": lambda text: chr(int(text)),
    "G": UUID,
    "BA": base64.b64decode,
}
