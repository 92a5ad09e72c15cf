"""An S3 server on localhost: moto's, with a bucket in it."""

import json
import logging
import socket
from types import TracebackType
from typing import TYPE_CHECKING, Self

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
        import boto3

        client = boto3.Session().client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=_KEY,
            aws_secret_access_key=_KEY,
            region_name=_REGION,
        )
        client.create_bucket(Bucket=self.bucket)
        everyone_may_read = {  # so that a browser can open what was written
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self.bucket}/*",
        }
        policy = {"Version": "2012-10-17", "Statement": [everyone_may_read]}
        client.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))


def _claim(port: int) -> int:
    """The port, or a free one for 0; fails at once if it is taken, where the server would only say so."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            raise OSError(f"the S3 server cannot listen on port {port}") from error
        return int(listener.getsockname()[1])
