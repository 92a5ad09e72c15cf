"""The official SDK knows every field of the sandbox and works against it."""

import importlib
import json
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.times import from_iso
from genesys_dagster_tests.sandbox.test_query import INTERVAL, MONDAY, ids
from genesys_dagster_tests.sandbox.test_reference import MODELS

pytestmark = pytest.mark.slow

# In a process of its own: the SDK's configuration is a singleton with a thread, and takes seconds to import.
SCRIPT = """
import json, os, sys
import PureCloudPlatformClientV2 as sdk

host, interval = sys.argv[1:]
client = sdk.api_client.ApiClient(host=host).get_client_credentials_token("sandbox", "sandbox-secret")
api = sdk.AnalyticsApi(client)
body = sdk.ConversationQuery()
body.interval = interval
body.order_by = "conversationStart"
body.paging = {"pageSize": 100, "pageNumber": 1}
queried = api.post_analytics_conversations_details_query(body)
available = api.get_analytics_conversations_details_jobs_availability().data_availability_date
job = api.post_analytics_conversations_details_jobs({"interval": interval, "startOfDayIntervalMatching": True})
state = api.get_analytics_conversations_details_job(job.job_id).state
rows, cursor = [], None
while True:
    options = {"cursor": cursor} if cursor else {}
    page = api.get_analytics_conversations_details_job_results(job.job_id, page_size=60, **options)
    rows += page.conversations
    cursor = page.cursor
    if not cursor:
        break
api.delete_analytics_conversations_details_job(job.job_id)
queues = sdk.RoutingApi(client).get_routing_queues(page_size=5)
statuses = api.post_analytics_users_details_query({"interval": interval})
job = api.post_analytics_users_details_jobs({"interval": interval})
users = api.get_analytics_users_details_job_results(job.job_id, page_size=60).user_details
api.delete_analytics_users_details_job(job.job_id)
sums = api.post_analytics_users_aggregates_query({"interval": interval, "metrics": ["tSystemPresence"]})
try:
    sdk.api_client.ApiClient(host=host).get_client_credentials_token("sandbox", "wrong")
except sdk.rest.ApiException as error:
    refused = error.status
print(json.dumps({
    "queried": [row.conversation_id for row in queried.conversations],
    "hits": queried.total_hits,
    "available": available.isoformat(),
    "state": state,
    "rows": [row.conversation_id for row in rows],
    "attributes": rows[0].participants[0].attributes,
    "media": sorted({s.media_type for row in rows for p in row.participants for s in p.sessions}),
    "queues": [queue.name for queue in queues.entities],
    "refused": refused,
    "statuses": sum(len((u.primary_presence or []) + (u.routing_status or [])) for u in statuses.user_details),
    "users available": api.get_analytics_users_details_jobs_availability().data_availability_date.isoformat(),
    "user": users[0].user_id,
    "presences": sorted(metric.qualifier for metric in sums.results[0].data[0].metrics),
    "definitions": [each.system_presence for each in sdk.PresenceApi(client).get_presence_definitions().entities],
}))
sys.stdout.flush()
os._exit(0)
"""


def test_the_official_sdk_logs_in_queries_and_runs_a_job(server, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, server.url, INTERVAL],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"HOME": str(tmp_path)},  # it reads a configuration file from there
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    day = server.org.day(MONDAY)
    assert seen["queried"] == ids(day)[:100]
    assert seen["hits"] == len(day)
    assert seen["rows"] == ids(day)
    assert seen["attributes"] == day[0]["participants"][0]["attributes"]
    assert seen["state"] == "FULFILLED"
    assert seen["available"] == "2026-11-20T09:00:00+00:00"
    assert {"voice", "email", "message"} <= set(seen["media"])
    assert len(seen["queues"]) == 5
    assert seen["refused"] == 401
    assert seen["statuses"] == 25
    assert seen["users available"] == "2026-11-20T02:00:00+00:00"
    assert seen["user"] == server.time.user_ids[0]
    assert {"AVAILABLE", "OFFLINE", "ON_QUEUE"} < set(seen["presences"])
    assert len(seen["definitions"]) == 13
    assert server.jobs == {}


class ModelCheck:
    """Compares JSON with the SDK's models."""

    def __init__(self) -> None:
        self.sdk = importlib.import_module("PureCloudPlatformClientV2")  # seconds to import
        self.python = {"str": str, "bool": bool, "int": int, "float": (int, float)}

    def value(self, value, kind: str, path: str) -> None:
        if kind.startswith("list["):
            assert isinstance(value, list), path
            for entry in value:
                self.value(entry, kind[5:-1], path)
        elif kind.startswith("dict("):
            for key, entry in value.items():
                assert isinstance(key, str)
                self.value(entry, kind[5:-1].split(", ")[1], path)
        elif kind == "datetime":
            assert len(value) == 24, (path, value)
            assert from_iso(value), path
        elif kind in self.python:
            assert isinstance(value, self.python[kind]), (path, value)
            assert kind == "bool" or not isinstance(value, bool), (path, value)
        else:
            self.model(value, kind, path)

    def model(self, value: dict, name: str, path: str) -> None:
        model = getattr(self.sdk, name)()
        attributes = {api: attribute for attribute, api in model.attribute_map.items()}
        for key, child in value.items():
            assert key in attributes, f"{path}.{key}"
            self.value(child, model.swagger_types[attributes[key]], f"{path}.{key}")
            # In place of an enum value that it does not know the SDK stores this word.
            setattr(model, attributes[key], child)
            assert getattr(model, attributes[key]) != "outdated_sdk_version", (path, key, child)


def test_records_and_entities_have_only_fields_types_and_enum_values_of_the_sdks_models():
    check = ModelCheck()
    org = Org(conversations_per_day=700, now=lambda: datetime(2027, 6, 1, tzinfo=UTC))
    for moment in (None, datetime(2026, 11, 16, 11, tzinfo=UTC)):
        for record in org.day(date(2026, 11, 16), moment):
            check.model(record, "AnalyticsConversation", "conversation")
    directory = org.directory
    listings = (
        directory.users,
        directory.queues,
        directory.wrapup_codes,
        directory.divisions,
        directory.skills,
    )
    for entities, name in zip((*listings, directory.languages), MODELS.values(), strict=True):
        for entity in entities:
            check.model(entity, name, name)


def test_status_records_and_presence_definitions_have_only_what_the_sdks_models_know(api, server):
    check = ModelCheck()
    page = api.http.post("/api/v2/analytics/users/details/query", json={"interval": INTERVAL}).json()
    check.model(page, "AnalyticsUserDetailsQueryResponse", "details")
    body = {"interval": INTERVAL, "metrics": ["tSystemPresence"], "groupBy": ["userId"]}
    sums = api.http.post("/api/v2/analytics/users/aggregates/query", json=body).json()
    check.model(sums, "UserAggregateQueryResponse", "aggregates")
    listing = api.http.get("/api/v2/presence/definitions").json()
    for entity in listing["entities"]:
        check.model(entity, "OrganizationPresenceDefinition", "definition")
