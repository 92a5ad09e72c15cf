"""Bytes cut into parts: any writes arrive in order, and ten thousand parts are always enough."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.multipart import MultipartUpload
from genesys_dagster.lake.parts import MAX_PART_SIZE, MAX_PARTS, PartBuffer, part_size

MIB = 1024 * 1024


def md5(body):
    return hashlib.md5(body).hexdigest()


class FakeS3:
    """Takes parts of any size and keeps them."""

    def __init__(self):
        self.parts = {}
        self.object = None

    def put_object(self, **call):
        self.object = call["Body"]
        return {"ETag": md5(self.object)}

    def create_multipart_upload(self, **_):
        return {"UploadId": "1"}

    def upload_part(self, **call):
        self.parts[call["PartNumber"]] = call["Body"]
        return {"ETag": md5(call["Body"])}

    def complete_multipart_upload(self, **call):
        self.object = b"".join(self.parts[part["PartNumber"]] for part in call["MultipartUpload"]["Parts"])
        return {}

    def abort_multipart_upload(self, **_):
        self.parts.clear()

    def head_object(self, **_):
        return {"ContentLength": len(self.object), "Metadata": {}}


def send(fake, chunks, smallest):
    with MultipartUpload(fake, "b", "k", smallest_part=smallest) as sink:
        for chunk in chunks:
            assert sink.write(chunk) == len(chunk)
        return sink.commit()


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 40)), st.integers(1, 16))
def test_any_writes_arrive_in_order_in_parts_that_are_full_but_the_last(sizes, smallest):
    fake = FakeS3()
    chunks = [bytes([index % 256]) * size for index, size in enumerate(sizes)]
    written = send(fake, chunks, smallest)
    assert fake.object == b"".join(chunks)
    assert written.size == len(fake.object)
    assert written.parts == len(fake.parts)
    assert all(len(fake.parts[number]) == smallest for number in range(1, len(fake.parts)))
    assert all(fake.parts.values())
    assert bool(fake.parts) == (len(fake.object) > smallest)


@settings(max_examples=300)
@given(st.integers(8 * MIB, MAX_PART_SIZE))
def test_ten_thousand_parts_hold_the_largest_object_that_s3_stores(smallest):
    sizes = [part_size(number, smallest) for number in range(1, MAX_PARTS + 1, 250)]
    assert sizes == sorted(sizes)
    assert sizes[0] == smallest
    assert sizes[-1] <= MAX_PART_SIZE
    total = sum(part_size(block * 1_000 + 1, smallest) * 1_000 for block in range(10))
    assert total >= 5 * 1024**4


def test_parts_stay_small_for_ordinary_objects():
    assert part_size(1_000) == 8 * MIB
    assert part_size(1_001) == 16 * MIB


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 30)))
def test_a_buffer_gives_back_what_it_took_in_any_cuts(pieces, cuts):
    buffer = PartBuffer()
    for piece in pieces:
        buffer.append(memoryview(piece))
    taken = [buffer.take(cut) for cut in cuts]
    taken.append(buffer.take(buffer.size))
    assert b"".join(taken) == b"".join(pieces)
    assert buffer.size == 0


def test_more_parts_than_s3_takes_are_refused(monkeypatch):
    monkeypatch.setattr("genesys_dagster.lake.multipart.MAX_PARTS", 3)
    fake = FakeS3()
    with pytest.raises(StorageError, match="more than 3 parts"):
        send(fake, [b"12345"], smallest=1)
