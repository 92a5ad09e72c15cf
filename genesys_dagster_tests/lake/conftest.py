"""An S3 server for the room's tests, and the IO manager on it.

The server is moto's. Set GENESYS_TEST_S3_ENDPOINT (with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)
to run the same tests against another one.
"""

import os
import uuid
from contextlib import contextmanager

import boto3
import pytest
from dagster_aws.s3 import S3Resource

from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster_tests.moto_bucket import MotoBucket

ENDPOINT = os.environ.get("GENESYS_TEST_S3_ENDPOINT")
KEYS = {
    "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"] if ENDPOINT else "test-key",
    "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"] if ENDPOINT else "test-secret",
    "region_name": "us-east-1",
}


def pytest_collection_modifyitems(config, items):
    """On another server only what asks it: the rest is the same everywhere."""
    if not ENDPOINT:
        return
    asking = [item for item in items if "endpoint" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in asking])
    items[:] = asking


@pytest.fixture(autouse=True)
def only_the_configured_credentials(monkeypatch, tmp_path):
    """Strips everything from which boto3 or Polars could take other credentials."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "GENESYS_S3_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def endpoint():
    """Address of the S3 server."""
    if ENDPOINT:
        yield ENDPOINT
        return
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint):
    """A client of the test's own, so that event hooks end with it."""
    return boto3.Session().client("s3", endpoint_url=endpoint, **KEYS)


@pytest.fixture(scope="session")
def admin(endpoint):
    """A client without hooks, with which tests look into the bucket."""
    return boto3.Session().client("s3", endpoint_url=endpoint, **KEYS)


@pytest.fixture
def bucket(admin):
    """A fresh bucket, emptied and removed afterwards."""
    with fresh_bucket(admin) as name:
        yield name


@contextmanager
def fresh_bucket(admin):
    """Makes a bucket, and removes it with all that is in it."""
    name = f"lake-{uuid.uuid4().hex[:12]}"
    if not ENDPOINT:
        bucket = MotoBucket(name).create()
        yield name
        bucket.delete()
        return
    admin.create_bucket(Bucket=name)
    yield name
    for upload in admin.list_multipart_uploads(Bucket=name).get("Uploads", []):
        admin.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for item in admin.list_objects_v2(Bucket=name).get("Contents", []):
        admin.delete_object(Bucket=name, Key=item["Key"])
    admin.delete_bucket(Bucket=name)


@pytest.fixture
def s3(endpoint):
    """The resource that users configure."""
    return S3Resource(endpoint_url=endpoint, **KEYS)


@pytest.fixture
def manager(s3, bucket):
    """The IO manager as users configure it."""
    return S3ParquetIOManager(s3=s3, bucket=bucket)


class Store:
    """What a test asks the bucket."""

    def __init__(self, client, bucket):
        self.client = client
        self.bucket = bucket

    def keys(self):
        return sorted(
            item["Key"] for item in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        )

    def read(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def put(self, key, body=b"old"):
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def uploads(self):
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])


@pytest.fixture
def store(admin, bucket):
    """The bucket, asked directly."""
    return Store(admin, bucket)
