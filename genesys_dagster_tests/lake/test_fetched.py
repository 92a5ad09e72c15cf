"""Nothing of an object is fetched again that another input of the process has."""

import os

from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.lake import fetched
from genesys_dagster.lake.fetched import Copy, Fetched

BYTES = bytes(range(256)) * 16
RANGES = st.lists(st.tuples(st.integers(0, len(BYTES)), st.integers(0, len(BYTES))).map(sorted), max_size=20)


@given(ranges=RANGES)
def test_a_copy_gives_the_objects_bytes_and_fetches_each_once(ranges):
    asked = []

    def fetch(start, end):
        asked.extend(range(start, end))
        return BYTES[start:end]

    before, fetched._BLOCK = fetched._BLOCK, 100
    copy = Copy(len(BYTES))
    try:
        for start, end in ranges:
            if start < end:
                assert copy.read(start, end, fetch) == BYTES[start:end]
    finally:
        fetched._BLOCK = before
        copy.close()
    assert len(asked) == len(set(asked))
    assert copy.read(0, 9, fetch) == BYTES[:9]  # of its own, once the copy is gone


def test_an_object_is_kept_from_the_second_input_on_while_there_is_room(monkeypatch):
    monkeypatch.setattr(fetched, "_MOST", 100)
    inputs = Fetched()
    assert inputs.copy("a", 60) is None
    copy = inputs.copy("a", 60)
    assert copy
    assert inputs.copy("a", 60) is copy
    assert [inputs.copy("b", 60), inputs.copy("b", 60)] == [None, None]
    inputs.close()
    assert [inputs.copy("b", 60), inputs.copy("b", 60) is None] == [None, False]
    inputs.close()


def test_what_was_written_in_part_counts_as_not_there(monkeypatch):
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, start: write(file, data[:100], start))
    copy = Copy(len(BYTES))
    try:
        reads = [copy.read(200, 300, lambda start, end: BYTES[start:end]) for _ in range(2)]
    finally:
        copy.close()
    assert reads == [BYTES[200:300]] * 2
