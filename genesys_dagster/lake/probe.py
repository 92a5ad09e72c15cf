"""Whether a bucket can be written, found out without leaving anything in it."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from genesys_dagster.lake.s3_errors import storage_error

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


def probe_bucket(client: "S3Client", bucket: str, prefix: str) -> None:
    """Start a multipart upload below the prefix, send a part, and abort it: all that a large day needs.

    Raises:
        StorageError: S3 refuses one of the steps; the message names the permission.
    """
    key = f"{prefix.strip('/')}/.probe".lstrip("/")
    try:
        upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        try:
            client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"probe")
        finally:
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    except (ClientError, BotoCoreError) as error:
        raise storage_error(error, bucket=bucket, key=key) from error
