"""Pages on S3: each asset's is one object, `{prefix}/{asset key}/report.html`."""

import hashlib
import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError
from dagster_aws.s3 import S3Resource
from pydantic import Field

from genesys_dagster.lake.errors import LakeError, StorageError
from genesys_dagster.lake.io_manager import BUCKET_VARIABLE, DEFAULT_PREFIX, PREFIX_VARIABLE
from genesys_dagster.lake.s3_errors import storage_error

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

FILE_NAME = "report.html"


class S3PageIOManager(dg.ConfigurableIOManager):
    """Stores an asset's HTML as one object that appears or is replaced in one step.

    The output is the text of the page. The materialization gets `dagster/uri`, `bytes_written` and `page`, an address
    to open in a browser: the object itself, or on AWS its place in the console, which asks for a login.

    Example:
        resources={"s3_page_io_manager": S3PageIOManager(s3=S3Resource(), bucket="lake")}
    """

    s3: dg.ResourceDependency[S3Resource] = Field(
        repr=False,  # it may hold keys
        description="Where S3 is; left as it is, the normal AWS chain of variables, profiles and roles decides.",
    )
    bucket: str = Field(
        default="", description=f"Bucket name. If empty, the environment variable {BUCKET_VARIABLE}."
    )
    prefix: str | None = Field(
        default=None,
        description=f"What all keys begin with. If not set, {PREFIX_VARIABLE}, else {DEFAULT_PREFIX!r}.",
    )
    upload_options: dict[str, str] = Field(
        default_factory=dict,
        description="More arguments of PutObject, such as ServerSideEncryption or SSEKMSKeyId.",
    )

    def handle_output(self, context: dg.OutputContext, obj: str) -> None:
        """Writes a page.

        Raises:
            dagster.Failure: It cannot be written; the message says what to change.
        """
        body = obj.encode()
        bucket, key = self._bucket(), self._key(context)
        client = self.s3.get_client()
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
        except (ClientError, BotoCoreError, OSError) as error:
            raise _failure(storage_error(error, bucket=bucket, key=key)) from error
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
        bucket, key = self._bucket(), self._key(context)
        try:
            body: bytes = self.s3.get_client().get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError, OSError) as error:
            raise _failure(storage_error(error, bucket=bucket, key=key)) from error
        return body.decode()

    def _key(self, context: dg.OutputContext | dg.InputContext) -> str:
        prefix = self.prefix if self.prefix is not None else os.environ.get(PREFIX_VARIABLE, DEFAULT_PREFIX)
        return "/".join(part for part in (prefix.strip("/"), *context.asset_key.path, FILE_NAME) if part)

    def _bucket(self) -> str:
        bucket = self.bucket or os.environ.get(BUCKET_VARIABLE, "")
        if not bucket:
            raise _failure(
                StorageError(
                    f"No bucket is set: set the environment variable {BUCKET_VARIABLE} to the name of the S3 bucket.",
                    permanent=True,
                )
            )
        return bucket


def _failure(error: LakeError) -> dg.Failure:
    return dg.Failure(description=str(error), allow_retries=not error.permanent)


def _address(client: "S3Client", bucket: str, key: str) -> str:
    """Where a browser finds the object. Never a signed address: it would let everyone in who reads the metadata."""
    endpoint = client.meta.endpoint_url
    if ".amazonaws.com" in endpoint:
        region = client.meta.region_name
        return f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={quote(key, safe='')}"
    return f"{endpoint}/{bucket}/{quote(key)}"
