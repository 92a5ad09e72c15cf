"""What lies in the lake, by listing: a thousand objects a request, none of them opened."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from genesys_dagster.lake.s3_errors import S3_ERRORS, storage_error

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


class Listed(NamedTuple):
    """An object as a listing has it.

    Attributes:
        key: Its key.
        size: Bytes.
        etag: S3's name for the version, in quotes.
        modified: When it was written, in UTC.
    """

    key: str
    size: int
    etag: str
    modified: datetime


def listed(client: "S3Client", bucket: str, folder: str) -> Iterator[Listed]:
    """Yields all objects below a folder.

    Args:
        client: A boto3 S3 client.
        bucket: Bucket name.
        folder: What their keys begin with, without the slash at its end.

    Raises:
        StorageError: S3 refused or could not be reached.
    """
    prefix = f"{folder}/"
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                yield Listed(found["Key"], found["Size"], found["ETag"], found["LastModified"])
    except S3_ERRORS as error:
        raise storage_error(error, bucket=bucket, key=prefix) from error
