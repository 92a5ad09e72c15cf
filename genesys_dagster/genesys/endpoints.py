"""The endpoints that are called, as templates: what may be told of a path, which can hold ids."""

from genesys_dagster.genesys.details import CONVERSATIONS, USERS

OTHER = "other"

_FIXED = frozenset(
    {
        *(path for details in (CONVERSATIONS, USERS) for path in (details.query, details.jobs)),
        *(f"{details.jobs}/availability" for details in (CONVERSATIONS, USERS)),
        "/oauth/token",
        "/api/v2/analytics/conversations/details",
        "/api/v2/analytics/conversations/aggregates/query",
        "/api/v2/analytics/users/aggregates/query",
        "/api/v2/analytics/dataretention/settings",
        "/api/v2/authorization/divisions",
        "/api/v2/flows",
        "/api/v2/groups",
        "/api/v2/presence/definitions",
        "/api/v2/routing/languages",
        "/api/v2/routing/queues",
        "/api/v2/routing/skills",
        "/api/v2/routing/wrapupcodes",
        "/api/v2/teams",
        "/api/v2/users",
    }
)
_OF_JOBS = {"": "/{jobId}", "results": "/{jobId}/results"}

ENDPOINTS = frozenset(
    {OTHER, *_FIXED, *(details.jobs + end for details in (CONVERSATIONS, USERS) for end in _OF_JOBS.values())}
)


def endpoint(path: str | None) -> str:
    """The template of a path; `other` for one that is not called by this package.

    Args:
        path: Without query.
    """
    if path in _FIXED:
        return str(path)
    for details in (CONVERSATIONS, USERS):
        begin, _, job = (path or "").partition(f"{details.jobs}/")
        _, _, what = job.partition("/")
        if not begin and job and what in _OF_JOBS:
            return details.jobs + _OF_JOBS[what]
    return OTHER
