"""S3 objects as files that Arrow can read at any position.

Reads go through the same boto3 client as writes, so every credential source, endpoint and proxy that
works for one works for the other.
"""

import io
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from genesys_dagster.lake.fetched import Fetched
from genesys_dagster.lake.s3_errors import ABSENT, EMPTY, S3_ERRORS, error_code, storage_error
from genesys_dagster.lake.version import current_version

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

# Holds the footer of a file with hundreds of columns, and small files whole.
TAIL = 256 * 1024
# Longer reads are split: one S3 connection alone does not fill the line.
_PIECE = 8 * 1024 * 1024
_CONCURRENCY = 8


class S3File(io.RawIOBase):
    """An object opened for reading; its last bytes are kept, the rest is fetched by range.

    Attributes:
        uri: Address of the object.
        size: Bytes.
        etag: S3's name for the version that was opened, in quotes.
    """

    def __init__(self, client: "S3Client", bucket: str, key: str, fetched: Fetched | None = None) -> None:
        """Opens the object with one request, which brings its size and its end.

        Args:
            client: A boto3 S3 client.
            bucket: Bucket name.
            key: Object key.
            fetched: What inputs of this process fetched.

        Raises:
            FileNotFoundError: There is no such object.
            StorageError: S3 refused or could not be reached.
        """
        super().__init__()
        self._client = client
        self._bucket = bucket
        self._key = key
        self.uri = f"s3://{bucket}/{key}"
        self._position = 0
        self._fetched = fetched
        self.etag = ""
        self._tail, whole = self._get(f"bytes=-{TAIL}")
        self.size = whole
        self._copy = fetched.copy(f"{self.uri} {self.etag}", whole) if fetched and self.etag else None

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def tell(self) -> int:
        """Returns the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves the position; nothing is requested."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Returns the bytes from the position on: exactly `size` of them, fewer only at the end."""
        end = self.size if size is None or size < 0 else min(self._position + size, self.size)
        data = self._range(self._position, end)
        self._position += len(data)
        return data

    def readall(self) -> bytes:
        """Returns the bytes from the position to the end."""
        return self.read()

    def _range(self, start: int, end: int) -> bytes:
        """Returns the bytes from `start` to before `end`."""
        if start >= end:
            return b""
        kept_from = self.size - len(self._tail)
        if start >= kept_from:
            return self._tail[start - kept_from : end - kept_from]
        return self._copy.read(start, end, self._fetch) if self._copy else self._fetch(start, end)

    def _fetch(self, start: int, end: int) -> bytes:
        cuts = [*range(start, end, _PIECE), end]
        ranges = [f"bytes={first}-{last - 1}" for first, last in itertools.pairwise(cuts)]
        if len(ranges) == 1:
            return self._get(ranges[0])[0]
        with ThreadPoolExecutor(min(len(ranges), 4), thread_name_prefix="s3-read") as pool:
            return b"".join(data for data, _ in pool.map(self._get, ranges))

    def _get(self, byte_range: str) -> tuple[bytes, int]:
        """Fetches a range; returns the bytes and the object's size."""
        # IfMatch: a partition that is replaced while it is read must not give a mixture of both.
        same: dict[str, Any] = {"IfMatch": self.etag} if self.etag else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=byte_range, **same)
            body = answer["Body"].read()
        except S3_ERRORS as error:
            if error_code(error) in ABSENT:
                raise FileNotFoundError(self.uri) from error
            if error_code(error) in EMPTY:
                self.etag = self.etag or self._etag_of_nothing()
                return b"", 0
            raise storage_error(error, bucket=self._bucket, key=self._key) from error
        self.etag = self.etag or answer.get("ETag", "")
        if self._fetched:
            self._fetched.add(len(body))
        # Some stores answer a range that covers the object with the whole of it (RFC 9110, 14.2, allows that).
        _, _, whole = answer.get("ContentRange", "").rpartition("/")
        return body, int(whole or len(body))

    def _etag_of_nothing(self) -> str:
        """An object without bytes has no range to answer with, but a version all the same."""
        found = current_version(self._client, self._bucket, self._key)
        return found.etag if found else ""


def open_objects(
    client: "S3Client", bucket: str, keys: Sequence[str], fetched: Fetched | None = None
) -> Mapping[str, S3File]:
    """Opens objects, several at the same time.

    Args:
        client: A boto3 S3 client.
        bucket: Bucket name.
        keys: Object keys.
        fetched: What inputs of this process fetched.

    Returns:
        The objects that exist, by key, in the order of `keys`.

    Raises:
        StorageError: S3 refused or could not be reached.
    """

    def opened(key: str) -> S3File | None:
        try:
            return S3File(client, bucket, key, fetched)
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(min(_CONCURRENCY, max(1, len(keys))), thread_name_prefix="s3-open") as pool:
        files = pool.map(opened, keys)
        return {key: file for key, file in zip(keys, files, strict=True) if file is not None}
