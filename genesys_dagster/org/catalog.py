"""The assets by name: to which part each belongs, in which group it stands, and what kind of thing it is."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

Part: TypeAlias = Literal["late_activity", "reference", "tables", "performance", "user_status", "report"]
"""What can be left out of an org's export; `conversation_details` cannot."""

NEEDS: Mapping[Part, tuple[Part, ...]] = {
    "performance": ("tables", "reference"),
    "user_status": ("reference",),
    "report": ("performance",),
}
"""What each part is made of."""


class Entry(NamedTuple):
    """What is fixed about an asset.

    Attributes:
        group: Group in the UI, before it carries the org's name.
        kinds: Dagster's kinds.
        personal: Whether it holds what can identify a person.
        part: To which part it belongs; None: it is always there.
    """

    group: str
    kinds: frozenset[str]
    personal: bool = False
    part: Part | None = None


_PULLED = frozenset({"python", "s3", "parquet"})
_MADE = frozenset({"duckdb", "parquet"})

CATALOG: Mapping[str, Entry] = {
    "genesys_cloud": Entry("genesys_cloud", frozenset({"genesys", "api"}), personal=True),
    "conversation_details": Entry("genesys_cloud", _PULLED, personal=True),
    "late_activity": Entry("genesys_cloud", _PULLED, personal=True, part="late_activity"),
    **{
        name: Entry("reference", _PULLED, name == "users", "reference")
        for name in (
            "users", "queues", "wrapup_codes", "divisions", "skills", "languages", "flows", "groups", "teams",
            "presence_definitions",
        )
    },
    **{
        name: Entry("tables", _MADE, name not in {"session_metrics", "evaluations", "surveys"}, "tables")
        for name in (
            "conversations", "participants", "sessions", "segments", "session_metrics", "participant_attributes",
            "evaluations", "surveys",
        )
    },
    **{
        name: Entry("performance", _MADE, name == "agent_performance", "performance")
        for name in ("queue_performance", "agent_performance", "queue_performance_weekly")
    },
    **{
        name: Entry("user_status", _PULLED, personal=True, part="user_status")
        for name in ("user_presence", "user_routing_status", "late_user_status")
    },
    **{
        name: Entry("user_status", _MADE, personal=True, part="user_status")
        for name in ("agent_status", "agent_status_daily")
    },
    "contact_center_report": Entry("report", frozenset({"python", "plotly", "html", "s3"}), part="report"),
}  # fmt: skip
