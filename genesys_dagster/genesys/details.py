"""Families of detail records in the analytics API: where each is asked for, and what is peculiar to its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genesys_dagster.genesys.interval import Interval


@dataclass(frozen=True, slots=True)
class Details:
    """One family: an interactive query, and bulk jobs with a watermark of their own.

    Attributes:
        path: What the paths of all its calls begin with.
        noun: What a record is, in the plural.
        permission: What a role of the OAuth client needs.
        order: How records are to come, in the body of a query and of a job.
        knows_start_days: Whether jobs can select by start day (SDK 269, models/async_conversation_query.py).
        pages_may_be_short: Whether a page can hold fewer records than were asked for although more follow.
    """

    path: str
    noun: str
    permission: str
    order: Mapping[str, str] = field(default_factory=dict)
    knows_start_days: bool = False
    pages_may_be_short: bool = False

    @property
    def query(self) -> str:
        """Path of the interactive query."""
        return f"{self.path}/query"

    @property
    def jobs(self) -> str:
        """Path of the bulk jobs."""
        return f"{self.path}/jobs"

    @property
    def family(self) -> str:
        """Of what the details are: `conversations` or `users`."""
        return self.path.split("/")[4]

    def asked(self, interval: Interval) -> dict[str, Any]:
        """The body of a question for an interval."""
        return {"interval": interval.as_text(), **self.order}


CONVERSATIONS = Details(
    "/api/v2/analytics/conversations/details",
    "conversations",
    "analytics:conversationDetail:view",
    {"order": "asc", "orderBy": "conversationStart"},
    knows_start_days=True,
)

# A status that lasts over days is stored twice; both copies count while paging and one is dropped afterwards (Genesys
# developer docs, "User detail query"). There is no `orderBy` (SDK 269, models/user_details_query.py).
USERS = Details(
    "/api/v2/analytics/users/details",
    "status periods",
    "analytics:userDetail:view",
    {"order": "asc"},
    pages_may_be_short=True,
)
