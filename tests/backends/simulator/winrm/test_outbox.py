from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.simulator.winrm.outbox import Closed, Outbox
from tests.support.waiting import DEADLINE


@given(st.lists(st.binary(min_size=1, max_size=5_000), min_size=1, max_size=8), st.integers(1, 9_000))
def test_fragments_arrive_whole_and_in_order_whatever_the_size_of_a_parcel(pieces: list[bytes], size: int):
    outbox, received = Outbox(), []
    for piece in pieces:
        outbox.put(piece)
    outbox.finish()
    last = False
    while not last:
        parcel = outbox.take(size, timeout=0)
        assert len(parcel.fragments) <= max(size, len(max(pieces, key=len)))
        received.append(parcel.fragments)
        last = parcel.last
    assert b"".join(received) == b"".join(pieces)


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
    outbox.put(b"one")

    def later() -> None:
        outbox.put(b"two")
        outbox.finish()

    thread = Thread(target=later)
    thread.start()
    parcel = outbox.take(10_000, timeout=DEADLINE)
    thread.join()
    assert (parcel.fragments, parcel.last) == (b"onetwo", True)


def test_a_full_parcel_does_not_wait_for_more():
    outbox = Outbox(gather=60)
    outbox.put(bytes(5_000))
    outbox.put(bytes(5_000))
    assert not outbox.take(5_000, timeout=60).last


def test_closing_ends_a_wait_now_and_later():
    outbox = Outbox()
    Thread(target=outbox.close).start()
    with pytest.raises(Closed):
        outbox.take(1000, timeout=DEADLINE)
    with pytest.raises(Closed):
        outbox.wait_until_finished()
