from __future__ import annotations

from threading import Thread
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.simulator.winrm.fragments import Defragmenter, MessageType, to_client
from backends.simulator.winrm.outbox import SMALLEST, Closed, Outbox

ID = UUID("7f3b0f0e-33c5-4b6e-8f6e-0d7a7a1b2c3d")


def message(data: bytes) -> bytes:
    return to_client(MessageType.PIPELINE_OUTPUT, ID, ID, data)


@given(st.lists(st.binary(max_size=5_000), min_size=1, max_size=8), st.integers(1, 4_000))
def test_messages_arrive_whole_and_in_order_whatever_the_size_of_a_parcel(contents: list[bytes], size: int):
    outbox, reader, received = Outbox(), Defragmenter(), []
    for number, data in enumerate(contents, start=1):
        outbox.put(number, message(data))
    outbox.finish()
    last = False
    while not last:
        parcel = outbox.take(size, timeout=0)
        assert len(parcel.fragments) <= max(size, SMALLEST)
        received += reader.feed(parcel.fragments)
        last = parcel.last
    assert [one.data for one in received] == contents
    assert {one.kind for one in received} == {MessageType.PIPELINE_OUTPUT}


def test_nothing_to_take_is_a_timeout():
    with pytest.raises(TimeoutError):
        Outbox().take(1000, timeout=0.001)


def test_an_outbox_that_is_finished_gives_an_empty_last_parcel():
    outbox = Outbox()
    outbox.finish()
    parcel = outbox.take(1000, timeout=0)
    assert (parcel.fragments, parcel.last) == (b"", True)


def test_a_parcel_gathers_what_comes_soon():
    outbox = Outbox(gather=5)
    outbox.put(1, message(b"one"))

    def later() -> None:
        outbox.put(2, message(b"two"))
        outbox.finish()

    thread = Thread(target=later)
    thread.start()
    parcel = outbox.take(10_000, timeout=5)
    thread.join()
    assert [one.data for one in Defragmenter().feed(parcel.fragments)] == [b"one", b"two"]
    assert parcel.last


def test_a_full_parcel_does_not_wait_for_more():
    outbox = Outbox(gather=60)
    outbox.put(1, message(bytes(10_000)))
    assert not outbox.take(5_000, timeout=60).last


def test_closing_ends_a_wait_now_and_later():
    outbox = Outbox()
    Thread(target=outbox.close).start()
    with pytest.raises(Closed):
        outbox.take(1000, timeout=10)
    with pytest.raises(Closed):
        outbox.wait_until_finished()


@pytest.mark.parametrize("rubbish", [b"x", bytes(20), bytes(7) + b"\x01" + bytes(8) + b"\x03\x00\x00\x00\x09short"])
def test_bytes_that_are_no_fragments_are_refused(rubbish: bytes):
    with pytest.raises(ValueError):
        Defragmenter().feed(rubbish)
