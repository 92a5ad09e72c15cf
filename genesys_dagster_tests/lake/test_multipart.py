"""An object appears whole or not at all, and nothing else stays in the bucket."""

import hashlib
import os
import signal
import threading
import time

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.multipart import MultipartUpload

MIB = 1024 * 1024
PART = 5 * MIB  # the smallest that S3 servers take
KEY = "folder/day.parquet"


def content(size):
    return os.urandom(1024) * (size // 1024) + b"x" * (size % 1024)


def upload(client, bucket, **options):
    return MultipartUpload(client, bucket, KEY, smallest_part=PART, sleep=lambda seconds: None, **options)


def write(client, bucket, *chunks, error=None):
    """Writes chunks and commits, or raises the error instead."""
    with upload(client, bucket) as sink:
        for chunk in chunks:
            sink.write(chunk)
        if error is not None:
            raise error
        return sink.commit()


def calls(client):
    """Notes the name of every request that the client sends from now on."""
    names = []

    def note(request, event_name, **_):
        names.append(event_name.rpartition(".")[2])

    client.meta.events.register("before-send.s3", note)
    return names


def fail(client, operation, error, *, on=1, times=1_000):
    """Lets requests of one kind fail, from the n-th on."""
    seen = {"requests": 0}

    def intercept(request, **_):
        seen["requests"] += 1
        if on <= seen["requests"] < on + times:
            return error(request) if callable(error) and not isinstance(error, type) else _raise(error)
        return None

    client.meta.events.register(f"before-send.s3.{operation}", intercept)
    return seen


def _raise(error):
    raise error


class Answer:
    """The raw body of a made-up answer."""

    def __init__(self, body):
        self._body = body

    def stream(self, **_):
        yield self._body


def answer(status, code, message="no"):
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
    return lambda request: AWSResponse(request.url, status, {"Content-Type": "application/xml"}, Answer(body))


REFUSED = answer(403, "AccessDenied")


def test_content_of_one_part_is_one_request_and_proven_by_another(client, store):
    names = calls(client)
    with upload(client, store.bucket) as sink:
        sink.write(content(PART))
        written = sink.commit()
    assert names == ["PutObject", "HeadObject"]
    assert (written.size, written.parts) == (PART, 0)


def test_no_content_is_an_empty_object(client, store):
    with upload(client, store.bucket) as sink:
        assert sink.commit().size == 0
    assert store.read(KEY) == b""


def test_larger_content_arrives_in_parts_as_it_was_written(client, store):
    data = content(2 * PART + 17)
    names = calls(client)
    with upload(client, store.bucket) as sink:
        for start in range(0, len(data), 999_999):
            sink.write(memoryview(data)[start : start + 999_999])
        written = sink.commit()
    sent = sorted(names)
    assert store.read(KEY) == data
    assert written.sha256 == hashlib.sha256(data).hexdigest()
    assert (written.size, written.parts) == (len(data), 3)
    assert sent == [
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "HeadObject",
        *["UploadPart"] * 3,
    ]


def test_bytes_that_the_caller_changes_later_arrive_as_they_were(client, store):
    data = bytearray(b"before")
    with upload(client, store.bucket) as sink:
        sink.write(data)
        data[:] = b"after!"
        sink.commit()
    assert store.read(KEY) == b"before"


def test_never_more_parts_are_sent_at_once_than_allowed(client, store):
    running, most, lock = set(), [0], threading.Lock()

    def begin(request, **_):
        with lock:
            running.add(request.url)
            most[0] = max(most[0], len(running))
        time.sleep(0.1)
        with lock:
            running.discard(request.url)

    client.meta.events.register("before-send.s3.UploadPart", begin)
    with upload(client, store.bucket, max_in_flight=2) as sink:
        sink.write(content(7 * PART))
        assert sink.commit().parts == 7
    assert most[0] == 2


def test_writing_waits_while_all_parts_in_flight_are_stuck(client, store):
    gate = threading.Event()
    client.meta.events.register("before-send.s3.UploadPart", lambda request, **_: gate.wait(10) and None)
    with upload(client, store.bucket, max_in_flight=1) as sink:
        sink.write(content(PART) + b"x")
        writer = threading.Thread(target=sink.write, args=(content(2 * PART),))
        writer.start()
        writer.join(0.2)
        assert writer.is_alive()
        gate.set()
        writer.join(10)
        assert not writer.is_alive()
        assert sink.commit().size == 3 * PART + 1


@pytest.mark.parametrize(
    ("operation", "on"),
    [("CreateMultipartUpload", 1), ("UploadPart", 1), ("UploadPart", 3), ("CompleteMultipartUpload", 1)],
)
def test_a_refused_request_aborts_the_upload_and_leaves_the_old_object(client, store, operation, on):
    store.put(KEY)
    fail(client, operation, REFUSED, on=on)
    with pytest.raises(StorageError, match=r"s3:PutObject") as caught:
        write(client, store.bucket, *[content(PART)] * 4)
    assert caught.value.permanent
    assert store.read(KEY) == b"old"
    assert store.uploads() == []


def test_a_refused_put_leaves_the_old_object(client, store):
    store.put(KEY)
    fail(client, "PutObject", REFUSED)
    with pytest.raises(StorageError, match=r"s3:PutObject"):
        write(client, store.bucket, b"new")
    assert store.read(KEY) == b"old"


def test_a_part_that_fails_once_is_sent_again(client, store):
    fail(client, "UploadPart", answer(503, "SlowDown"), on=2, times=1)
    data = content(3 * PART)
    with upload(client, store.bucket) as sink:
        sink.write(data)
        sink.commit()
    assert store.read(KEY) == data


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, SystemExit, RuntimeError])
def test_leaving_the_block_by_any_exception_aborts(client, store, error):
    store.put(KEY)
    with pytest.raises(error):
        write(client, store.bucket, content(3 * PART), error=error)
    assert store.read(KEY) == b"old"
    assert store.uploads() == []


