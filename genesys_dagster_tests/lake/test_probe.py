"""What doctor and every process find out about a store, without leaving anything in it."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.probe import Condition, StoreTraits, probe_bucket, store_traits

KEPT, IGNORED, REFUSED = Condition


class Store:
    """The client, with some calls answered otherwise; remembers what is called."""

    def __init__(self, client, **answers):
        self._client, self._answers, self.calls = client, answers, []
        self.meta = client.meta

    def __getattr__(self, name):
        def call(**arguments):
            self.calls.append(name)
            answer = self._answers.get(name)
            return answer(**arguments) if answer else getattr(self._client, name)(**arguments)

        return call


def refusing(code, status, operation="PutObject"):
    def answer(**_):
        raise ClientError(
            {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
        )

    return answer


@pytest.fixture(autouse=True)
def nothing_stays(store):
    yield
    assert store.keys() == []
    assert store.uploads() == []


@pytest.mark.made_up_store
def test_conditions_that_a_store_ignores_are_found_and_what_it_wrote_is_deleted(client, bucket):
    # moto: PutObject keeps its word, CompleteMultipartUpload does not.
    assert probe_bucket(client, bucket, "genesys") == StoreTraits(KEPT, IGNORED, keeps_bytes=True)


@pytest.mark.parametrize(
    ("code", "status", "found"),
    [
        ("PreconditionFailed", 412, KEPT),
        ("NoSuchKey", 404, KEPT),
        ("NotImplemented", 501, REFUSED),
        ("InvalidArgument", 400, REFUSED),
        ("AccessDenied", 403, REFUSED),
    ],
)
def test_the_answer_to_a_false_condition_tells(client, bucket, code, status, found):
    answer = refusing(code, status)
    traits = probe_bucket(
        Store(client, put_object=answer, complete_multipart_upload=answer), bucket, "genesys"
    )
    assert (traits.conditional_put, traits.conditional_complete) == (found, found)
    assert traits.conditional is (found is KEPT)


def test_a_put_that_ignores_its_condition_is_found_and_undone(client, bucket):
    def put(IfMatch, **arguments):  # noqa: N803 - the API's name
        return client.put_object(**arguments)

    assert probe_bucket(Store(client, put_object=put), bucket, "genesys").conditional_put is IGNORED


@pytest.mark.made_up_store
def test_what_may_not_be_deleted_is_named(client, bucket, store):
    deny = refusing("AccessDenied", 403, "DeleteObject")
    traits = probe_bucket(Store(client, delete_object=deny), bucket, "genesys/")
    assert traits.left_behind == "genesys/.probe"
    store.client.delete_object(Bucket=bucket, Key=traits.left_behind)


def test_a_store_that_keeps_other_bytes_is_told_what_to_set(client, bucket):
    framed = Store(client, list_parts=lambda **_: {"Parts": [{"PartNumber": 1, "Size": 52}]})
    with pytest.raises(StorageError, match="AWS_REQUEST_CHECKSUM_CALCULATION=when_required"):
        probe_bucket(framed, bucket, "genesys")


def test_parts_that_may_not_be_listed_leave_it_open(client, bucket):
    denied = Store(client, list_parts=refusing("AccessDenied", 403, "ListParts"))
    assert probe_bucket(denied, bucket, "genesys").keeps_bytes is None


@pytest.mark.parametrize("call", ["upload_part", "complete_multipart_upload", "put_object", "list_parts"])
def test_a_store_that_is_down_is_an_error_and_the_upload_is_aborted(client, bucket, call):
    store = Store(client, **{call: refusing("SlowDown", 503)}, delete_object=client.delete_object)
    with pytest.raises(StorageError) as caught:
        probe_bucket(store, bucket, "genesys")
    assert not caught.value.permanent


def test_a_missing_permission_is_named(client, bucket):
    denied = Store(client, create_multipart_upload=refusing("AccessDenied", 403, "CreateMultipartUpload"))
    with pytest.raises(StorageError, match=r"need s3:PutObject"):
        probe_bucket(denied, bucket, "genesys")


def test_a_silent_store_is_an_error(client, bucket):
    def silent(**_):
        raise ReadTimeoutError(endpoint_url="http://me:secret@x")

    with pytest.raises(StorageError, match="does not answer") as caught:
        probe_bucket(Store(client, create_multipart_upload=silent), bucket, "")
    assert "secret" not in str(caught.value)


def test_a_process_asks_once_for_each_place(client, bucket):
    store = Store(client)
    assert store_traits(store, bucket, "a") is store_traits(store, bucket, "a")
    assert store.calls.count("create_multipart_upload") == 1
