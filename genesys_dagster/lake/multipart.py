"""One object, written while its bytes are made: it appears whole or not at all.

Parts go up from a few threads while the next bytes are made. Completing the upload is the commit;
before it, readers see the old object, and after an error or an interrupt nothing is left behind.
Every call to S3 is made on a worker thread: an interrupt strikes the main thread only, so it can
never fall between S3's answer and the note of it.
"""

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from genesys_dagster.lake.client import options_for
from genesys_dagster.lake.commit import Commit, Expected, Sent
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.parts import DEFAULT_PART_SIZE, MAX_PARTS, PartBuffer, part_size
from genesys_dagster.lake.s3_errors import S3_ERRORS, UNKNOWN_UPLOAD, error_code, storage_error
from genesys_dagster.lake.s3_unanswered import is_silence
from genesys_dagster.lake.version import WRITE_ID

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

logger = logging.getLogger(__name__)

T = TypeVar("T")

# On top of botocore's own retries: an upload that cannot be aborted costs money until someone finds it.
_ABORT_PAUSES: Sequence[float] = (0.5, 2.0, 5.0)


@dataclass(frozen=True)
class UploadedObject:
    """An object that is now in the bucket.

    Attributes:
        size: Bytes.
        parts: Multipart parts; 0 for an object that was small enough for one PutObject.
        sha256: Hexadecimal digest of the bytes.
        proven: Its ETag, if digests that the store named prove every byte of it; else None.
    """

    size: int
    parts: int
    sha256: str
    proven: str | None = None


