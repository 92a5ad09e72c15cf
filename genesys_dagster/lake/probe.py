"""What a bucket allows and what its store keeps its word on, found out without leaving anything in it.

S3-compatible stores accept what they do not do: some ignore the conditions of a write, some keep the framing of
checksums that follow the body as if it were content (boto3 issue 4435, rclone/gofakes3 issue 17). Only a request that
must fail, or a look at what arrived, tells.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from genesys_dagster.lake.client import options_for
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.s3_errors import S3_ERRORS, UNKNOWN_UPLOAD, error_code, storage_error

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_NAME = ".probe"
_BODY = b"probe"
# The ETag of no object. What must be replaced is not there: 412, or 404 where there is nothing at all under the key
# (Amazon S3 User Guide, "How to prevent object overwrites with conditional writes").
_FALSE = '"00000000000000000000000000000000"'


class Condition(Enum):
    """What a store makes of a condition that does not hold."""

    KEPT = "kept"
    """It writes nothing."""
    IGNORED = "ignored"
    """It writes all the same."""
    REFUSED = "refused"
    """It knows no conditions, or the credentials may not set them."""


@dataclass(frozen=True, slots=True)
class StoreTraits:
    """What a store does beyond allowing to write.

    Attributes:
        conditional_put: Conditions of PutObject.
        conditional_complete: Conditions of CompleteMultipartUpload.
        keeps_bytes: Whether it has as many bytes as were sent; None if it does not say.
        left_behind: Key of an object that a store that ignores conditions wrote and that could not be deleted.
    """

    conditional_put: Condition
    conditional_complete: Condition
    keeps_bytes: bool | None
    left_behind: str | None = None

    @property
    def conditional(self) -> bool:
        """Whether every write can be made to depend on the version before."""
        return self.conditional_put is self.conditional_complete is Condition.KEPT


def probe_bucket(
    client: "S3Client", bucket: str, prefix: str, options: Mapping[str, Any] | None = None
) -> StoreTraits:
    """Tries a multipart upload below the prefix that is aborted, and writes whose conditions do not hold.

    Args:
        client: A boto3 S3 client.
        bucket: Name of the bucket.
        prefix: What the lake's keys begin with.
        options: More arguments of PutObject and CreateMultipartUpload, as for the lake's writes.

    Returns:
        What was found.

    Raises:
        StorageError: S3 refuses what every upload needs, which the message names; or the store keeps other bytes
            than were sent.
    """
    probe = _Probe(client, bucket, "/".join(filter(None, (prefix.strip("/"), _NAME))), dict(options or {}))
    try:
        traits = probe.run()
    except S3_ERRORS as error:
        raise storage_error(error, bucket=bucket, key=probe.key) from None
    if traits.keeps_bytes is False:
        raise StorageError(
            f"The store keeps other bytes than were sent to s3://{bucket}/{probe.key}: it knows no checksums behind "
            "the body and keeps them as content. Set AWS_REQUEST_CHECKSUM_CALCULATION=when_required.",
            permanent=True,
        )
    return traits


_known: dict[tuple[str, str, str], StoreTraits] = {}
_lock = Lock()


def store_traits(
    client: "S3Client", bucket: str, prefix: str, options: Mapping[str, Any] | None = None
) -> StoreTraits:
    """Returns what `probe_bucket` found, asked once in a process for each place.

    Raises:
        StorageError: As `probe_bucket`; it is asked again the next time.
    """
    place = (client.meta.endpoint_url, bucket, prefix)
    with _lock:
        if place not in _known:
            _known[place] = probe_bucket(client, bucket, prefix, options)
        return _known[place]


class _Probe:
    """The calls of one probe."""

    def __init__(self, client: "S3Client", bucket: str, key: str, options: dict[str, Any]) -> None:
        self.key = key
        self._client: Any = client
        self._options = options
        self._where: dict[str, Any] = {"Bucket": bucket, "Key": key}
        self._left_behind: str | None = None

    def run(self) -> StoreTraits:
        upload = {
            "UploadId": self._client.create_multipart_upload(**self._for("CreateMultipartUpload"))["UploadId"]
        }
        complete = None
        try:
            part = self._client.upload_part(**self._for("UploadPart"), **upload, PartNumber=1, Body=_BODY)
            keeps_bytes = self._keeps_bytes(upload)
            parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
            complete = self._condition(
                lambda: self._client.complete_multipart_upload(
                    **self._for("CompleteMultipartUpload"), **upload, MultipartUpload=parts, IfMatch=_FALSE
                )
            )
        finally:
            self._abort(upload, completed=complete is Condition.IGNORED)
        put = self._condition(
            lambda: self._client.put_object(**self._for("PutObject"), Body=_BODY, IfMatch=_FALSE)
        )
        return StoreTraits(put, complete, keeps_bytes, self._left_behind)

    def _for(self, call: str) -> dict[str, Any]:
        return {**self._where, **options_for(call, self._options)}

    def _keeps_bytes(self, upload: Mapping[str, Any]) -> bool | None:
        """By size: an ETag is no digest of the content where a key of KMS encrypts it."""
        try:
            parts = self._client.list_parts(**self._for("ListParts"), **upload).get("Parts", [])
        except ClientError as error:
            if _status(error) >= 500 and _status(error) != 501:
                raise
            return None
        return parts[0]["Size"] == len(_BODY) if parts else None

    def _condition(self, write: Callable[[], object]) -> Condition:
        try:
            write()
        except ClientError as error:
            status = _status(error)
            if error_code(error) == "NoSuchUpload" or (status >= 500 and status != 501) or status == 429:
                raise
            return Condition.KEPT if status in {404, 409, 412} else Condition.REFUSED
        try:
            self._client.delete_object(**self._for("DeleteObject"))
        except ClientError:
            self._left_behind = self.key
        return Condition.IGNORED

    def _abort(self, upload: Mapping[str, Any], *, completed: bool) -> None:
        try:
            self._client.abort_multipart_upload(**self._for("AbortMultipartUpload"), **upload)
        except ClientError as error:
            gone = error_code(error) in UNKNOWN_UPLOAD
            if not gone and not completed:
                raise


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
