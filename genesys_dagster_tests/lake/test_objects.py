"""S3 objects as files: read by range, opened with one request, never a mixture of two versions."""

import pytest

from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.objects import S3File, open_objects


def test_an_object_replaced_while_it_is_read_is_an_error_and_no_mixture(client, store):
    store.put("x", bytes(1_000_000))
    file = S3File(client, store.bucket, "x")
    store.put("x", b"1" * 1_000_000)
    with pytest.raises(StorageError, match="was replaced while it was read") as caught:
        file.read(10)
    assert not caught.value.permanent


def test_a_file_reads_like_the_bytes_it_holds(client, store):
    data = bytes(range(256)) * 80_000
    store.put("x", data)
    file = S3File(client, store.bucket, "x")
    assert file.seek(0, 2) == file.size == len(data)
    for start, size in [
        (0, 10),
        (5, 20_000_000),
        (len(data) - 7, 100),
        (len(data), 1),
        (len(data) - 300_000, 299_999),
    ]:
        file.seek(start)
        assert file.read(size) == data[start : start + size]
        assert file.tell() == min(len(data), start + size)
    file.seek(1)
    assert file.read() == data[1:]


def test_objects_are_opened_with_one_request_each(store, client):
    sent = []
    client.meta.events.register("before-send.s3", lambda event_name, **_: sent.append(event_name))
    store.put("a", b"1")
    assert list(open_objects(client, store.bucket, ["b", "a", "c"])) == ["a"]
    assert len(sent) == 3
