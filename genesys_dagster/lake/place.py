"""Where the lake is: bucket and prefix, as a field or the environment says. Checked here only."""

import re
from dataclasses import dataclass

from genesys_dagster import environment
from genesys_dagster.environment import BUCKET, PREFIX
from genesys_dagster.lake.errors import StorageError

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


def lake_place(bucket: str = "", prefix: str | None = None, *, variable: str = BUCKET) -> Place:
    """Returns where the lake is.

    Args:
        bucket: Name of the bucket; empty: that of an environment variable.
        prefix: What all keys begin with; None: the environment variable GENESYS_S3_PREFIX, and where that is not
            set, `genesys`. Empty, here or there, is the bucket's root.
        variable: Of the bucket.

    Raises:
        StorageError: Bucket or prefix is missing or cannot be one; permanent, the message names the variable.
    """
    return Place(_bucket(bucket, variable), _prefix(prefix))


def _bucket(bucket: str, variable: str) -> str:
    name = bucket or environment.variable(variable)
    if not name:
        raise _refused(
            f"No bucket is set: set the environment variable {variable} (or the IO manager's `bucket`) to the "
            "name of the S3 bucket to write to and read from"
        )
    if _BUCKET.fullmatch(name):
        return name
    problem = f"{'`bucket`' if bucket else variable}={name!r} is not the name of a bucket"
    address = re.fullmatch(r"s3[an]?://([A-Za-z0-9._\-]+)/*(.*?)/*", name)
    if not address:
        raise _refused(f"{problem}: write the name alone, such as my-lake")
    rest = f", and {address[2]} into {PREFIX}" if address[2] else ""
    raise _refused(f"{problem}: write the name alone, {address[1]}{rest}")


def _prefix(prefix: str | None) -> str:
    text = environment.prefix() if prefix is None else prefix
    bare = text.strip("/")
    if not bare or ("://" not in text and all(map(_SEGMENT.fullmatch, bare.split("/")))):
        return bare
    name = PREFIX if prefix is None else "`prefix`"
    raise _refused(
        f"{name}={text!r} cannot begin keys: write folders without s3:// and the bucket, such as genesys or "
        "raw/genesys, or leave it empty for the bucket's root"
    )


def _refused(text: str) -> StorageError:
    return StorageError(f"{text}.", permanent=True)
