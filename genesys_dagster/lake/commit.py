"""The moment in which an object becomes visible: by one Put or one Complete, in the place of the version expected.

The condition goes with the request (`If-Match`, `If-None-Match`; Amazon S3 User Guide, "Add preconditions to S3
operations with conditional requests"), so that of two writers one wins and the other learns of it. A store that does
not know conditions is asked just before what lies there.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from genesys_dagster.lake.errors import OvertakenError, StorageError
from genesys_dagster.lake.s3_errors import (
    PRECONDITION,
    S3_ERRORS,
    error_code,
    refuses_conditions,
    storage_error,
)
from genesys_dagster.lake.version import Version, current_version

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

logger = logging.getLogger(__name__)

_MANGLED = (
    "s3://{bucket}/{key} does not hold the bytes that were sent: {what}. The store does not understand how they are sent "
    "(often the checksums of boto3 1.36 and newer): set AWS_REQUEST_CHECKSUM_CALCULATION=when_required and "
    "AWS_RESPONSE_CHECKSUM_VALIDATION=when_required, and materialize again."
)
# Clients of stores whose ETags are no MD5 (SSE-KMS, some others), after the first object was read back and was right;
# and clients of stores whose ETags are, so that another one is always a reason to look.
_others: "WeakSet[Any]" = WeakSet()
_digests: "WeakSet[Any]" = WeakSet()


@dataclass(frozen=True, slots=True)
class Expected:
    """What must lie under the key when an object takes its place.

    Attributes:
        etag: The version's; None if there must be no object.
    """

    etag: str | None

    @classmethod
    def of(cls, version: Version | None) -> "Expected":
        """The condition that a version is still the current one; None: that there still is none."""
        return cls(version.etag if version else None)

    def conditions(self) -> dict[str, str]:
        """The condition as arguments of PutObject and CompleteMultipartUpload."""
        if self.etag is None:
            return {"IfNoneMatch": "*"}
        return {"IfMatch": self.etag} if self.etag else {}


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes that S3 took: a part, or a whole object.

    Attributes:
        start: Where they begin in the object.
        size: How many they are.
        md5: Their digest.
        etag: What S3 called them; most stores use the MD5.
    """

    start: int
    size: int
    md5: str
    etag: str

    @classmethod
    def of(cls, start: int, body: bytes, etag: str) -> "Sent":
        """Describe a body that was sent."""
        return cls(start, len(body), hashlib.md5(body, usedforsecurity=False).hexdigest(), etag)

    @property
    def is_proven(self) -> bool:
        """Whether the store named the same digest."""
        return self.etag.strip('"') == self.md5


class Commit:
    """Makes one object visible and proves it.

    Args:
        client: A boto3 S3 client.
        bucket: Bucket name.
        key: Object key.
        write_id: The mark that the object carries.
        expected: What it replaces; None for whatever lies there.
    """

    def __init__(
        self, client: "S3Client", bucket: str, key: str, write_id: str, expected: Expected | None
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._write_id = write_id
        self._expected = expected

    def send(self, request: Callable[..., Mapping[str, Any]]) -> Mapping[str, Any]:
        """Send the request that makes the object visible, with its condition.

        Args:
            request: Takes the condition's arguments.

        Returns:
            The answer; an empty one if it was lost, but the object is there.

        Raises:
            OvertakenError: Another version lies there than was expected.
            StorageError: S3 refused; the old object is untouched.
        """
        conditions = self._expected.conditions() if self._expected else {}
        self._require_expected()
        try:
            return request(**conditions)
        except S3_ERRORS as error:
            # The answer may have been lost, or botocore repeated a request that had succeeded.
            if self._is_there():
                return {}
            if error_code(error) in PRECONDITION:
                raise self._overtaken() from error
            if not (conditions and refuses_conditions(error)):
                raise self._translated(error) from error
        logger.warning(
            "The store takes no conditional writes: s3://%s/%s is written without.", self._bucket, self._key
        )
        return self._send_plainly(request)

    def verify(self, size: int, sent: Sequence[Sent]) -> str | None:
        """Compare what lies there now with what was sent.

        Returns:
            The ETag of what lies there, if the store's digests of all that was sent prove it; else None.

        Raises:
            StorageError: It is something else.
        """
        try:
            head = current_version(self._client, self._bucket, self._key)
            # Another writer may have replaced the object in between; what lies there says nothing about ours.
            if head is None or (head.write_id or self._write_id) != self._write_id:
                return None
            if head.size != size:
                raise self._mangled(f"it has {head.size} bytes, not {size}")
            self._verify_bytes(sent)
        except StorageError as error:
            if error.mangled:
                raise
            logger.warning("The object was not verified: %s", error)
            return None
        is_ours = head.write_id == self._write_id and all(part.is_proven for part in sent)
        return head.etag or None if is_ours else None

    def _verify_bytes(self, sent: Sequence[Sent]) -> None:
        """Read back what the store's own digest does not prove; once, if its digests turn out to be others."""
        unproven = next((part for part in sent if not part.is_proven), None)
        if any(part.is_proven for part in sent):
            _digests.add(self._client)
        if unproven is None or not unproven.size:
            return
        if self._client in _others and self._client not in _digests:
            return
        until = unproven.start + unproven.size - 1
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._key, Range=f"bytes={unproven.start}-{until}"
            )
            digest = hashlib.md5(answer["Body"].read(), usedforsecurity=False).hexdigest()
        except S3_ERRORS as error:
            raise self._translated(error) from error
        if digest != unproven.md5:
            raise self._mangled(f"its bytes from {unproven.start:,} to {until:,} are others")
        _others.add(self._client)

    def _require_expected(self) -> None:
        if self._expected is None:
            return
        if Expected.of(current_version(self._client, self._bucket, self._key)) != self._expected:
            raise self._overtaken()

    def _send_plainly(self, request: Callable[..., Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return request()
        except S3_ERRORS as error:
            if self._is_there():
                return {}
            raise self._translated(error) from error

    def _is_there(self) -> bool:
        """Whether the object under the key is the one of this write."""
        try:
            head = current_version(self._client, self._bucket, self._key)
        except StorageError:
            return False
        return head is not None and head.write_id == self._write_id

    def _overtaken(self) -> OvertakenError:
        return OvertakenError(
            f"s3://{self._bucket}/{self._key} was replaced by another run while this one was under way: nothing was "
            "written. Run again, so that the newer version is the one compared with."
        )

    def _mangled(self, what: str) -> StorageError:
        error = StorageError(_MANGLED.format(bucket=self._bucket, key=self._key, what=what), permanent=False)
        error.mangled = True
        return error

    def _translated(self, error: Exception) -> StorageError:
        return storage_error(error, bucket=self._bucket, key=self._key)
