"""`python -m genesys_dagster.sandbox`: serve the org, and S3 if wished, until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.settings import SandboxSettings


def main(arguments: list[str] | None = None, program: str = "python -m genesys_dagster.sandbox") -> int:
    """Run the command line, which help and errors call `program`; returns the exit code."""
    return serve(**vars(_parser(program).parse_args(arguments)))


def serve(  # noqa: PLR0913 - the options of the command line
    *,
    port: int = 0,
    conversations_per_day: int = 2_000,
    seed: int = 7,
    agents: int | None = None,
    reprocessed: float = 0.0,
    s3_port: int | None = None,
    bucket: str = "genesys-lake",
    requests_per_minute: int = 300,
    concurrent_jobs: int | None = None,
    job_delay: float = 2.0,
    availability_lag: float = 6.0,
    user_availability_lag: float = 13.0,
) -> int:
    """Serve the org until Ctrl-C or SIGTERM; prints the variables to use it with.

    Args:
        port: Port of the org, 0 for a free one.
        conversations_per_day: Volume of a Monday.
        seed: Same seed, same org.
        agents: Number of agents; believable for the volume if not given.
        reprocessed: Share of conversations that change days after their end.
        s3_port: Also start S3 on this port (0 for a free one); None for no S3.
        bucket: Bucket of the S3 server.
        requests_per_minute: Rate limit per token.
        concurrent_jobs: Jobs that may be under way at once, None for no limit.
        job_delay: Seconds that a job takes.
        availability_lag: Hours that jobs lag behind.
        user_availability_lag: Hours that jobs about users' status lag behind.

    Returns:
        The exit code: 1 if a port is taken.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = SandboxSettings(
        requests_per_minute=requests_per_minute,
        concurrent_jobs=concurrent_jobs,
        job_delay=job_delay,
        availability=timedelta(hours=availability_lag),
        user_availability=timedelta(hours=user_availability_lag),
    )
    with ExitStack() as servers:
        try:
            org = SandboxServer(
                Org(seed, conversations_per_day, agents=agents, reprocessed=reprocessed),
                settings=settings,
                port=port,
            )
            variables = servers.enter_context(org).env()
            if s3_port is not None:
                s3 = servers.enter_context(S3Server(bucket, port=s3_port))
                variables |= {**s3.env(), "GENESYS_S3_BUCKET": s3.bucket}
        except OSError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        _announce(variables)
        stop.wait()
    return 0


def _announce(variables: dict[str, str]) -> None:
    """Print the variables, ready for a shell or an .env file."""
    for name, value in variables.items():
        sys.stdout.write(f"{name}={value}\n")
    sys.stdout.flush()


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="A made-up Genesys Cloud org on localhost. Prints the variables to use it with.",
    )
    parser.add_argument("--port", type=int, default=0, help="port of the org (default: a free one)")
    parser.add_argument("--s3-port", type=int, help="also start S3 on this port (0: a free one)")
    parser.add_argument(
        "--bucket", default="genesys-lake", help="bucket of the S3 server (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=7, help="same seed, same org (default: %(default)s)")
    parser.add_argument("--agents", type=int, help="number of agents (default: believable for the volume)")
    parser.add_argument(
        "--reprocessed",
        type=float,
        default=0.0,
        help="share of conversations that nightly reprocessing changes days later (default: %(default)s)",
    )
    parser.add_argument(
        "--conversations-per-day", type=int, default=2_000, help="volume of a Monday (default: %(default)s)"
    )
    parser.add_argument(
        "--requests-per-minute", type=int, default=300, help="rate limit per token (default: %(default)s)"
    )
    parser.add_argument(
        "--concurrent-jobs", type=int, help="jobs that may be under way at once (default: no limit)"
    )
    parser.add_argument(
        "--job-delay", type=float, default=2.0, help="seconds a job takes (default: %(default)s)"
    )
    parser.add_argument(
        "--availability-lag",
        type=float,
        default=6.0,
        help="hours that jobs lag behind (default: %(default)s)",
    )
    parser.add_argument(
        "--user-availability-lag",
        type=float,
        default=13.0,
        help="hours that jobs about users' status lag behind (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
