"""What an export of a fixed day costs, counted: the same on every machine, where seconds are not.

The day is a Monday of the sandbox's org, of which every byte is known. Numbers without a reason beside them were counted
here when they were written; whoever makes an export leaner lowers them. Seconds are for `make bench`.
"""

import json
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from unittest.mock import patch

import boto3
import moto.s3.models
import pyarrow as pa
import pytest

from genesys_dagster.extract.export import ConversationExport
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.parquet import ParquetSettings
from genesys_dagster.lake.publish import UploadSettings, publish
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.times import day_number, from_datetime
from genesys_dagster_tests.genesys.fake_jobs import FakeJobs
from genesys_dagster_tests.genesys.fakes import FakeApi, FakeClock, reply

DAY = date(2026, 1, 5)
CONVERSATIONS = 1_000
PAGE = 250
PAGES = CONVERSATIONS // PAGE
START = datetime(2026, 1, 5, tzinfo=UTC)
KNOWN_AT = datetime(2026, 1, 19, tzinfo=UTC)
PART = 256 * 1024
ROWS_PER_GROUP = 400


class Day(FakeJobs):
    """A bulk job over the first conversations of a Monday of the sandbox's org."""

    def __init__(self):
        super().__init__(CONVERSATIONS)
        self.query = lambda request: reply({"totalHits": CONVERSATIONS, "conversations": []})
        org = Org(conversations_per_day=CONVERSATIONS, variation=0.0, now=lambda: KNOWN_AT)
        as_of = from_datetime(KNOWN_AT)
        rows = islice(org.rows_of_day(day_number(DAY)), CONVERSATIONS)
        self._records = [org.body(row, as_of, attributes=True) for row in rows]

    def results(self, request, job_id):
        start = int(request.url.params.get("cursor", "at-0").removeprefix("at-"))
        records = b",".join(self._records[start : start + PAGE])
        after = {"dataAvailabilityDate": self.results_available}
        if start + PAGE < CONVERSATIONS:
            after["cursor"] = self.cursor(start + PAGE)
        return reply(b'{"conversations":[' + records + b"]," + json.dumps(after).encode()[1:], zipped=True)


class Costs:
    """What one export took; noted in lists, as several threads note at once."""

    def __init__(self):
        self.api = Counter()
        self.operations = []
        self.bodies = []
        self.noted = []
        self.calls = Counter()
        self.written = None
        self.pool = pa.proxy_memory_pool(pa.system_memory_pool())

    def note_s3(self, request, event_name, **_):
        self.operations.append(event_name.rpartition(".")[2])
        headers = request.headers  # over HTTPS botocore sends the body in chunks, with its checksum behind
        self.bodies.append(
            int(headers.get("X-Amz-Decoded-Content-Length") or headers.get("Content-Length") or 0)
        )

    def note_call(self, frame, event, _):
        if event == "call" and "genesys_dagster/" in frame.f_code.co_filename:
            self.noted.append(frame.f_code.co_qualname)

    @contextmanager
    def counted(self):
        """Counts the calls of our own functions, in all threads; those of libraries change with their versions."""
        threading.setprofile(self.note_call)
        sys.setprofile(self.note_call)
        try:
            yield
        finally:
            threading.setprofile(None)
            sys.setprofile(None)


@pytest.fixture(scope="module")
def costs():
    costs, api = Costs(), FakeApi(Day())
    export = ConversationExport(
        partial(api.client, FakeClock()),
        lambda client: ConversationDetails(client, source="job", job_page_size=PAGE, job_slices=1),
        Interval(START, START + timedelta(days=1)),
    )
    with (
        S3Server(bucket="counted") as s3,
        patch.object(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1),
        patch.object(pa, "system_memory_pool", lambda: costs.pool),
    ):
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        client = boto3.Session().client("s3", endpoint_url=s3.url, **keys)
        client.meta.events.register("before-send.s3", costs.note_s3)
        with costs.counted(), export.batches() as batches:
            costs.written = publish(
                FrameStream(CONVERSATION_SCHEMA, batches),
                client,
                s3.bucket,
                "day.parquet",
                parquet=ParquetSettings(rows_per_row_group=ROWS_PER_GROUP),
                upload=UploadSettings(part_size=PART),
            )
    costs.calls.update(costs.noted)
    costs.api.update(f"{method} {path}" for method, path in api.requests)
    return costs


def at_most(counted, expected):
    """A little more, for another version of a library; the locked ones count the same each time."""
    return counted <= expected * 1.03


def test_each_page_is_asked_for_once_and_a_job_costs_five_requests_besides(costs):
    job = "/api/v2/analytics/conversations/details/jobs"
    assert costs.api == {
        f"GET {job}/job-1/results": PAGES,
        f"GET {job}/availability": 1,
        f"POST {job}": 1,
        f"GET {job}/job-1": 1,
        f"DELETE {job}/job-1": 1,
        "POST /api/v2/analytics/conversations/details/query": 1,  # how many to expect
    }


def test_an_object_is_sent_once_in_full_parts_and_asked_about_once(costs):
    size = costs.written.object.size
    parts = -(-size // PART)
    assert Counter(costs.operations) == {
        "CreateMultipartUpload": 1,
        "UploadPart": parts,
        "CompleteMultipartUpload": 1,
        "HeadObject": 1,
    }
    assert costs.written.object.parts == parts
    assert size <= sum(costs.bodies) <= size + 1024  # the list of parts besides
    assert at_most(size, 1_206_790)  # 8,947,861 bytes of JSON


def test_row_groups_are_full_but_for_the_last(costs):
    assert costs.written.rows == CONVERSATIONS
    assert costs.written.row_groups == -(-CONVERSATIONS // ROWS_PER_GROUP)


def test_regular_pages_are_read_once_and_by_the_quick_way(costs):
    assert costs.calls["read_envelope"] == PAGES + 1  # and the answer to the query
    assert costs.calls["scan"] == PAGES
    assert costs.calls["Selection.keep"] <= PAGES
    assert costs.calls["read_documents"] <= PAGES
    assert not {"find_additions", "Learned.additions", "repair", "records_of"} & costs.calls.keys()


def test_arrow_takes_three_times_the_json_in_all_and_never_much_more_than_once(costs):
    assert costs.pool.bytes_allocated() == 0
    assert at_most(costs.pool.total_bytes_allocated(), 28_300_000)
    assert at_most(costs.pool.num_allocations(), 6_400)
    assert costs.pool.max_memory() <= 16_000_000  # 11.4 million; two row groups and a page may come together


def test_our_functions_are_called_ten_times_for_a_conversation(costs):
    # By page and row group, by column, never by record: 9,499, of which some 1,500 are once and for all.
    assert at_most(costs.calls.total(), 9_500), costs.calls.most_common(10)
    assert costs.calls["_Output.write"] <= costs.written.object.parts + 3
