"""An S3 that costs next to nothing: objects stay in memory as the parts they came in.

Run as `python -m benchmarks.s3_server`. It knows what an export needs: PutObject, multipart uploads, HeadObject,
GetObject (also ranges), DeleteObject, and ListObjectsV2 without pages.
"""

import hashlib
import itertools
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from benchmarks.http_server import Bytes, Reply, Request, serve

_XML = {"Content-Type": "application/xml"}
_ETAG = '"benchmark"'
_LAST_MODIFIED = "2026-01-05T00:00:00.000Z"


@dataclass
class _Object:
    parts: list[Bytes]
    metadata: dict[str, str]

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))

    def content(self) -> Bytes:
        """The whole of it, joined once: reading by range must not cost what the object weighs."""
        if len(self.parts) > 1:
            self.parts = [b"".join(self.parts)]
        return self.parts[0]

    @property
    def headers(self) -> dict[str, str]:
        return {"ETag": _ETAG, "Last-Modified": "Mon, 05 Jan 2026 00:00:00 GMT", **self.metadata}


@dataclass
class _Upload:
    metadata: dict[str, str]
    parts: dict[int, Bytes] = field(default_factory=dict)


class S3Sink:
    """Answers requests about objects by path (`/bucket/key`)."""

    def __init__(self) -> None:
        self._objects: dict[str, _Object] = {}
        self._uploads: dict[str, _Upload] = {}
        self._numbers = itertools.count(1)

    def __call__(self, request: Request) -> Reply:
        match request.method:
            case "PUT":
                return self._put(request)
            case "POST":
                return self._post(request)
            case "GET" | "HEAD":
                return self._read(request)
            case "DELETE":
                self._uploads.pop(request.query.get("uploadId", ""), None)
                if "uploadId" not in request.query:
                    self._objects.pop(request.path, None)
                return Reply(status=204)
        return Reply(status=405)

    def _put(self, request: Request) -> Reply:
        body = _without_chunks(request)
        if upload := self._uploads.get(request.query.get("uploadId", "")):
            number = int(request.query["partNumber"])
            upload.parts[number] = body
            # As S3 does: what the client makes of its parts' digests is part of what it costs.
            return Reply(headers={"ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'})
        self._objects[request.path] = _Object([body], _metadata(request))
        return Reply(headers={"ETag": _ETAG})

    def _post(self, request: Request) -> Reply:
        if "uploads" in request.query:
            name = f"upload-{next(self._numbers)}"
            self._uploads[name] = _Upload(_metadata(request))
            return _xml("InitiateMultipartUploadResult", UploadId=name)
        upload = self._uploads.pop(request.query["uploadId"])
        wanted = [
            int(element.text or 0) for element in ET.fromstring(request.body).iterfind(".//{*}PartNumber")
        ]
        self._objects[request.path] = _Object([upload.parts[number] for number in wanted], upload.metadata)
        return _xml("CompleteMultipartUploadResult", ETag=_ETAG)

    def _list(self, request: Request) -> Reply:
        """Keys below a prefix, those below a delimiter as one."""
        start, delimiter = f"{request.path.rstrip('/')}/", request.query.get("delimiter")
        prefix = request.query.get("prefix", "")
        root, folders = ET.Element("ListBucketResult"), set()
        for path, found in sorted(self._objects.items()):
            key = path.removeprefix(start)
            if not path.startswith(start + prefix):
                continue
            if delimiter and delimiter in key[len(prefix) :]:
                folders.add(prefix + key[len(prefix) :].partition(delimiter)[0] + delimiter)
                continue
            _add(root, "Contents", Key=key, Size=found.size, ETag=_ETAG, LastModified=_LAST_MODIFIED)
        for folder in sorted(folders):
            _add(root, "CommonPrefixes", Prefix=folder)
        _add(root, "IsTruncated").text = "false"
        return Reply(ET.tostring(root), headers=_XML)

    def _read(self, request: Request) -> Reply:
        if "list-type" in request.query:
            return self._list(request)
        found = self._objects.get(request.path)
        if found is None:
            return Reply(status=404) if request.method == "HEAD" else _no_such_key()
        if request.method == "HEAD":
            return Reply(headers=found.headers, length=found.size)
        content = memoryview(found.content())
        if "range" not in request.headers:
            return Reply(content, headers=found.headers)
        start, stop = _range(request.headers["range"], len(content))
        headers = {**found.headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
        return Reply(content[start:stop], 206, headers)


def _metadata(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("x-amz-meta-")}


def _without_chunks(request: Request) -> Bytes:
    """The body without the signed-chunk framing that AWS SDKs may use (`aws-chunked`)."""
    if "aws-chunked" not in request.headers.get("content-encoding", ""):
        return request.body
    content = bytearray()
    position = 0
    while True:
        end = request.body.index(b"\r\n", position)
        size = int(request.body[position:end].partition(b";")[0], 16)
        if not size:
            return content
        content += request.body[end + 2 : end + 2 + size]
        position = end + 2 + size + 2


def _range(text: str, size: int) -> tuple[int, int]:
    first, _, last = text.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _add(parent: ET.Element, name: str, **texts: object) -> ET.Element:
    element = ET.SubElement(parent, name)
    for inner, text in texts.items():
        ET.SubElement(element, inner).text = str(text)
    return element


def _xml(root: str, **texts: str) -> Reply:
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())
    return Reply(f"<{root}>{inner}</{root}>".encode(), headers=_XML)


def _no_such_key() -> Reply:
    return Reply(b"<Error><Code>NoSuchKey</Code></Error>", 404, _XML)


if __name__ == "__main__":
    serve(S3Sink())
