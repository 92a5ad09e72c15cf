"""Uploads that nobody will finish: found and aborted, so that their parts stop costing money.

An upload is aborted when its write fails; only a process that is killed outright leaves one behind. S3 keeps the
parts, invisibly and for pay, until somebody aborts it (Amazon S3 User Guide, "Aborting a multipart upload").
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from genesys_dagster.lake.layout import FILE_NAME
from genesys_dagster.lake.s3_errors import S3_ERRORS, UNKNOWN_UPLOAD, error_code, storage_error

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

# Longer than any run takes: an upload that is still being written must not be aborted.
STALE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StaleUpload:
    """A multipart upload that was begun long ago.

    Attributes:
        key: Key of the object that it would have become.
        upload_id: S3's name for it.
        begun: When it was begun, in UTC.
    """

    key: str
    upload_id: str
    begun: datetime


def stale_uploads(
    client: "S3Client", bucket: str, prefix: str, *, now: datetime, stale_after: timedelta = STALE_AFTER
) -> Iterator[StaleUpload]:
    """Yields the unfinished uploads of the lake's own objects that were begun too long ago to be still going on.

    Args:
        client: A boto3 S3 client.
        bucket: Bucket name.
        prefix: What the lake's keys begin with; uploads elsewhere belong to others.
        now: The current instant, aware.
        stale_after: Age from which an upload counts as left behind.

    Raises:
        StorageError: S3 refused or could not be reached.
    """
    folder = f"{prefix.strip('/')}/".lstrip("/")
    try:
        for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=folder):
            for upload in page.get("Uploads", []):
                key, upload_id, begun = upload["Key"], upload["UploadId"], upload["Initiated"]
                if key.rpartition("/")[2] == FILE_NAME and now - begun > stale_after:
                    yield StaleUpload(key, upload_id, begun)
    except S3_ERRORS as error:
        raise storage_error(error, bucket=bucket, key=folder) from error


def abort(client: "S3Client", bucket: str, upload: StaleUpload) -> bool:
    """Aborts an upload and frees its parts.

    Returns:
        False if it was gone already, finished or aborted by somebody else.

    Raises:
        StorageError: S3 refused or could not be reached.
    """
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=upload.key, UploadId=upload.upload_id)
    except S3_ERRORS as error:
        if error_code(error) in UNKNOWN_UPLOAD:
            return False
        raise storage_error(error, bucket=bucket, key=upload.key) from error
    return True
