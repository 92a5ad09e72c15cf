"""Fields that queries have in common, read from their bodies."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from genesys_dagster.sandbox.api.errors import ApiError, bad_request
from genesys_dagster.sandbox.api.filters import Json
from genesys_dagster.sandbox.interval import Interval
from genesys_dagster.sandbox.periods import cut, read_period
from genesys_dagster.sandbox.settings import SandboxSettings

ORDERS = ("asc", "desc", "unordered")

_DEFAULT_PAGE_SIZE = 25
_MAX_DAYS, _MAX_DAYS_FILTERED = 7, 31


def whole_number(value: object, name: str, *, least: int = 1) -> int:
    """A number from a body or query string.

    Raises:
        ApiError: 400 `invalid.value`.
    """
    text = "" if isinstance(value, bool) else str(value)
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise bad_request(f"Value [{value}] is not valid for field [{name}].", "invalid.value")
    return int(text)


def read_interval(body: Json) -> Interval:
    """The interval of a query.

    Raises:
        ApiError: 400 for one that is missing or impossible.
    """
    text = body.get("interval")
    if not isinstance(text, str) or not text:
        raise bad_request(
            "The field [interval] is required: start/end as ISO-8601 strings.", "constraint.validation"
        )
    try:
        return Interval.parse(text)
    except ValueError:
        raise ApiError("invalid.date") from None


def check_length(interval: Interval, *, filtered: bool) -> None:
    """Refuse an interval that is too long for an interactive query.

    Raises:
        ApiError: 400.
    """
    days = _MAX_DAYS_FILTERED if filtered else _MAX_DAYS
    if interval.days > days:
        raise bad_request(
            f"You must specify a search interval as part of your query that does not exceed {days} days"
        )


def read_parts(body: Json, interval: Interval) -> list[Interval]:
    """The subintervals into which a query's granularity and time zone cut its interval.

    Raises:
        ApiError: 400 for a granularity or time zone that is none.
    """
    try:
        zone = ZoneInfo(str(body.get("timeZone") or "UTC"))
        period = read_period(str(body["granularity"])) if body.get("granularity") else None
        return list(cut(interval, period, zone))
    except (ValueError, ZoneInfoNotFoundError):
        raise bad_request("The granularity or time zone is not valid.", "invalid.value") from None


def read_names(
    body: Json, key: str, is_known: Callable[[str], object], *, required: bool = False
) -> list[str]:
    """A list of names: metrics, or dimensions to group by.

    Raises:
        ApiError: 400 for an unknown name, for no list, and for a required one that is missing.
    """
    names = body.get(key) or []
    if required and not names:
        raise bad_request(f"The field [{key}] is required.", "constraint.validation")
    if not isinstance(names, list):
        raise bad_request(f"Value of [{key}] is not a list.", "invalid.value")
    if unknown := [name for name in names if not isinstance(name, str) or not is_known(name)]:
        raise bad_request(f"Value {unknown} is not valid for field type [{key}].", "invalid.value")
    return names


def read_one_of(value: object, name: str, allowed: tuple[str, ...]) -> str:
    """A value out of a list.

    Raises:
        ApiError: 400 for another one.
    """
    if value not in allowed:
        raise bad_request(
            f"Value [{value}] is not valid for field type [{name}]. Allowable values are: {', '.join(allowed)}",
            "invalid.value",
        )
    return str(value)


def read_paging(settings: SandboxSettings, body: Json) -> tuple[int, int]:
    """Page size and number of an interactive query, within the limits.

    Raises:
        ApiError: 400.
    """
    paging = body.get("paging")
    if paging is None:
        paging = {"pageSize": body.get("pageSize", _DEFAULT_PAGE_SIZE), "pageNumber": 1}
    if not isinstance(paging, dict) or paging.get("pageSize") is None or paging.get("pageNumber") is None:
        # Both are required as soon as paging is sent (SDK documentation, PagingSpec).
        raise bad_request("paging needs both pageSize and pageNumber.", "constraint.validation")
    size = whole_number(paging["pageSize"], "pageSize")
    number = whole_number(paging["pageNumber"], "pageNumber")
    if size > settings.max_query_page_size:
        raise bad_request(f"Page size may not exceed {settings.max_query_page_size}.", "invalid.value")
    if size * number > settings.max_pagination:
        raise bad_request(f"Pagination may not exceed {settings.max_pagination} results.")
    return size, number
