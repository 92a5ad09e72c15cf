"""Filters of a query: predicates on dimensions, properties and metrics (SDK 269 models/*_detail_query_*.py).

The predicates of one segment filter must hold on the same segment; separate filters may hold on different
ones. Matching is exact.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from genesys_dagster.sandbox.api.errors import bad_request
from genesys_dagster.sandbox.times import from_iso

Json = dict[str, Any]
Test = Callable[[Json], bool]
Values = Callable[[Json, str], list[Any]]

# Dimensions whose field has another name or is a list: dimension → field.
_FIELDS = {
    "accessAttribute": "accessAttributes",
    "divisionId": "divisionIds",
    "callbackNumber": "callbackNumbers",
    "destinationAddress": "destinationAddresses",
    "requestedRouting": "requestedRoutings",
    "requestedRoutingSkillId": "requestedRoutingSkillIds",
    "sipResponseCode": "sipResponseCodes",
    "canonicalExternalContactId": "externalContactId",
    "scoredAgentId": "scoredAgents",
}
_CONVERSATION = frozenset(
    {
        "accessAttribute", "conversationEnd", "conversationId", "conversationInitiator", "conversationStart",
        "customerParticipation", "divisionId", "externalTag", "mediaStatsMinConversationMos",
        "originatingDirection", "originatingSocialMediaPublic",
    }
)  # fmt: skip
_LISTS = {"evaluationFilters": "evaluations", "surveyFilters": "surveys", "resolutionFilters": "resolutions"}
FILTER_KEYS = ("conversationFilters", "segmentFilters", *_LISTS)


def has_filters(query: Json) -> bool:
    """Whether the query narrows its interval by filters."""
    return any(query.get(key) for key in FILTER_KEYS)


def compile_filters(query: Json) -> Test:
    """One test on a record for all filters of a query.

    Raises:
        ApiError: 400 for filters that make no sense.
    """
    tests = [_on_conversation(each) for each in _list(query, "conversationFilters")]
    tests += [_on_any(each, _segments, _segment_values) for each in _list(query, "segmentFilters")]
    for key, field in _LISTS.items():
        tests += [_on_any(each, partial(_entries, field), _plain) for each in _list(query, key)]
    return lambda record: all(test(record) for test in tests)


def compile_filter(filter_: Json, values: Values) -> Test:
    """One test on a part for a single filter.

    Args:
        filter_: The filter, with predicates and clauses.
        values: Gives a part's values of a dimension.

    Raises:
        ApiError: 400 for a filter that makes no sense.
    """
    return _combined(filter_, values)


def dimension_values(record: Json, dimension: str) -> list[Any]:
    """All values of a dimension in a record, for aggregations."""
    if dimension in _CONVERSATION:
        return _plain(record, dimension)
    return [value for segment in _segments(record) for value in _segment_values(segment, dimension)]


def _list(parent: Json, key: str) -> list[Json]:
    value = parent.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise bad_request(f"Value of [{key}] is not a list of objects.", "invalid.value")
    return value


def _entries(field: str, record: Json) -> list[Json]:
    entries: list[Json] = record.get(field, [])
    return entries


def _on_conversation(filter_: Json) -> Test:
    return _combined(filter_, _conversation_values)


def _on_any(filter_: Json, parts: Callable[[Json], Iterable[Json]], values: Values) -> Test:
    test = _combined(filter_, values)
    return lambda record: any(test(part) for part in parts(record))


def _combined(filter_: Json, values: Values) -> Test:
    """The test of a filter or clause: its predicates and clauses, all or any of them."""
    kind = filter_.get("type", "and")
    if kind not in {"and", "or"}:
        raise bad_request(
            f"Value [{kind}] is not valid for field type [type]. Allowable values are: and, or",
            "invalid.value",
        )
    tests = [_combined(clause, values) for clause in _list(filter_, "clauses")]
    tests += [_predicate(each, values) for each in _list(filter_, "predicates")]
    if kind == "or":
        return lambda part: any(test(part) for test in tests)
    return lambda part: all(test(part) for test in tests)


def _predicate(predicate: Json, values: Values) -> Test:
    name = predicate.get("dimension") or predicate.get("metric") or predicate.get("property")
    if not isinstance(name, str):
        raise bad_request("A predicate needs a dimension, metric or property.", "constraint.validation")
    operator = predicate.get("operator", "matches")
    if operator == "exists":
        return lambda part: bool(values(part, name))
    if operator == "notExists":
        return lambda part: not values(part, name)
    if operator != "matches":
        raise bad_request(
            f"Value [{operator}] is not valid for field type [operator]. Allowable values are: matches, exists, notExists",
            "invalid.value",
        )
    if isinstance(predicate.get("range"), dict):
        return _in_range(predicate["range"], name, values)
    wanted = predicate.get("value")
    if wanted is None:
        raise bad_request(f"The predicate on [{name}] needs a value or a range.", "constraint.validation")
    text = _text(wanted)
    return lambda part: any(_text(value) == text for value in values(part, name))


def _in_range(bounds: Json, name: str, values: Values) -> Test:
    compare: Mapping[str, Callable[[float, float], bool]] = {
        "gt": lambda value, bound: value > bound,
        "gte": lambda value, bound: value >= bound,
        "lt": lambda value, bound: value < bound,
        "lte": lambda value, bound: value <= bound,
    }
    limits = [
        (compare[key], float(bound)) for key, bound in bounds.items() if key in compare and bound is not None
    ]
    return lambda part: any(
        all(holds(float(value), bound) for holds, bound in limits)
        for value in values(part, name)
        if isinstance(value, int | float)
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(part: Json, name: str) -> list[Any]:
    value = part.get(_FIELDS.get(name, name))
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _conversation_values(record: Json, name: str) -> list[Any]:
    if name in _CONVERSATION:
        return _plain(record, name)
    if name == "tConversationDuration" and "conversationEnd" in record:
        return [from_iso(record["conversationEnd"]) - from_iso(record["conversationStart"])]
    return [
        metric["value"]
        for participant in record.get("participants", ())
        for session in participant["sessions"]
        for metric in session.get("metrics", ())
        if metric["name"] == name
    ]


def _segments(record: Json) -> Iterator[Json]:
    """Every segment together with its session and participant."""
    for participant in record.get("participants", ()):
        for session in participant["sessions"]:
            for segment in session.get("segments", ()):
                yield {"segment": segment, "session": session, "participant": participant}


def _segment_values(place: Json, name: str) -> list[Any]:
    segment = place["segment"]
    if name == "tSegmentDuration":
        if "segmentEnd" not in segment:
            return []
        return [from_iso(segment["segmentEnd"]) - from_iso(segment["segmentStart"])]
    if name == "scoredAgentId":
        return [agent["scoredAgentId"] for agent in segment.get("scoredAgents", ())]
    flow = place["session"].get("flow", {})
    for part in (segment, place["session"], place["participant"], flow):
        if values := _plain(part, name):
            return values
    properties = [entry["value"] for entry in segment.get("properties", ()) if entry["property"] == name]
    outcomes = [outcome[name] for outcome in flow.get("outcomes", ()) if name in outcome]
    return properties or outcomes
