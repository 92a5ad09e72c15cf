"""A process that has imported what the command `genesys-dagster` needs, and forks one after another.

`python -m genesys_dagster_tests.commands` reads a line of JSON for each: `arguments`, `env` (all of it), `cwd`, and
`stdout` and `stderr`, files to write to. When the command has ended, its exit status is printed.
"""

import gc
import json
import os
import sys
import traceback

import anyio._backends._asyncio  # noqa: F401
import boto3
import httpcore  # noqa: F401

import genesys_dagster.doctor
import genesys_dagster.recovery.command  # noqa: F401
from genesys_dagster.cli import main
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster_tests import once_per_process


def run(arguments, env, cwd, stdout, stderr):
    for stream, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    try:
        main(arguments, prog_name="genesys-dagster")
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - as Python ends
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def warm():
    """Has what takes longest made before the forks: the descriptions of AWS, and of all settings."""
    once_per_process.install()
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    boto3.Session().client("s3", **keys)
    GenesysCloud().definitions()
    gc.disable()  # in none of them anything is left to collect


def serve():
    warm()
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
