"""Where the lake is: bucket and prefix, as the environment or a field says. Read and checked here only."""

import os
import re
from dataclasses import dataclass

from genesys_dagster.lake.errors import StorageError

BUCKET_VARIABLE = "GENESYS_S3_BUCKET"
PREFIX_VARIABLE = "GENESYS_S3_PREFIX"
DEFAULT_PREFIX = "genesys"

# What botocore lets through (handlers.VALID_BUCKET): the names of every S3, not only Amazon's. Access points are ARNs.
_BUCKET = re.compile(r"[A-Za-z0-9._\-]{1,255}|arn:(aws|aws-[a-z-]+):s3[a-z-]*:\S+")
# `.` and `..` are resolved away on the way to the store, so that key and signature would differ.
_SEGMENT = re.compile(r"(?!\.{1,2}$)[^/\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in S3.

    Attributes:
        bucket: Name of the bucket.
        prefix: What all keys begin with, without slashes at its ends; empty: the bucket's root.
    """

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """Its address, without a slash at the end."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def lake_place(bucket: str = "", prefix: str | None = None) -> Place:
    """Returns where the lake is.

    Args:
        bucket: Name of the bucket; empty: that of the environment variable GENESYS_S3_BUCKET.
        prefix: What all keys begin with; None: the environment variable GENESYS_S3_PREFIX, and where that is not
            set, `genesys`. Empty, here or there, is the bucket's root.

    Raises:
        StorageError: Bucket or prefix is missing or cannot be one; permanent, the message names the variable.
    """
    return Place(lake_bucket(bucket), lake_prefix(prefix))


def lake_bucket(bucket: str = "") -> str:
    """Returns the bucket's name, as `lake_place`."""
    name = bucket or os.environ.get(BUCKET_VARIABLE, "")
    if not name:
        raise _refused(
            f"No bucket is set: set the environment variable {BUCKET_VARIABLE} (or the IO manager's `bucket`) to the "
            "name of the S3 bucket to write to and read from"
        )
    if _BUCKET.fullmatch(name):
        return name
    problem = f"{'`bucket`' if bucket else BUCKET_VARIABLE}={name!r} is not the name of a bucket"
    address = re.fullmatch(r"s3[an]?://([A-Za-z0-9._\-]+)/*(.*?)/*", name)
    if not address:
        raise _refused(f"{problem}: write the name alone, such as my-lake")
    rest = f", and {address[2]} into {PREFIX_VARIABLE}" if address[2] else ""
    raise _refused(f"{problem}: write the name alone, {address[1]}{rest}")


def lake_prefix(prefix: str | None = None) -> str:
    """Returns the prefix without slashes at its ends, as `lake_place`."""
    text = os.environ.get(PREFIX_VARIABLE, DEFAULT_PREFIX) if prefix is None else prefix
    bare = text.strip("/")
    if not bare or ("://" not in text and all(map(_SEGMENT.fullmatch, bare.split("/")))):
        return bare
    name = PREFIX_VARIABLE if prefix is None else "`prefix`"
    raise _refused(
        f"{name}={text!r} cannot begin keys: write folders without s3:// and the bucket, such as genesys or "
        "raw/genesys, or leave it empty for the bucket's root"
    )


def _refused(text: str) -> StorageError:
    return StorageError(f"{text}.", permanent=True)
