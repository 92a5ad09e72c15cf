"""What every IO manager of the lake is told: where S3 is, which bucket, and what keys begin with."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_aws.s3 import S3Resource
from pydantic import Field, PrivateAttr

from genesys_dagster.environment import BUCKET, DEFAULT_PREFIX, PREFIX
from genesys_dagster.lake.client import lake_client
from genesys_dagster.lake.fetched import Fetched
from genesys_dagster.lake.layout import FILE_NAME, object_key
from genesys_dagster.lake.place import Place, lake_place

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


class LakeDoor(dg.ConfigurableIOManager):
    """An IO manager of the lake."""

    s3: dg.ResourceDependency[S3Resource] = Field(
        repr=False,  # it may hold keys
        description="Where S3 is; left as it is, the normal AWS chain of variables, profiles and roles decides.",
    )
    bucket: str = Field(
        default="", description="Bucket name. If empty, that of the environment variable `bucket_variable`."
    )
    bucket_variable: str = Field(default=BUCKET, description="Environment variable of the bucket.")
    prefix: str | None = Field(
        default=None,
        description=f"What all keys begin with; empty: the bucket's root. If not set, the environment variable {PREFIX}, and "
        f"where that is not set, {DEFAULT_PREFIX!r}.",
    )
    key_prefix: list[str] = Field(
        default_factory=list,
        description="Beginning of asset keys that object keys leave out, because the prefix says it already.",
    )
    upload_options: dict[str, str] = Field(
        default_factory=dict,
        description="More arguments of PutObject and CreateMultipartUpload, such as ServerSideEncryption, SSEKMSKeyId, "
        "StorageClass or ExpectedBucketOwner.",
    )

    _client: Any = PrivateAttr(default=None)
    _fetched: Fetched = PrivateAttr(default_factory=Fetched)

    def place(self) -> Place:
        """Where the lake is.

        Raises:
            StorageError: Bucket or prefix is missing or cannot be one.
        """
        return lake_place(self.bucket, self.prefix, variable=self.bucket_variable)

    @property
    def client(self) -> "S3Client":
        """The S3 client, made once: boto3's clients are slow to make and safe to share.

        Raises:
            StorageError: It cannot be made.
        """
        if self._client is None:
            self._client = lake_client(self.s3, self.upload_options)
        client: S3Client = self._client
        return client

    @property
    def fetched(self) -> Fetched:
        """What inputs of this process fetched."""
        return self._fetched

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - as Dagster calls it
        """Removes what was kept for the run's steps.

        Args:
            context: Dagster's context of the resource.
        """
        self._fetched.close()

    def key_of(
        self, asset: Sequence[str], partition: Mapping[str, str] | None = None, file: str = FILE_NAME
    ) -> str:
        """The key of an asset's object, as `object_key`."""
        leading = len(self.key_prefix)
        path = list(asset)[leading:] if list(asset)[:leading] == self.key_prefix else list(asset)
        return object_key(self.place().prefix, path, partition, file)
