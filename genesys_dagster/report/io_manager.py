"""Pages on S3: each asset's is one object, `{prefix}/{asset key}/report.html`."""

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg

from genesys_dagster.lake.door import LakeDoor
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.s3_errors import S3_ERRORS, storage_error

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

FILE_NAME = "report.html"


class S3PageIOManager(LakeDoor):
    """Stores an asset's HTML as one object that appears or is replaced in one step.

    The output is the text of the page. The materialization gets `dagster/uri`, `bytes_written` and `page`, an address
    to open in a browser: the object itself, or on AWS its place in the console, which asks for a login.

    Example:
        resources={"s3_page_io_manager": S3PageIOManager(s3=S3Resource(), bucket="lake")}
    """

    def handle_output(self, context: dg.OutputContext, obj: str) -> None:
        """Writes a page.

        Raises:
            dagster.Failure: It cannot be written; the message says what to change.
        """
        body = obj.encode()
        client, bucket, key = self._opened(context)
        try:
            client.put_object(
                **{
                    "Bucket": bucket,
                    "Key": key,
                    "Body": body,
                    "ContentType": "text/html; charset=utf-8",
                    **self.upload_options,
                }
            )
        except S3_ERRORS as error:
            raise _failure(storage_error(error, bucket=bucket, key=key)) from None
        context.add_output_metadata(
            {
                "dagster/uri": f"s3://{bucket}/{key}",
                "bytes_written": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "page": dg.MetadataValue.url(_address(client, bucket, key)),
            }
        )

    def load_input(self, context: dg.InputContext) -> str:
        """Reads a page.

        Raises:
            dagster.Failure: It cannot be read; the message says what to change.
        """
        client, bucket, key = self._opened(context)
        try:
            body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except S3_ERRORS as error:
            raise _failure(storage_error(error, bucket=bucket, key=key)) from None
        return body.decode()

    def _opened(self, context: dg.OutputContext | dg.InputContext) -> tuple[Any, str, str]:
        """Returns client, bucket and key."""
        try:
            return self.client, self.place().bucket, self.key_of(context.asset_key.path, file=FILE_NAME)
        except LakeError as error:
            raise _failure(error) from None


def _failure(error: LakeError) -> dg.Failure:
    return dg.Failure(description=str(error), allow_retries=not error.permanent)


def _address(client: "S3Client", bucket: str, key: str) -> str:
    """Where a browser finds the object. Never a signed address: it would let everyone in who reads the metadata."""
    endpoint = client.meta.endpoint_url
    if ".amazonaws.com" in endpoint:
        region = client.meta.region_name
        return f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={quote(key, safe='')}"
    return f"{endpoint}/{bucket}/{quote(key)}"
