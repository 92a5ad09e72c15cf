"""S3 in memory, with the methods of boto3's client that the lake uses; it honours conditional writes."""

import hashlib
import io
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class Stored:
    body: bytes
    etag: str
    metadata: dict[str, str]
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class _Upload:
    key: str
    metadata: dict[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


class _Events:
    def register(self, *_: object, **__: object) -> None:
        """Nothing is sent, so nobody has to be told."""

    register_first = register_last = unregister = register


class _Meta:
    events = _Events()
    endpoint_url = "http://memory"
    region_name = "us-east-1"
    config = None


class MemoryS3:
    """One bucket in memory.

    Attributes:
        objects: What is stored, by key.
        pending: Multipart uploads, by id.
        before: Called with the name of each call and its arguments before it is carried out; may raise.
    """

    meta = _Meta()

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.pending: dict[str, _Upload] = {}
        self.before: Callable[[str, dict[str, Any]], None] | None = None
        self.after: Callable[[str, dict[str, Any]], None] | None = None
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        carry_out = type(self).__dict__.get(f"_{name}")
        if carry_out is None:
            raise AttributeError(name)

        def call(**arguments: Any) -> dict[str, Any]:
            if self.before:
                self.before(name, arguments)
            with self._lock:
                answer = carry_out(self, **arguments)
            if self.after:
                self.after(name, arguments)
            return {
                "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RequestId": "r"},
                **answer,
            }

        return call

    def copy(self) -> "MemoryS3":
        other = MemoryS3()
        other.objects = dict(self.objects)
        return other

    def _get_object(self, Key: str, Range: str | None = None, **more: Any) -> dict[str, Any]:  # noqa: N803
        stored = self._found(Key, "GetObject")
        _check(stored, more, "GetObject")
        body, said = stored.body, {}
        if Range is not None:
            if not body:
                raise failure("InvalidRange", 416, "GetObject")
            start, end = _bounds(Range, len(body))
            said = {"ContentRange": f"bytes {start}-{end - 1}/{len(body)}"}
            body = body[start:end]
        return {"Body": io.BytesIO(body), "ContentLength": len(body), **_facts(stored), **said}

    def _head_object(self, Key: str, **more: Any) -> dict[str, Any]:  # noqa: N803
        stored = self._found(Key, "HeadObject", code="404")
        _check(stored, more, "HeadObject", code="412")
        return {"ContentLength": len(stored.body), **_facts(stored)}

    def _put_object(self, Key: str, Body: Any = b"", **more: Any) -> dict[str, Any]:  # noqa: N803
        _check(self.objects.get(Key), more, "PutObject")
        body = bytes(Body if isinstance(Body, (bytes, bytearray, memoryview)) else Body.read())
        return self._store(Key, body, more.get("Metadata", {}), f'"{hashlib.md5(body).hexdigest()}"', body)

    def _create_multipart_upload(self, Key: str, **more: Any) -> dict[str, Any]:  # noqa: N803
        name = f"upload-{next(self._numbers)}"
        self.pending[name] = _Upload(Key, dict(more.get("Metadata", {})))
        return {"UploadId": name, "Key": Key}

    def _upload_part(self, UploadId: str, PartNumber: int, Body: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._upload(UploadId, "UploadPart").parts[PartNumber] = bytes(Body)
        return {"ETag": f'"{hashlib.md5(bytes(Body)).hexdigest()}"'}

    def _complete_multipart_upload(self, UploadId: str, MultipartUpload: Any, **more: Any) -> dict[str, Any]:  # noqa: N803
        upload = self._upload(UploadId, "CompleteMultipartUpload")
        _check(self.objects.get(upload.key), more, "CompleteMultipartUpload")
        body = b"".join(upload.parts[part["PartNumber"]] for part in MultipartUpload["Parts"])
        del self.pending[UploadId]
        etag = f'"{hashlib.md5(body).hexdigest()}-{len(MultipartUpload["Parts"])}"'
        return self._store(upload.key, body, upload.metadata, etag, body)

    def _abort_multipart_upload(self, UploadId: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._upload(UploadId, "AbortMultipartUpload")
        del self.pending[UploadId]
        return {}

    def _list_multipart_uploads(self, **_: Any) -> dict[str, Any]:
        return {"Uploads": [{"UploadId": name, "Key": upload.key} for name, upload in self.pending.items()]}

    def _list_objects_v2(self, Prefix: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        return {
            "Contents": [{"Key": key, "Size": len(self.objects[key].body)} for key in keys],
            "KeyCount": len(keys),
        }

    def _delete_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.objects.pop(Key, None)
        return {}

    def _store(self, key: str, body: bytes, metadata: Any, etag: str, _: bytes) -> dict[str, Any]:
        self.objects[key] = Stored(body, etag, dict(metadata))
        return {"ETag": etag, "Key": key}

    def _found(self, key: str, call: str, code: str = "NoSuchKey") -> Stored:
        if key not in self.objects:
            raise failure(code, 404, call)
        return self.objects[key]

    def _upload(self, name: str, call: str) -> _Upload:
        if name not in self.pending:
            raise failure("NoSuchUpload", 404, call)
        return self.pending[name]


def failure(code: str, status: int, call: str) -> ClientError:
    said = {
        "Error": {"Code": code, "Message": "made up"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r"},
    }
    return ClientError(said, call)  # type: ignore[arg-type]


def _check(
    stored: Stored | None, conditions: dict[str, Any], call: str, code: str = "PreconditionFailed"
) -> None:
    wanted, unwanted = conditions.get("IfMatch"), conditions.get("IfNoneMatch")
    if wanted is not None and stored is None and call not in {"GetObject", "HeadObject"}:
        raise failure("NoSuchKey", 404, call)  # Amazon S3 User Guide, "How to prevent object overwrites"
    if wanted is not None and (stored is None or wanted.strip('"') != stored.etag.strip('"')):
        raise failure(code, 412, call)
    if unwanted == "*" and stored is not None:
        raise failure(code, 412, call)


def _bounds(text: str, size: int) -> tuple[int, int]:
    first, _, last = text.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)


def _facts(stored: Stored) -> dict[str, Any]:
    return {"ETag": stored.etag, "Metadata": dict(stored.metadata), "LastModified": stored.modified}
