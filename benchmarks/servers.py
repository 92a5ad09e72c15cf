"""The two servers of a measurement, each a process of its own on 127.0.0.1, always stopped."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass

from benchmarks.contenders.task import S3_LOGIN
from benchmarks.data import Day, index_of
from benchmarks.folders import ROOT
from benchmarks.http_server import TRAFFIC_PATH

BUCKET = "benchmarks"


@dataclass(frozen=True)
class Traffic:
    """Requests, and bytes of bodies, as the servers count them; or the difference of two such counts."""

    api_requests: int
    api_sent: int
    s3_requests: int
    s3_received: int
    s3_sent: int

    def since(self, before: "Traffic") -> "Traffic":
        return Traffic(*(now - then for now, then in zip(astuple(self), astuple(before), strict=True)))


@dataclass(frozen=True)
class Servers:
    api_url: str
    s3_url: str

    def traffic(self) -> Traffic:
        api, s3 = (_counts(url) for url in (self.api_url, self.s3_url))
        return Traffic(api["requests"], api["sent"], s3["requests"], s3["received"], s3["sent"])

    def variables(self) -> dict[str, str]:
        """What the default code location is told."""
        return {
            "GENESYSCLOUD_OAUTHCLIENT_ID": "benchmark",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "benchmark",
            "GENESYSCLOUD_API_URL": self.api_url,
            "GENESYSCLOUD_LOGIN_URL": self.api_url,
            "GENESYS_S3_BUCKET": BUCKET,
            "AWS_ENDPOINT_URL_S3": self.s3_url,
            "AWS_ACCESS_KEY_ID": S3_LOGIN["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": S3_LOGIN["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": S3_LOGIN["region_name"],
        }


def _counts(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url + TRAFFIC_PATH) as answer:
        counts: dict[str, int] = json.load(answer)
        return counts


@contextmanager
def running_servers(job: Day, query: Day | None = None, *, times: int = 1) -> Iterator[Servers]:
    """Start a Genesys API that serves a day, by job so many times over with other ids, and an empty S3."""
    indexes = [str(index_of(day)) for day in (job, query) if day]
    with ExitStack() as stack:
        api_url = stack.enter_context(server("benchmarks.genesys_server", str(times), *indexes))
        s3_url = stack.enter_context(server("benchmarks.s3_server"))
        yield Servers(api_url, s3_url)


@contextmanager
def server(module: str, *arguments: str) -> Iterator[str]:
    """Start `python -m MODULE ARGUMENTS`, a server that writes its port to stdout; returns its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        if not port:
            raise RuntimeError(f"{module} did not start: see its message above.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
