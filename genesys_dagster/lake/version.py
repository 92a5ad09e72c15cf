"""Which version of an object lies in the bucket: what a write must find there when it takes its place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genesys_dagster.lake.s3_errors import ABSENT, S3_ERRORS, error_code, storage_error

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

# User metadata by which a write recognises its own object when an answer was lost.
WRITE_ID = "write-id"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object.

    Attributes:
        etag: S3's name for it, in quotes; an empty string if the store gives none.
        size: Bytes.
        write_id: Which write made it; None if it was none of ours.
    """

    etag: str
    size: int
    write_id: str | None = None


def current_version(client: "S3Client", bucket: str, key: str) -> Version | None:
    """Asks with one request what lies under a key.

    Returns:
        The version, or None if there is none.

    Raises:
        StorageError: S3 refused or could not be reached.
    """
    try:
        head = client.head_object(Bucket=bucket, Key=key)
    except S3_ERRORS as error:
        if error_code(error) in ABSENT:
            return None
        raise storage_error(error, bucket=bucket, key=key) from error
    return Version(head.get("ETag", ""), head["ContentLength"], head.get("Metadata", {}).get(WRITE_ID))
