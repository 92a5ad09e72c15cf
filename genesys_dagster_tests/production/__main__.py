"""`python -m genesys_dagster_tests.production BIN [pytest arguments]`: `make test-production`.

BIN is where the programs of requirements-deploy.lock lie. Runs this room's tests and all others that are marked
`servers`, which are no part of `make test`, as they need Debian's Postgres and Redis.
"""

import os
import subprocess
import sys
from pathlib import Path

from genesys_dagster_tests.production.conftest import PROGRAMS


def main(programs, *arguments):
    environment = {**os.environ, PROGRAMS: str(Path(programs).resolve())}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-o",
        "faulthandler_timeout=900",
        "-m",
        "servers",
        str(Path(__file__).parent.parent),
        *arguments,
    ]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
