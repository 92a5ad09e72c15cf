"""What the looks into a day of periods find: each fault that a check is there for, and no others."""

from datetime import timedelta

import pyarrow as pa
import pytest

from genesys_dagster.checks.periods import PRESENCE, ROUTING
from genesys_dagster.checks.schema import schema_finding
from genesys_dagster.records.user_status import USER_PRESENCE, of_kind, read_periods
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.agents_time.presences import Presences
from genesys_dagster_tests.checks.conftest import look
from genesys_dagster_tests.checks.tables import set_column
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import DAYS

WINDOW = DAYS.window(str(DAY))
SECOND = timedelta(seconds=1)
BOTH = [*((theme.name, "presence") for theme in PRESENCE), *((theme.name, "routing") for theme in ROUTING)]


@pytest.fixture(scope="module")
def days(_servers):
    """A day of each table as it is stored."""
    server, _ = _servers
    genesys = GenesysResource(
        client_id="sandbox", client_secret="sandbox-secret", api_url=server.url, login_url=server.url
    )
    began = genesys.user_status(WINDOW).began
    return {"presence": of_kind(began, "presence"), "routing": of_kind(began, "routing_status")}


@pytest.fixture
def presence(days):
    return days["presence"]


@pytest.fixture(scope="module")
def definitions(_servers):
    server, _ = _servers
    return {presence.definition_id for presence in Presences(server.org.directory).all}


def seen(name, table, kind="presence", known=None):
    return look(name, table, known, PRESENCE if kind == "presence" else ROUTING)


def of_user(table, user, *periods):
    """The table with periods of a user whom nobody else is: start and end in hours after midnight, end None if open."""
    rows = [
        {
            "user_id": user,
            "start_time": WINDOW.start + start * timedelta(hours=1),
            "end_time": None if end is None else WINDOW.start + end * timedelta(hours=1),
            "system_presence": "AVAILABLE",
        }
        for start, end in periods
    ]
    return pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)])


@pytest.mark.parametrize(("name", "kind"), BOTH)
def test_a_day_as_the_org_holds_it_is_in_order(days, definitions, name, kind):
    assert seen(name, days[kind], kind, definitions).verdict == "passed"


@pytest.mark.parametrize(("name", "kind"), BOTH)
def test_an_empty_day_is_in_order(days, name, kind):
    assert seen(name, days[kind].slice(0, 0), kind, {"any"}).verdict == "passed"


def test_a_period_that_stands_twice_is_an_error_even_rows_apart(presence):
    found = seen("unique_periods", pa.concat_tables([presence, presence.slice(3, 2)]))
    assert (found.verdict, found.summary[:4]) == ("ERROR", "2 of")
    assert presence["user_id"][3].as_py() in found.figures["repeated_users"]


def test_two_users_may_begin_in_the_same_millisecond_and_one_may_have_periods_without_start(presence):
    same = of_user(of_user(presence, "a", (9, 10)), "b", (9, 10))
    assert seen("unique_periods", same).verdict == "passed"
    starts = presence["start_time"].to_pylist()
    users = presence["user_id"].to_pylist()
    without = set_column(presence, "start_time", [None, None, *starts[2:]])
    assert (
        seen("unique_periods", set_column(without, "user_id", [users[0]] * 2 + users[2:])).verdict == "passed"
    )
    assert seen("window", without).figures["without_start"] == 2


@pytest.mark.parametrize(
    ("moment", "verdict"),
    [
        (WINDOW.start - timedelta(milliseconds=1), "ERROR"),
        (WINDOW.start, "passed"),
        (WINDOW.end - timedelta(milliseconds=1), "passed"),
        (WINDOW.end, "ERROR"),
    ],
)
def test_the_first_instant_belongs_to_the_day_and_its_end_to_the_next(presence, moment, verdict):
    starts = presence["start_time"].to_pylist()
    found = seen("window", set_column(presence, "start_time", [*starts[:5], moment, *starts[6:]]))
    assert (found.verdict, found.figures["outside"]) == (verdict, int(verdict == "ERROR"))


@pytest.mark.parametrize(
    ("periods", "figures"),
    [
        ([(9, 10), (10, 11), (12, None)], {}),
        ([(9, 10 + 1 / 3600), (10, 11)], {}),
        ([(12, None), (10, 11), (9, 10)], {}),
        ([(9, 8.5)], {"end_before_start": 1}),
        ([(9, 10.5), (10, 11)], {"overlaps": 1, "overlapping_seconds": 1800.0}),
        ([(10, 11), (9, 10.5)], {"overlaps": 1, "overlapping_seconds": 1800.0}),
        ([(9, None), (10, 11)], {"open_before_next": 1}),
    ],
)
def test_periods_of_a_user_that_overlap_or_run_backwards_are_warned_of(presence, periods, figures):
    found = seen("periods_in_order", of_user(of_user(presence, "u", *periods), "other", (9, None)))
    none = {"end_before_start": 0, "overlaps": 0, "overlapping_seconds": 0.0, "open_before_next": 0}
    assert {name: found.figures[name] for name in none} == none | figures
    assert found.verdict == ("WARN" if figures else "passed")


def test_open_periods_are_counted_and_never_fail(presence):
    found = seen("open_periods", set_column(presence, "end_time", [None] * len(presence)))
    assert (found.verdict, found.figures["open_periods"]) == ("passed", len(presence))


def test_fields_that_the_columns_do_not_hold_are_warned_of_by_name():
    page = b"""{"userDetails": [{"userId": "u", "primaryPresence": [
        {"startTime": "2026-05-12T08:00:00.000Z", "systemPresence": "MEAL", "reason": "late"}]}]}"""
    found = seen("unknown_fields", of_kind(read_periods(page).rows, "presence"))
    assert (found.verdict, found.figures["unknown_fields"]) == ("WARN", {"reason": 1})


@pytest.mark.parametrize("value", ["LUNCH", None])
@pytest.mark.parametrize(("kind", "column"), [("presence", "system_presence"), ("routing", "routing_status")])
def test_a_status_that_is_new_or_missing_is_warned_of(days, kind, column, value):
    statuses = days[kind][column].to_pylist()
    found = seen("known_values", set_column(days[kind], column, [value, *statuses[1:]]), kind)
    assert (found.verdict, found.figures["unknown_values"]) == ("WARN", {value or "(none)": 1})


def test_definitions_without_a_name_are_warned_of_and_a_period_may_have_none(presence, definitions):
    name = "presence_definitions_known"
    ids = presence["organization_presence_id"].to_pylist()
    found = seen(name, presence, known=definitions - {ids[0]})
    assert (found.verdict, found.figures["without_name"]) == ("WARN", {ids[0]: ids.count(ids[0])})
    nameless = set_column(presence, "organization_presence_id", [None, *ids[1:]])
    assert seen(name, nameless, known=definitions).verdict == "passed"
    assert "No snapshot yet" in seen(name, presence, known=None).summary
    assert "Not compared" in seen(name, presence, known=frozenset()).summary


def test_an_object_of_another_version_fails_by_column(presence):
    table = presence.drop_columns(["unknown_fields"])
    finding = schema_finding(pa.dataset.dataset(table), USER_PRESENCE)
    assert finding.figures["differences"].data == {"unknown_fields": "is missing"}
    assert seen("unknown_fields", table).verdict == "WARN"
    assert seen("window", table).verdict == "passed"
