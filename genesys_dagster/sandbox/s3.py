"""An S3 server on localhost: moto's, with a bucket in it."""

import logging
import socket
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from moto.server import ThreadedMotoServer

_HOST = "127.0.0.1"
_REGION = "us-east-1"
_KEY = "sandbox"


class S3Server:
    """An S3 server with one bucket; a context manager. Data lives in memory and is gone afterwards.

    Args:
        bucket: The bucket to create.
        port: Port to listen on, 0 for a free one.

    Attributes:
        url: Where it listens, `http://127.0.0.1:PORT`.
        bucket: The bucket's name.
    """

    def __init__(self, bucket: str = "genesys-lake", *, port: int = 0) -> None:
        self.bucket = bucket
        self.url = ""
        self._port = port
        self._server: ThreadedMotoServer | None = None

    def env(self) -> dict[str, str]:
        """The `AWS_*` variables with which any AWS SDK uses this server."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _KEY,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_REGION": _REGION,
        }

    def start(self) -> Self:
        """Start the server and create the bucket.

        Raises:
            OSError: The port is taken.
        """
        from moto.server import ThreadedMotoServer

        # The web server below moto writes a line for every request.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        port = _claim(self._port)
        self._server = ThreadedMotoServer(ip_address=_HOST, port=port, verbose=False)
        self._server.start()
        self.url = f"http://{_HOST}:{port}"
        self._create_bucket()
        return self

    def stop(self) -> None:
        """Stop the server; what it held is lost."""
        if self._server is not None:
            self._server.stop()
            self._server = None
            self._forget()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _forget(self) -> None:
        """Throw the bucket away: moto keeps its data per process, not per server."""
        from moto.s3.models import s3_backends

        for backend in [backend for account in s3_backends.values() for backend in account.values()]:
            bucket = backend.buckets.pop(self.bucket, None)
            if bucket is not None:
                s3_backends.bucket_accounts.pop(self.bucket, None)
                for stored in (*bucket.keys.values(), *bucket.multiparts.values()):
                    stored.dispose()

    def _create_bucket(self) -> None:
        request = Request(f"{self.url}/{self.bucket}", method="PUT")  # noqa: S310 (our own server)
        # moto wants to see a signature, but does not check it.
        request.add_header(
            "Authorization", f"AWS4-HMAC-SHA256 Credential={_KEY}/20260101/{_REGION}/s3/aws4_request"
        )
        with urlopen(request, timeout=10):  # noqa: S310
            pass


def _claim(port: int) -> int:
    """The port, or a free one for 0; fails at once if it is taken, where the server would only say so."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            raise OSError(f"the S3 server cannot listen on port {port}") from error
        return int(listener.getsockname()[1])