class MultipartUpload:
    """Bytes in, one object out.

    At most `max_in_flight` parts are being sent and one is being gathered; `write` waits for room.
    Content that fits in one part is a single PutObject. Leave the `with` block without `commit`
    and the upload is aborted.

    Uploads whose process is killed (SIGKILL, power) stay incomplete in the bucket; a lifecycle rule
    `AbortIncompleteMultipartUpload` removes them (Amazon S3 User Guide, "Configuring a bucket
    lifecycle configuration to delete incomplete multipart uploads").

    Example:
        with MultipartUpload(client, "lake", "day.parquet") as upload:
            for chunk in chunks:
                upload.write(chunk)
            written = upload.commit()
    """

    def __init__(  # noqa: PLR0913 - one keyword each
        self,
        client: "S3Client",
        bucket: str,
        key: str,
        *,
        smallest_part: int = DEFAULT_PART_SIZE,
        max_in_flight: int = 3,
        options: Mapping[str, Any] | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Prepares an upload; nothing is sent yet.

        Args:
            client: A boto3 S3 client; its retry settings apply to each request.
            bucket: Bucket name.
            key: Object key.
            smallest_part: Size of the first parts in bytes; later ones grow.
            max_in_flight: Parts being sent at the same time.
            options: More arguments of PutObject and CreateMultipartUpload, such as
                `ServerSideEncryption`.
            sleep: Pauses between attempts to abort.
        """
        self._client = client
        self._bucket = bucket
        self._key = key
        self._smallest_part = smallest_part
        self._options = dict(options or {})
        self._sleep = sleep
        self._digest = hashlib.sha256()
        self._buffer = PartBuffer()
        self._size = self._sent = 0
        self._write_id = uuid.uuid4().hex
        self._upload_id: str | None = None
        self._parts: list[Future[Sent]] = []
        self._slots = threading.Semaphore(max_in_flight)
        self._workers = ThreadPoolExecutor(max_in_flight, thread_name_prefix="s3-part")
        self._failure: StorageError | None = None
        self._state: Literal["open", "committed", "closed"] = "open"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread of its own: it finishes even if a second interrupt ends the wait for it.
        ended = threading.Event()
        threading.Thread(target=self._close, args=(error, ended), name="s3-abort").start()
        # Not join(): interrupted, it takes a thread that runs for one that has ended (Python 3.11,
        # Thread._wait_for_tstate_lock), and the interpreter would exit without waiting for it.
        ended.wait()

    def write(self, data: "bytes | bytearray | memoryview") -> int:
        """Takes bytes; waits while as many parts as allowed are being sent.

        Args:
            data: Any number of bytes.

        Returns:
            How many bytes were taken: all of them.

        Raises:
            StorageError: S3 refused a part. Nothing more can be written.
        """
        if self._state != "open":
            raise ValueError("The upload is closed.")
        piece = memoryview(data if isinstance(data, bytes) else bytes(data))
        self._digest.update(piece)
        self._size += len(piece)
        self._buffer.append(piece)
        # Strictly more than a part: what is left is the last part and never empty, and content of
        # exactly one part is still one PutObject.
        while self._buffer.size > (size := part_size(len(self._parts) + 1, self._smallest_part)):
            self._send_part(self._buffer.take(size))
        return len(piece)

    def commit(self, expected: Expected | None = None) -> UploadedObject:
        """Makes the object appear, replacing an older one in one step.

        Args:
            expected: Which version it replaces; None for whatever lies there.

        Returns:
            What was written.

        Raises:
            OvertakenError: Another version lies there than was expected.
            StorageError: S3 refused, and the old object is untouched; or the store did not keep what was sent.
        """
        if self._state != "open":
            raise ValueError("The upload is closed.")
        commit = Commit(self._client, self._bucket, self._key, self._write_id, expected)
        rest = self._buffer.take(self._buffer.size)
        if self._upload_id is None:
            proven = self._on_worker(lambda: self._put(commit, rest))
        else:
            self._send_part(rest)
            sent = [part.result() for part in self._parts]
            proven = self._on_worker(lambda: self._complete(commit, sent))
        return UploadedObject(
            size=self._size, parts=len(self._parts), sha256=self._digest.hexdigest(), proven=proven
        )

    def _on_worker(self, call: Callable[[], T]) -> T:
        """Runs a call to S3 on a worker thread and waits for it."""
        return self._workers.submit(call).result()

    def _send_part(self, body: bytes) -> None:
        """Starts sending one part, once there is room in flight."""
        if self._upload_id is None:
            self._on_worker(self._create)
        number = len(self._parts) + 1
        if number > MAX_PARTS:
            raise StorageError(
                f"s3://{self._bucket}/{self._key} would need more than {MAX_PARTS} parts: raise part_size.",
                permanent=True,
            )
        self._slots.acquire()
        if self._failure:
            raise self._failure
        self._parts.append(self._workers.submit(self._upload_part, number, self._sent, body))
        self._sent += len(body)

    def _create(self) -> None:
        try:
            answer = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._key, **self._with_write_id()
            )
        except S3_ERRORS as error:
            raise self._translated(error) from error
        self._upload_id = answer["UploadId"]

    def _upload_part(self, number: int, start: int, body: bytes) -> Sent:
        """Sends one part, which begins at a byte of the object."""
        try:
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=str(self._upload_id),
                PartNumber=number,
                Body=body,
                **options_for("UploadPart", self._options),
            )
        except S3_ERRORS as error:
            self._failure = self._translated(error)
            raise self._failure from error
        finally:
            self._slots.release()
        return Sent.of(start, body, answer["ETag"])

    def _put(self, commit: Commit, body: bytes) -> str | None:
        arguments = {"Bucket": self._bucket, "Key": self._key, "Body": body, **self._with_write_id()}
        answer = commit.send(lambda **condition: self._client.put_object(**arguments, **condition))
        self._state = "committed"
        return commit.verify(self._size, [Sent.of(0, body, answer.get("ETag", ""))])

    def _complete(self, commit: Commit, sent: Sequence[Sent]) -> str | None:
        parts = [{"PartNumber": number, "ETag": part.etag} for number, part in enumerate(sent, 1)]
        # An error in a body with status 200 is raised as well (botocore handlers, check_for_200_error).
        commit.send(
            lambda **condition: self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=str(self._upload_id),
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
                **options_for("CompleteMultipartUpload", self._options),
                **condition,
            )
        )
        self._state = "committed"
        return commit.verify(self._size, sent)

    def _close(self, error: BaseException | None, ended: threading.Event) -> None:
        """Ends the threads and aborts what was not committed."""
        try:
            self._end(error)
        finally:
            ended.set()

    def _end(self, error: BaseException | None) -> None:
        # Parts in flight end first: one that arrives after the abort would stay in the bucket
        # (Amazon S3 API Reference, "AbortMultipartUpload").
        self._workers.shutdown(wait=True, cancel_futures=True)
        if self._state == "open":
            self._state = "closed"
            if self._upload_id is not None:
                self._abort(self._upload_id, error)

    def _abort(self, upload_id: str, cause: BaseException | None) -> None:
        """Removes the upload and its parts; tries several times."""
        for pause in (*_ABORT_PAUSES, None):
            try:
                self._client.abort_multipart_upload(
                    Bucket=self._bucket,
                    Key=self._key,
                    UploadId=upload_id,
                    **options_for("AbortMultipartUpload", self._options),
                )
            except S3_ERRORS as error:
                if error_code(error) in UNKNOWN_UPLOAD:
                    return
                failure = self._translated(error)
                if pause is not None and not failure.permanent and not is_silence(error):
                    self._sleep(pause)
                    continue
                self._report_orphan(upload_id, failure, cause)
            return

    def _report_orphan(self, upload_id: str, failure: StorageError, cause: BaseException | None) -> None:
        text = (
            f"The multipart upload {upload_id} of s3://{self._bucket}/{self._key} could not be aborted and costs "
            f"storage until it is: aws s3api abort-multipart-upload --bucket {self._bucket} --key {self._key} "
            f"--upload-id {upload_id}. {failure}"
        )
        logger.warning(text)
        if cause is not None:
            cause.add_note(text)

    def _with_write_id(self) -> dict[str, Any]:
        """Returns the extra arguments with this write's mark."""
        metadata = {**self._options.get("Metadata", {}), WRITE_ID: self._write_id}
        return {"ContentType": "application/vnd.apache.parquet", **self._options, "Metadata": metadata}

    def _translated(self, error: Exception) -> StorageError:
        return storage_error(error, bucket=self._bucket, key=self._key)
