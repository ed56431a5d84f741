"""What a receiver can prove from the stream alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.ledger import Head, Ledger
from bot.ledger.chain import hash_of
from bot.operations.audit import audit
from bot.operations.stream.cloudevents import read, written
from bot.operations.stream.verify import verify
from tests.support.clock import StoppedClock as Clock
from tests.support.ledger import carry

Lines = list[str]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db", clock=Clock()) as made:
        carry(made, "été")
        carry(made, "two")
        yield made


@pytest.fixture
def lines(ledger: Ledger) -> Lines:
    return [written(link, "bot01") for link in ledger.streams.after(0, 100)]


def edited(lines: Lines) -> Lines:
    event = json.loads(lines[4])
    event["data"]["done_by"] = "U0EVE"
    return [*lines[:4], json.dumps(event), *lines[5:]]


def swapped(lines: Lines) -> Lines:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


def cut(lines: Lines) -> Lines:
    return [*lines[:4], *lines[5:]]


def torn(lines: Lines) -> Lines:
    return [*lines[:4], lines[4][:50], *lines[5:]]


def rewritten(lines: Lines) -> Lines:
    """With a hash that is right for what it says."""
    event = json.loads(lines[4])
    link = read(lines[4])
    assert link is not None
    with_other = {**event["data"], "done_by": "U0EVE"}
    texts = [with_other[n] for n in ("change_id", "at", "event", "state", "done_by", "why", "result", "detail")]
    with_other["hash"] = hash_of(link.previous_hash, link.seq, *texts)
    return [*lines[:4], json.dumps({**event, "data": with_other}), *lines[5:]]


@pytest.mark.parametrize(
    ("harm", "seq", "said"),
    [
        (edited, 5, "It was edited"),
        (swapped, 5, "It is missing."),
        (cut, 5, "It is missing."),
        (torn, 5, "It is missing."),
        (rewritten, 6, "It does not follow"),
        (lambda lines: [*lines, rewritten(lines)[4]], 5, "It came twice, and not as the same"),
    ],
)
def test_whatever_is_done_to_a_stream_is_found(
    lines: Lines, harm: Callable[[Lines], Lines], seq: int, said: str
) -> None:
    broken = verify(harm(lines)).broken
    assert broken is not None
    assert (broken.seq, broken.what[: len(said)]) == (seq, said)


def test_a_part_of_a_stream_says_what_must_come_before_it(ledger: Ledger, lines: Lines) -> None:
    proof = verify(lines[3:])
    third = ledger.streams.after(2, 1)[0]

    assert (proof.broken, proof.before, proof.head) == (None, third.head, ledger.audit.head())


def test_a_head_that_was_kept_must_be_in_it(ledger: Ledger, lines: Lines) -> None:
    head = ledger.streams.after(6, 1)[0].head

    assert verify(lines, head).broken is None
    assert verify(lines[:3], head).broken is not None
    assert verify(lines, Head(head.seq, "a" * 64)).broken is not None


@pytest.mark.parametrize("line", ["", "{", "[]", "{}", '{"type":"checkpointbot.ledger.event"}', "null", "x {1}"])
def test_what_is_no_event_is_passed_over(lines: Lines, line: str) -> None:
    assert verify([line, *lines, line]).broken is None


@pytest.mark.parametrize("value", [None, 7, [], "\ud800"])
def test_an_event_of_other_values_is_edited(lines: Lines, value: object) -> None:
    event = json.loads(lines[0])
    event["data"]["why"] = value

    assert verify([json.dumps(event), *lines[1:]]).broken is not None


def typed(*words: str, said: str = "") -> Result:
    return CliRunner().invoke(audit, ["verify", *words], input=said, help_option_names=["-h", "--help"])


def test_it_is_typed(ledger: Ledger, lines: Lines, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text("\n".join([*lines, lines[-1]]))
    whole = typed("--stream", str(file), "--head", str(ledger.audit.head()))
    assert whole.exit_code == 0, whole.output
    assert whole.output.splitlines() == [
        "The stream is whole: events 1 to 12. 1 came more than once.",
        f"Its head, to hold against that of the ledger: {ledger.audit.head()}",
    ]

    file.write_text("\n".join(cut(lines)))
    broken = typed("--stream", str(file))
    assert (broken.exit_code, broken.output) == (1, "The stream is broken at event 5. It is missing.\n")

    file.write_text("\n".join(lines[6:]))
    part = typed("--stream", "-", said=file.read_text())
    assert "What came before it must end with: 6:" in part.output

    for path, said in ((tmp_path / "none", "cannot be read"), (Path("/dev/null"), "holds no event")):
        result = typed("--stream", str(path))
        assert result.exit_code == 1
        assert said in result.output
