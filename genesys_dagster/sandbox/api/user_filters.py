"""Filters of queries about users: which dimensions they know, and whom they choose."""

from collections.abc import Iterator, Sequence

from genesys_dagster.sandbox.api.errors import bad_request
from genesys_dagster.sandbox.api.filters import Json, compile_filter


def predicates(filters: Sequence[Json], allowed: tuple[str, ...]) -> Iterator[Json]:
    """All predicates of filters and their clauses.

    Raises:
        ApiError: 400 for a predicate on another dimension than those allowed.
    """
    for each in filters:
        for predicate in each.get("predicates") or ():
            if predicate.get("dimension") not in allowed:
                raise bad_request(f"invalid dimension: {predicate.get('dimension')}", "invalid.value")
            yield predicate
        yield from predicates(each.get("clauses") or (), allowed)


def chosen_users(filters: Sequence[Json], user_ids: list[str]) -> list[str]:
    """The users for whom all filters on `userId` hold.

    Raises:
        ApiError: 400 for a filter that makes no sense.
    """
    tests = [compile_filter(each, lambda user, _: [user["userId"]]) for each in filters]
    named = list(predicates(filters, ("userId",)))
    if named and all(predicate.get("operator", "matches") == "matches" for predicate in named):
        wanted = {predicate.get("value") for predicate in named}  # nobody else can match
        user_ids = [user_id for user_id in user_ids if user_id in wanted]
    return [user_id for user_id in user_ids if all(test({"userId": user_id}) for test in tests)]
