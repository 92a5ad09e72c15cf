"""Of two writers of one object one wins and the other learns of it; and what was written is proven."""

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from genesys_dagster.lake.commit import Expected
from genesys_dagster.lake.errors import OvertakenError, StorageError
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.multipart import MultipartUpload
from genesys_dagster.lake.objects import S3File
from genesys_dagster.lake.version import current_version
from genesys_dagster_tests.lake.graphs import failure, materialize
from genesys_dagster_tests.lake.test_multipart import KEY, PART, answer, content, fail

SIZES = pytest.mark.parametrize("size", [10, 2 * PART], ids=["put", "complete"])
OBJECT = "genesys/sales/calls/data.parquet"


def write(client, bucket, data, expected):
    with MultipartUpload(client, bucket, KEY, smallest_part=PART, sleep=lambda _: None) as sink:
        sink.write(data)
        return sink.commit(expected)


def seen(client, bucket):
    return Expected.of(current_version(client, bucket, KEY))


@SIZES
def test_the_version_that_was_expected_is_replaced(client, store, size):
    for data in (content(size), content(size + 1)):
        write(client, store.bucket, data, seen(client, store.bucket))
        assert store.read(KEY) == data


@SIZES
@pytest.mark.parametrize("before", [None, b"seen"])
def test_another_version_than_expected_is_left_alone(client, store, size, before):
    if before:
        store.put(KEY, before)
    expected = seen(client, store.bucket)
    store.put(KEY, b"from another run")
    with pytest.raises(OvertakenError, match="another run"):
        write(client, store.bucket, content(size), expected)
    assert store.read(KEY) == b"from another run"
    assert store.uploads() == []


def refuse_what_came_too_late(client, operation, store):
    """A store that compares only when the request is there: the other writer strikes just before."""

    def strike(params, **_):
        condition = params.get("IfMatch") or params.get("IfNoneMatch")
        assert condition
        store.put(KEY, b"just before")
        raise ClientError(
            {"Error": {"Code": "PreconditionFailed"}, "ResponseMetadata": {"HTTPStatusCode": 412}}, operation
        )

    client.meta.events.register(f"provide-client-params.s3.{operation}", strike)


@pytest.mark.parametrize(("operation", "size"), [("PutObject", 10), ("CompleteMultipartUpload", 2 * PART)])
def test_the_condition_goes_with_the_request_itself(client, store, operation, size):
    store.put(KEY, b"seen")
    expected = seen(client, store.bucket)
    refuse_what_came_too_late(client, operation, store)
    with pytest.raises(OvertakenError):
        write(client, store.bucket, content(size), expected)
    assert store.read(KEY) == b"just before"


@pytest.mark.parametrize(("operation", "size"), [("PutObject", 10), ("CompleteMultipartUpload", 2 * PART)])
@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (400, "InvalidArgument")])
def test_a_store_without_conditions_is_asked_what_lies_there_and_written_without(
    client, store, operation, size, status, code, caplog
):
    store.put(KEY, b"seen")
    fail(client, operation, answer(status, code), times=1)
    data = content(size)
    write(client, store.bucket, data, seen(client, store.bucket))
    assert store.read(KEY) == data
    assert "no conditional writes" in caplog.text


def mangle(client, change):
    """A store that keeps other bytes than it was sent, and calls them by their own digest."""

    def changed(request, **_):
        request.body = change(request.body.read())
        for name in [
            name for name in request.headers if name.lower().startswith(("x-amz-checksum", "content-md5"))
        ]:
            del request.headers[name]
        request.headers["Content-Length"] = str(len(request.body))

    for operation in ("PutObject", "UploadPart"):
        client.meta.events.register(f"before-send.s3.{operation}", changed)


@pytest.mark.made_up_store
@SIZES
@pytest.mark.parametrize(
    "change",
    [lambda body: b"10\r\n" + body, lambda body: body[:-1] + bytes([body[-1] ^ 1])],
    ids=["framing kept", "a bit flipped"],
)
def test_a_store_that_keeps_other_bytes_is_found_at_the_first_object(client, store, size, change):
    mangle(client, change)
    with pytest.raises(StorageError, match="AWS_REQUEST_CHECKSUM_CALCULATION"):
        write(client, store.bucket, content(size), None)


@pytest.mark.made_up_store
@SIZES
def test_a_store_whose_etags_are_no_md5_is_read_back_once(client, store, size):
    reads = fail(client, "GetObject", lambda request: None)
    client.meta.events.register("after-call.s3.PutObject", lambda parsed, **_: parsed.update(ETag='"odd"'))
    client.meta.events.register("before-call.s3.CompleteMultipartUpload", _real_etags(client))
    client.meta.events.register(
        "after-call.s3.UploadPart", lambda parsed, **_: parsed.update(ETag=f'"odd-{parsed["ETag"]}"')
    )
    for _ in range(3):
        write(client, store.bucket, content(size), None)
    assert reads["requests"] == 1


def _real_etags(client):
    def restore(params, **_):
        params["body"] = params["body"].replace(b"odd-&quot;", b"").replace(b'odd-"', b"")

    return restore


def test_two_runs_on_one_partition_end_with_the_one_that_saw_the_other(manager, store):
    overtaken = []

    def rows():
        if not overtaken:
            overtaken.append(True)
            store.put(OBJECT, b"the other run")
        yield pa.table({"n": [1]})

    def stream():
        return FrameStream(pa.schema({"n": pa.int64()}), rows())

    first = materialize(manager, stream)
    assert "another run" in failure(first).message
    assert store.read(OBJECT) == b"the other run"
    assert materialize(manager, stream).success


@pytest.mark.parametrize("before", [None, b"", b"no parquet", b"PAR1"])
def test_whatever_lies_there_unreadable_is_replaced(manager, store, before):
    if before is not None:
        store.put(OBJECT, before)
    counted = {"metadata": {"count_changes_by": "n"}}
    assert materialize(manager, pa.table({"n": [1]}), **counted).success
    assert store.read(OBJECT)[:4] == b"PAR1"


def test_an_object_without_bytes_has_a_version_though_it_has_no_range(client, store):
    store.put(KEY, b"")
    fail(client, "GetObject", answer(416, "InvalidRange"))
    assert S3File(client, store.bucket, KEY).etag == current_version(client, store.bucket, KEY).etag


@pytest.mark.made_up_store
def test_one_wrong_etag_does_not_end_the_comparison_of_bytes(client, store):
    write(client, store.bucket, b"proven", None)
    wrong = []
    client.meta.events.register(
        "after-call.s3.PutObject", lambda parsed, **_: wrong or wrong.append(1) or parsed.update(ETag='"odd"')
    )
    write(client, store.bucket, b"read back, and right", None)
    mangle(client, lambda body: body[:-1] + b"?")
    with pytest.raises(StorageError, match="AWS_REQUEST_CHECKSUM_CALCULATION"):
        write(client, store.bucket, b"mangled", None)
