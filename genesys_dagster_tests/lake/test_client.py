"""An end to waiting for S3, with the settings of the resource left as they are."""

import logging
import socket
import threading
import time

import boto3
import pyarrow as pa
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from dagster_aws.s3 import S3Resource

from genesys_dagster.lake.client import bounded, lake_client, options_for
from genesys_dagster.lake.commit import Expected
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.multipart import MultipartUpload
from genesys_dagster.lake.objects import S3File
from genesys_dagster_tests.lake.conftest import KEYS

TIME_OUT = 0.2


class Silent:
    """A server that takes requests and answers only those whose first line says so."""

    def __init__(self):
        self.seen = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            first = connection.recv(65536).split(b"\r\n")[0].decode()
            self.seen.append(first)
            if "?uploads" in first:
                body = (
                    b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
                )
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            while connection.recv(65536):
                pass

    def count(self, method):
        return sum(line.startswith(method) for line in self.seen)

    def close(self):
        self._listener.close()


@pytest.fixture
def silent():
    server = Silent()
    yield server
    server.close()


def client_of(endpoint, attempts=6):
    config = Config(
        read_timeout=TIME_OUT,
        connect_timeout=TIME_OUT,
        retries={"total_max_attempts": attempts, "mode": "standard"},
    )
    return boto3.Session().client("s3", endpoint_url=endpoint, config=config, **KEYS)


def minutes(silent):
    """A clock on which every request that the server has seen took a minute, as botocore's time-outs do."""
    return lambda: 60.0 * len(silent.seen)


def test_a_silent_store_is_asked_twice_and_the_log_says_so(silent, caplog):
    client = bounded(client_of(silent.url), minutes(silent))
    with caplog.at_level(logging.WARNING, "genesys_dagster"), pytest.raises(Exception, match="Read timeout"):
        client.head_object(Bucket="lake", Key="a")
    assert silent.count("HEAD") == 2
    assert caplog.messages == [
        "S3 has not answered HeadObject for 60 s (ReadTimeoutError); it is asked again."
    ]


def test_the_abort_of_an_upload_after_a_silent_part_is_asked_once(silent):
    client = bounded(client_of(silent.url), minutes(silent))
    with pytest.raises(StorageError, match="S3 does not answer for s3://lake/a"):
        write(client, bytes(20))
    assert silent.count("DELETE") == 1
    assert silent.count("PUT") <= 6  # three parts, each at most twice


def write(client, data):
    with MultipartUpload(client, "lake", "a", smallest_part=8) as upload:
        upload.write(data)
        upload.commit()


def test_a_client_is_bounded_once_however_often_it_is_asked(silent, caplog):
    client = bounded(client_of(silent.url), minutes(silent))
    assert bounded(client) is client
    with caplog.at_level(logging.WARNING, "genesys_dagster"), pytest.raises(Exception, match="Read timeout"):
        client.head_bucket(Bucket="lake")
    assert len(caplog.messages) == 1


def test_answers_use_the_attempts_of_the_resource(endpoint, bucket, monkeypatch):
    s3 = S3Resource(endpoint_url=endpoint, max_attempts=3, **KEYS)
    client = lake_client(s3)
    seen = []

    def busy(request, **_):
        from botocore.awsrequest import AWSResponse

        seen.append(1)

        class Raw:
            def stream(self, *_, **__):
                return iter([b""])

        return AWSResponse(request.url, 503, {}, Raw())

    client.meta.events.register("before-send.s3.HeadBucket", busy)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(ClientError, match="503"):
        client.head_bucket(Bucket=bucket)
    assert len(seen) == 4  # as the resource counts: three besides the first
    assert client.meta.endpoint_url == endpoint


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"profile_name": "nobody"}, "(nobody) could not be found: set AWS_PROFILE"),
        ({"endpoint_url": "localhost", **KEYS}, "Check AWS_ENDPOINT_URL_S3"),
    ],
)
def test_a_client_that_cannot_be_made_is_one_sentence(settings, words):
    with pytest.raises(StorageError) as caught:
        lake_client(S3Resource(**settings))
    assert words in str(caught.value)
    assert caught.value.permanent


OPTIONS = {
    "SSECustomerKey": "k",
    "SSECustomerAlgorithm": "AES256",
    "RequestPayer": "requester",
    "ExpectedBucketOwner": "1",
    "StorageClass": "STANDARD_IA",
    "ServerSideEncryption": "aws:kms",
}


@pytest.mark.parametrize(
    "call",
    [
        "PutObject",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
        "ListParts",
        "HeadObject",
        "GetObject",
        "DeleteObject",
        "ListMultipartUploads",
    ],
)
def test_every_call_gets_those_options_that_its_model_knows(call, endpoint):
    model = lake_client(S3Resource(endpoint_url=endpoint, **KEYS)).meta.service_model
    assert set(options_for(call, OPTIONS)) == set(OPTIONS) & set(
        model.operation_model(call).input_shape.members
    )


def test_the_table_can_be_written_through_a_client_made_at_launch(endpoint, bucket, store):
    with MultipartUpload(lake_client(client_of(endpoint)), bucket, "a") as upload:
        upload.write(pa.py_buffer(b"x"))
        upload.commit()
    assert store.read("a") == b"x"


@pytest.mark.made_up_store
def test_every_call_of_an_upload_carries_the_options_that_it_takes(endpoint, bucket):
    client = client_of(endpoint)
    seen = {}
    client.meta.events.register(
        "before-parameter-build.s3", lambda params, model, **_: seen.update({model.name: params})
    )
    options = {"RequestPayer": "requester", "StorageClass": "STANDARD_IA"}
    with MultipartUpload(client, bucket, "a", smallest_part=5 * 1024**2, options=options) as upload:
        upload.write(bytes(6 * 1024**2))
        upload.commit()
    for call in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"):
        assert seen[call]["RequestPayer"] == "requester"
    assert "StorageClass" not in seen["UploadPart"]


def test_reading_and_proving_carry_the_options_that_they_take(s3, bucket):
    client, seen = lake_client(s3, {"RequestPayer": "requester", "StorageClass": "STANDARD_IA"}), {}
    client.meta.events.register(
        "before-parameter-build.s3", lambda params, model, **_: seen.update({model.name: params})
    )
    with MultipartUpload(client, bucket, "a") as upload:
        upload.write(b"x")
        upload.commit(Expected(None))
    assert S3File(client, bucket, "a").read() == b"x"
    for call in ("HeadObject", "GetObject"):
        assert seen[call]["RequestPayer"] == "requester"
        assert "StorageClass" not in seen[call]