def test_leaving_the_block_without_commit_aborts(client, store):
    with upload(client, store.bucket) as sink:
        sink.write(content(2 * PART))
    assert store.keys() == []
    assert store.uploads() == []


def test_the_abort_waits_for_parts_in_flight(client, store):
    happened = []

    def begin(request, **_):
        happened.append("begin")
        time.sleep(0.2)

    client.meta.events.register("before-send.s3.UploadPart", begin)
    client.meta.events.register("after-call.s3.UploadPart", lambda **_: happened.append("end"))
    client.meta.events.register("before-call.s3.AbortMultipartUpload", lambda **_: happened.append("abort"))
    with upload(client, store.bucket) as sink:
        sink.write(content(2 * PART + 1))
    assert happened[-1] == "abort"
    assert happened.count("end") == happened.count("begin") > 0


def interrupt_during(client, operation):
    """Interrupts the main thread while the first request of this kind is under way."""
    seen = []

    def strike(request, **_):
        seen.append(1)
        if len(seen) == 1:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.3)

    client.meta.events.register(f"before-send.s3.{operation}", strike)


@pytest.fixture
def interruptible():
    """Python's own handler, whatever the test runner was started from."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart"])
def test_an_interrupt_in_the_middle_of_a_request_aborts(client, store, interruptible, operation):
    store.put(KEY)
    interrupt_during(client, operation)
    with pytest.raises(KeyboardInterrupt):
        write(client, store.bucket, content(3 * PART))
    assert store.read(KEY) == b"old"
    assert store.uploads() == []


def test_an_interrupt_in_the_middle_of_the_commit_leaves_the_new_object_whole(client, store, interruptible):
    store.put(KEY)
    interrupt_during(client, "CompleteMultipartUpload")
    data = content(3 * PART)
    with pytest.raises(KeyboardInterrupt):
        write(client, store.bucket, data)
    assert store.read(KEY) == data
    assert store.uploads() == []


def test_a_second_interrupt_does_not_stop_the_abort(client, store, interruptible):
    interrupt_during(client, "AbortMultipartUpload")
    with pytest.raises(KeyboardInterrupt):
        write(client, store.bucket, content(3 * PART), error=RuntimeError)
    for thread in threading.enumerate():
        if thread.name == "s3-abort":
            thread.join()
    assert store.uploads() == []


def test_the_abort_is_tried_again(client, store):
    seen = fail(client, "AbortMultipartUpload", ConnectionClosedError(endpoint_url="x"), times=6)
    with upload(client, store.bucket) as sink:
        sink.write(content(2 * PART))
    assert seen["requests"] > 6
    assert store.uploads() == []


def test_an_upload_that_cannot_be_aborted_is_named_in_the_error(client, store):
    fail(client, "AbortMultipartUpload", REFUSED)
    with pytest.raises(RuntimeError) as caught:
        write(client, store.bucket, content(2 * PART), error=RuntimeError)
    (pending,) = store.uploads()
    (note,) = caught.value.__notes__
    assert pending["UploadId"] in note
    assert "s3:AbortMultipartUpload" in note


@pytest.mark.parametrize(("operation", "size"), [("PutObject", 100), ("CompleteMultipartUpload", 2 * PART)])
def test_a_lost_answer_to_the_commit_counts_if_the_object_is_there(client, store, operation, size):
    lose_answers(client, operation)
    data = content(size)
    with upload(client, store.bucket) as sink:
        sink.write(data)
        assert sink.commit().size == size
    assert store.read(KEY) == data
    assert store.uploads() == []


def lose_answers(client, operation):
    """Lets requests reach the server, and drops what it answers."""

    def lose(**_):
        raise ConnectionClosedError(endpoint_url="http://s3")

    client.meta.events.register(f"before-parse.s3.{operation}", lose)


def test_an_old_object_is_not_mistaken_for_the_new_one(client, store):
    with upload(client, store.bucket) as sink:
        sink.write(content(2 * PART))
        sink.commit()
    before = store.read(KEY)
    fail(client, "CompleteMultipartUpload", EndpointConnectionError(endpoint_url="http://s3"))
    with pytest.raises(StorageError) as caught:
        write(client, store.bucket, content(2 * PART))
    assert not caught.value.permanent
    assert store.read(KEY) == before
    assert store.uploads() == []


def test_an_error_in_the_body_of_a_200_is_an_error(client, store):
    store.put(KEY)
    fail(client, "CompleteMultipartUpload", answer(200, "InternalError", "We encountered an internal error."))
    with pytest.raises(StorageError, match="internal error"):
        write(client, store.bucket, content(2 * PART))
    assert store.read(KEY) == b"old"
    assert store.uploads() == []


def test_an_object_of_another_size_than_written_is_an_error(client, store):
    client.meta.events.register(
        "after-call.s3.HeadObject", lambda parsed, **_: parsed.update(ContentLength=1)
    )
    with pytest.raises(StorageError, match="it has 1 bytes"):
        write(client, store.bucket, content(2 * PART))


def test_a_writer_that_may_not_read_can_still_write(client, store):
    fail(client, "HeadObject", REFUSED)
    with upload(client, store.bucket) as sink:
        sink.write(content(2 * PART))
        assert sink.commit().size == 2 * PART


def test_nothing_can_be_written_after_the_commit(client, store):
    with upload(client, store.bucket) as sink:
        sink.commit()
        with pytest.raises(ValueError, match="closed"):
            sink.write(b"x")
        with pytest.raises(ValueError, match="closed"):
            sink.commit()


def test_options_reach_both_kinds_of_upload(client, store):
    for size in (1, 2 * PART):
        with upload(
            client, store.bucket, options={"ContentType": "text/plain", "Metadata": {"a": "b"}}
        ) as sink:
            sink.write(content(size))
            sink.commit()
        head = client.head_object(Bucket=store.bucket, Key=KEY)
        assert head["ContentType"] == "text/plain"
        assert head["Metadata"]["a"] == "b"


def test_no_thread_is_left_behind(client, store):
    with upload(client, store.bucket) as sink:
        sink.write(content(3 * PART))
        sink.commit()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("s3-")] == []
