"""What the sandbox's Genesys Cloud org allows, and how it misbehaves. Everything may be changed while it runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from genesys_dagster.sandbox.faults import Faults
from genesys_dagster.sandbox.times import utc_now

ALL_PERMISSIONS = frozenset(
    {
        "analytics:conversationDetail:view",
        "analytics:conversationAggregate:view",
        "analytics:dataRetention:view",
        "analytics:userAggregate:view",
        "analytics:userDetail:view",
        "architect:flow:view",
        "groups:team:view",
        "presence:presenceDefinition:view",
        "routing:queue:view",
        "routing:skill:view",
        "routing:wrapupCode:view",
    }
)


@dataclass(kw_only=True)
class SandboxSettings:
    """Settings of the sandbox; the defaults are those of an ordinary org.

    Attributes:
        client_id: The one OAuth client.
        client_secret: Its secret.
        permissions: What the client's role allows; take one out to be refused with 403.
        token_lifetime: Seconds that a token is valid (real clients: five minutes to 48 hours).
        wrong_secret_status: Status of the answer to a wrong secret; 400 and 401 are both reported.
        requests_per_minute: Requests per token and minute before 429.
        concurrent_jobs: Jobs that may be under way (neither done nor deleted) in the whole org at once; None for no
            limit. There is one (`details.jobs.concurrent.access.max`), but its value is not documented.
        job_delay: Seconds that a job takes: queued for the first third, then pending.
        job_lifetime: How long a job's results can be read.
        availability: Watermark of the jobs' data lake: a moment, or how far it lags behind `now`.
        user_availability: The same for jobs about users' status, which have a watermark of their own; the lag is one
            that was seen (laggyzee/genesys-mcp _availability.py).
        now: The org's clock; set it to simulate days and weeks.
        clock: Seconds for token lifetime, rate limit and job delay.
        max_query_page_size: Largest page of a query.
        max_pagination: Deepest row that a query's paging reaches.
        job_page_size: Page size of job results when none is asked for.
        max_job_page_size: Largest page of job results; a larger wish gets this.
        max_listing_page_size: Largest page of users, queues …; a larger wish gets this.
        max_request_bytes: Largest request body.
        max_response_bytes: Largest page of conversations in bytes, None for no limit.
        gzip: Compress responses for clients that accept it.
        service_level: What counts in the base of `oServiceLevel`, and with which sign; orgs may leave short abandons
            or all abandons out, and take flow-outs in (Genesys help, "Configure the service level calculation").
        retention_days: After how many days the org says that it deletes interaction data; None if nobody has set it.
        cursor_dialect: Speak the dialect of gateways: `entities` with `id`, and a cursor for the next page.
        cursor_in: Where that cursor stands: header `X-Genesys-Next-Page`, body `nextPage`, or both.
        faults: What goes wrong.
    """

    client_id: str = "sandbox"
    client_secret: str = field(default="sandbox-secret", repr=False)
    permissions: set[str] = field(default_factory=lambda: set(ALL_PERMISSIONS))
    token_lifetime: float = 86_400.0
    wrong_secret_status: int = 401
    requests_per_minute: int = 300
    concurrent_jobs: int | None = None
    job_delay: float = 0.0
    job_lifetime: timedelta = timedelta(hours=24)
    availability: datetime | timedelta = timedelta(hours=6)
    user_availability: datetime | timedelta = timedelta(hours=13)
    now: Callable[[], datetime] = utc_now
    clock: Callable[[], float] = time.monotonic
    max_query_page_size: int = 100
    max_pagination: int = 100_000
    job_page_size: int = 1_000
    max_job_page_size: int = 2_000
    max_listing_page_size: int = 500
    max_request_bytes: int = 512_000
    max_response_bytes: int | None = None
    gzip: bool = True
    service_level: dict[str, int] = field(default_factory=lambda: {"tAnswered": 1, "tAbandon": 1})
    retention_days: int | None = None
    cursor_dialect: bool = False
    cursor_in: Literal["both", "header", "body"] = "both"
    faults: Faults = field(default_factory=Faults)

    @property
    def watermark(self) -> datetime:
        """The moment up to which jobs know all conversations."""
        return self._moment(self.availability)

    @property
    def user_watermark(self) -> datetime:
        """The moment up to which jobs know all users' status."""
        return self._moment(self.user_availability)

    def _moment(self, availability: datetime | timedelta) -> datetime:
        return self.now() - availability if isinstance(availability, timedelta) else availability
