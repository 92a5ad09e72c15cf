"""A production S3 server for the lake's tests: OpenStack Swift on localhost, one disk, nothing kept.

`python -m genesys_dagster_tests.swift BIN [pytest arguments]` starts the servers whose programs lie in BIN, runs the
lake's tests against them and stops them; `make test-swift` installs them first. Their configuration is the smallest
with which the S3 middleware works (Swift documentation, "S3/Swift REST API Comparison Matrix" and `proxy-server.conf`).
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from genesys_dagster_tests.production.processes import free_ports

_STORES = ("account", "container", "object")
_CONF = "[swift-hash]\nswift_hash_path_prefix = p\nswift_hash_path_suffix = s\n[storage-policy:0]\nname = p0\ndefault = yes\n"
_PLAIN = ("catch_errors", "gatekeeper", "listing_formats", "bulk", "copy", "dlo", "symlink")
_PROXY = """\
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_upload_part_num = 10000
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
""" + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in _PLAIN)
# Run by Swift's own Python, which knows how its rings are built: one device, one replica.
_RING = """\
import sys
from swift.common.ring import RingBuilder
for name, port in zip(sys.argv[1::2], sys.argv[2::2]):
    ring = RingBuilder(2, 1, 0)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1"})
    ring.rebalance()
    ring.get_ring().save(name + ".ring.gz")
"""
_LAKE = ("-n", "2", "-m", "not made_up_store", "genesys_dagster_tests/lake")
_STARTS_WITHIN = 30.0  # s


@contextmanager
def swift(programs: Path) -> Iterator[Mapping[str, str]]:
    """Start Swift; yields the environment variables with which the tests use it.

    Args:
        programs: Where `swift-proxy-server` and the others lie, with their `python`.
    """
    with ExitStack() as ending:
        root = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="swift-", dir=_in_memory())))
        ports = dict(zip(("proxy", *_STORES), free_ports(4), strict=True))
        _configure(root, programs, ports)
        for name in (*_STORES, "proxy"):
            ending.enter_context(_running([programs / f"swift-{name}-server", f"{name}.conf"], root / "etc"))
        url = f"http://127.0.0.1:{ports['proxy']}"
        _wait_for(f"{url}/info")
        yield {
            "GENESYS_TEST_S3_ENDPOINT": url,
            "AWS_ACCESS_KEY_ID": "test:tester",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }


def _configure(root: Path, programs: Path, ports: Mapping[str, int]) -> None:
    for folder in ("etc", "srv/d1", "cache"):
        (root / folder).mkdir(parents=True)
    etc = root / "etc"
    (etc / "swift.conf").write_text(_CONF)
    for name in _STORES:
        (etc / f"{name}.conf").write_text(
            f"{_default(etc, ports[name])}devices = {root / 'srv'}\nmount_check = false\nfallocate_reserve = 0\n"
            f"disable_fallocate = true\n[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\n"
            f"use = egg:swift#{name}\nrecon_cache_path = {root / 'cache'}\n"
        )
    (etc / "proxy.conf").write_text(_default(etc, ports["proxy"]) + _PROXY)
    pairs = [text for name in _STORES for text in (name, str(ports[name]))]
    subprocess.run([programs / "python", "-c", _RING, *pairs], cwd=etc, check=True)


def _default(etc: Path, port: int) -> str:
    return f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {port}\nworkers = 0\nuser =\nswift_dir = {etc}\nlog_level = ERROR\n"


@contextmanager
def _running(command: list[object], folder: Path) -> Iterator[None]:
    server = subprocess.Popen(
        list(map(str, command)), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(url: str) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _in_memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main(programs: str, *arguments: str) -> int:
    with swift(Path(programs).resolve()) as variables:
        command = [sys.executable, "-m", "pytest", *(arguments or _LAKE)]
        return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
