"""Pages on S3: each asset's is one object, `{prefix}/{asset key}/report.html`."""

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg
from dagster_aws.s3 import S3Resource
from pydantic import Field

from genesys_dagster.lake.client import lake_client
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.place import (
    BUCKET_VARIABLE,
    DEFAULT_PREFIX,
    PREFIX_VARIABLE,
    Place,
    lake_place,
)
from genesys_dagster.lake.s3_errors import S3_ERRORS, storage_error

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
        description=f"What all keys begin with; empty: the bucket's root. If not set, {PREFIX_VARIABLE}, and where that "
        f"is not set, {DEFAULT_PREFIX!r}.",
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
            client, place = lake_client(self.s3), lake_place(self.bucket, self.prefix)
        except LakeError as error:
            raise _failure(error) from None
        return client, place.bucket, _key(place, context)


def _key(place: Place, context: dg.OutputContext | dg.InputContext) -> str:
    return "/".join(part for part in (place.prefix, *context.asset_key.path, FILE_NAME) if part)


def _failure(error: LakeError) -> dg.Failure:
    return dg.Failure(description=str(error), allow_retries=not error.permanent)


def _address(client: "S3Client", bucket: str, key: str) -> str:
    """Where a browser finds the object. Never a signed address: it would let everyone in who reads the metadata."""
    endpoint = client.meta.endpoint_url
    if ".amazonaws.com" in endpoint:
        region = client.meta.region_name
        return f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={quote(key, safe='')}"
    return f"{endpoint}/{bucket}/{quote(key)}"
