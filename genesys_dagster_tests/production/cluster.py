"""A deployment as deploy/dagster.celery.yaml has it, each part a process on this machine: see `Cluster`."""

import os
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from genesys_dagster.sandbox.api.limits import RateLimiter
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.settings import SandboxSettings
from genesys_dagster_tests.conftest import OURS
from genesys_dagster_tests.production.processes import Process, free_ports, wait_until
from genesys_dagster_tests.production.stores import Postgres, Redis
from genesys_dagster_tests.production.webserver import Webserver

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MODULE = "genesys_dagster.definitions"
# A worker that waits a minute in production need not here; what is said is the same.
FASTER = {
    "run_monitoring": {"free_slots_after_run_end_seconds": 2, "poll_interval_seconds": 2},
    "run_queue": {"dequeue_interval_seconds": 1},
}


class Cluster:
    """Postgres, Redis, code server, webserver, daemon and Celery workers; a Genesys Cloud org and S3 for them.

    Args:
        folder: Where all of it writes, logs too; readable by everybody, as Postgres is another user.
        programs: Where the programs of requirements-deploy.lock lie.
        workers: How many workers, of one process each.
        pool: How many steps at once may ask Genesys Cloud.
        settings: Of the sandbox.
        conversations: Volume of a Monday.
        days: How many days of the past are partitions.
        **env: Further variables.
    """

    def __init__(
        self, folder, programs, *, workers=2, pool=1, settings=None, conversations=60, days=30, **env
    ):
        self.days = [datetime.now(UTC).date() - timedelta(back) for back in range(days + 1, 1, -1)]
        self.folder = Path(folder)
        self.workers, self.daemons = [], []
        self.sandbox = SandboxServer(
            Org(conversations_per_day=conversations), settings=settings or SandboxSettings()
        )
        self.sandbox._state.limiter = _OneClient()
        self.s3 = S3Server()
        self._programs, self._worker_count, self._pool, self._env = Path(programs), workers, pool, env
        self._ending = ExitStack()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(self, *_):
        self._ending.close()

    def serve_code(self, **variables):
        command = ("dagster", "code-server", "start", "--host", "127.0.0.1", "--port", self.ports["code"])
        self.code = self._process("code", *command, "--module-name", MODULE, **variables)
        wait_until(lambda: self.code.said("Started Dagster code server"), "the code server serves")

    def start_worker(self, **variables):
        name = f"worker-{len(self.workers)}"
        command = (
            "celery",
            "--app",
            "celery_worker",
            "worker",
            "--concurrency",
            1,
            "--hostname",
            f"{name}@%h",
        )
        self.workers.append(self._process(name, *command, "--loglevel", "INFO", **variables))
        return self.workers[-1]

    def start_daemon(self):
        name = f"daemon-{len(self.daemons)}"
        self.daemons.append(self._process(name, "dagster-daemon", "run", "-w", self._workspace))
        return self.daemons[-1]

    def run(self, *command):
        """A command of the deployment to its end; returns what it said."""
        done = subprocess.run(
            self._command(command), env=self.env, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _start(self):
        enter = self._ending.enter_context
        for server in (self.sandbox, self.s3):
            enter(server)
        postgres, redis, *ports = free_ports(4)
        self.ports = dict(zip(("code", "web"), ports, strict=True))
        self.postgres = enter(Postgres(self.folder / "postgres", postgres))
        self.redis = enter(Redis(self.folder / "redis", redis))
        self._configure()
        self.run("dagster", "instance", "migrate")
        self.serve_code()
        web = ("dagster-webserver", "-h", "127.0.0.1", "-p", self.ports["web"], "-w", self._workspace)
        self._process("webserver", *web)
        for _ in range(self._worker_count):
            self.start_worker()
        self.start_daemon()
        self.web = Webserver(self.ports["web"])
        wait_until(self.web.is_ready, "the webserver has the code location")
        for worker in self.workers:
            wait_until(lambda worker=worker: worker.said("ready."), "a worker is ready")

    def _process(self, name, *command, **variables):
        started = Process(self._command(command), self.folder / f"{name}.log", self.env | variables)
        return self._ending.enter_context(started)

    def _command(self, command):
        program, *arguments = command
        return [self._programs / program, *map(str, arguments)]

    def _configure(self):
        home = self.folder / "home"
        home.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.env = {
            **kept,
            **self.postgres.env,
            **self.sandbox.env(),
            **self.s3.env(),
            "DAGSTER_HOME": str(home),
            "DAGSTER_CELERY_BROKER": self.redis.url,
            "GENESYS_RATE_LIMIT_STORE": self.redis.url.replace("/0", "/1"),
            "DAGSTER_CODE_SERVER": "127.0.0.1",
            "GENESYS_S3_BUCKET": self.s3.bucket,
            "GENESYS_PARTITIONS_START": self.days[0].isoformat(),
            "PYTHONPATH": os.pathsep.join(map(str, (DEPLOY, ROOT))),
            "PYTHONUNBUFFERED": "1",
            **self._env,
        }
        block = yaml.safe_load((DEPLOY / "dagster.celery.yaml").read_text())
        block["storage"]["postgres"]["postgres_db"]["port"] = self.postgres.port
        block["concurrency"]["pools"]["default_limit"] = self._pool
        for part, faster in FASTER.items():
            block[part] = {**block.get(part, {}), **faster}
        (home / "dagster.yaml").write_text(yaml.safe_dump(block))
        workspace = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())
        workspace["load_from"][0]["grpc_server"]["port"] = self.ports["code"]
        self._workspace = self.folder / "workspace.yaml"
        self._workspace.write_text(yaml.safe_dump(workspace))


class _OneClient(RateLimiter):
    """Counts the requests of all tokens together, as they are one OAuth client's: each run has a token of its own."""

    def use(self, _token, allowed, now):
        return super().use("client", allowed, now)
