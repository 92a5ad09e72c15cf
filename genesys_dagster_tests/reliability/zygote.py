"""A process that has everything imported and forks one export after another, so that each can be killed outright.

`python -m genesys_dagster_tests.reliability.zygote API S3 HOME`: for each line on standard input one export is started
and its process id printed; then, when it has ended, its status.
"""

import logging
import os
import sys
from types import SimpleNamespace

import dagster as dg
from dagster_aws.s3 import S3Resource

from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster_tests.reliability import exports
from genesys_dagster_tests.reliability.exports import BUCKET, PATIENCE, Bench
from genesys_dagster_tests.reliability.time import Hurried

KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
SMALL_PART = 32 * 1024


def lake(url: str) -> S3ParquetIOManager:
    """The user's IO manager, with parts so small that a day of ours has several."""
    made = S3ParquetIOManager(s3=S3Resource(endpoint_url=url, **KEYS), bucket=BUCKET, rows_per_row_group=40)
    made.__dict__["part_size"] = SMALL_PART
    return made


def export_once(home: str, s3: str) -> None:
    Bench.lake = lake(s3)
    instance = dg.DagsterInstance.local_temp(home)
    os._exit(0 if exports.run(exports.DETAILS, instance).success else 1)


def main(api: str, s3: str, home: str) -> None:
    logging.disable(logging.CRITICAL)
    Bench.server = SimpleNamespace(url=api, transport=lambda: None)  # type: ignore[assignment]
    Bench.clock = Hurried(PATIENCE)
    Bench.genesys = exports.resource("job")
    exports.job(exports.DETAILS)
    print("ready", flush=True)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            export_once(home, s3)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
