"""Faults by switch: what the sandbox does wrong on purpose, by counter and therefore the same every time."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

FAILURES = {
    "429": "too many requests, with Retry-After",
    "404": "not found, as a gateway says of what it does not pass on",
    "408": "client timeout",
    "500": "internal server error",
    "502": "bad gateway, an HTML page as gateways send it",
    "503": "service unavailable",
    "504": "request timeout",
    "401": "the token counts as expired",
    "drop": "the connection breaks when the request has arrived, before it is looked at",
    "lost": "the request is carried out, then the connection breaks",
    "truncate": "the connection breaks in the middle of the body",
    "cut": "a body that ends in the middle, in a response that claims to be whole",
    "garbage": "200 with a body that is not JSON",
    "empty": "200 without a body",
}

JobState = Literal["FAILED", "CANCELLED", "EXPIRED", "PENDING"]


@dataclass
class _Rule:
    kind: str
    path: str
    method: str | None
    left: int | None = None
    every: int | None = None
    seen: int = 0

    def strikes(self) -> bool:
        self.seen += 1
        if self.left is not None:
            self.left -= 1
            return self.left >= 0
        return self.every is not None and self.seen % self.every == 0


@dataclass
class Faults:
    """Switches for everything that goes wrong.

    Attributes:
        latency_seconds: Every answer takes this much longer.
        retry_after: Seconds in the `Retry-After` of injected 429 answers; None leaves the header out.
        duplicates: Rows of a page that come again at the start of the next one (later rows shift).
        total_hits_drift: Added to `totalHits`, page after page, in turn: `(-20, 0, 35)`.
        unknown_fields: Every third record carries fields that no schema knows, at several depths.
        unknown_enums: Every third record carries enum values that no schema knows.
        repeat_cursor: Every page names the same next cursor, for ever.
        job_state: State that jobs end in instead of FULFILLED.
        job_error: The `errorMessage` of a failed job.
        forget_jobs: Answer 404 to this many further requests about jobs, as if they had expired.
        refused_metrics: Names of metrics that the aggregates queries do not know.
        reopened_periods: Some users' ended periods come twice in one answer, first as if they were still open (as a
            pipeline in use expects: rohit554/Work, gpc fact_user_presence).
        twin_starts: Some users' periods are preceded by one that starts in the same millisecond and lasts no time.
    """

    latency_seconds: float = 0.0
    retry_after: int | None = 1
    duplicates: int = 0
    total_hits_drift: tuple[int, ...] = ()
    unknown_fields: bool = False
    unknown_enums: bool = False
    repeat_cursor: bool = False
    job_state: JobState | None = None
    job_error: str = "The query could not be completed."
    forget_jobs: int = 0
    refused_metrics: tuple[str, ...] = ()
    reopened_periods: bool = False
    twin_starts: bool = False
    _rules: list[_Rule] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def fail_next(self, count: int, kind: str, *, path: str = "/api/", method: str | None = None) -> None:
        """Let the next `count` requests fail.

        Args:
            count: How many.
            kind: One of `FAILURES`.
            path: Only requests whose path starts so (`/oauth/` for the token endpoint).
            method: Only requests of this method.

        Raises:
            ValueError: There is no such kind.
        """
        self._add(_Rule(_known(kind), path, method, left=count))

    def every(self, n: int, kind: str, *, path: str = "/api/", method: str | None = None) -> None:
        """Let every n-th request fail; arguments as in `fail_next`."""
        self._add(_Rule(_known(kind), path, method, every=n))

    def clear(self) -> None:
        """Switch everything off."""
        fresh = Faults()
        with self._lock:
            for name in SWITCHES:
                setattr(self, name, getattr(fresh, name))
            self._rules.clear()

    def apply(self, switches: dict[str, Any]) -> None:
        """Set switches from JSON, as `POST /sandbox/faults` takes them.

        Besides the attributes it understands `"clear": true`, and `"fail_next"` and `"every"` with the
        arguments of the methods: `{"fail_next": {"count": 2, "kind": "503"}}`.

        Raises:
            ValueError: A switch, kind or value is unknown.
        """
        unknown = set(switches) - {*SWITCHES, "clear", "fail_next", "every"}
        if unknown:
            raise ValueError(
                f"unknown switches: {', '.join(sorted(unknown))}; there are {', '.join(SWITCHES)}"
            )
        if switches.get("clear"):
            self.clear()
        for name in SWITCHES:
            if name in switches:
                value = switches[name]
                setattr(self, name, tuple(value) if isinstance(value, list) else value)
        for name in ("fail_next", "every"):
            if name in switches:
                try:
                    getattr(self, name)(**switches[name])
                except TypeError as error:
                    raise ValueError(f"{name}: {error}") from None

    def strike(self, method: str, path: str) -> str | None:
        """The kind of failure for a request, None if it may pass. Counts the request."""
        with self._lock:
            struck = None
            for rule in self._rules:
                matches = path.startswith(rule.path) and rule.method in {None, method}
                if matches and rule.strikes() and struck is None:
                    struck = rule.kind
            self._rules = [rule for rule in self._rules if rule.left is None or rule.left > 0]
            return struck

    def forgets_job(self) -> bool:
        """Whether this request about a job is to be answered with 404."""
        with self._lock:
            if self.forget_jobs <= 0:
                return False
            self.forget_jobs -= 1
            return True

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)


SWITCHES = (
    "latency_seconds", "retry_after", "duplicates", "total_hits_drift", "unknown_fields", "unknown_enums",
    "repeat_cursor", "job_state", "job_error", "forget_jobs",
    "refused_metrics", "reopened_periods", "twin_starts",
)  # fmt: skip


def _known(kind: str) -> str:
    if kind not in FAILURES:
        raise ValueError(f"unknown failure {kind!r}; there are {', '.join(FAILURES)}")
    return kind
