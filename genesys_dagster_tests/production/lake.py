"""What lies in the lake, and what the org says: read without any of the product's code."""

import gzip
import io
import json
import re
import urllib.request
from collections import Counter

import boto3
import pyarrow.parquet as pq

_JOBS = "/api/v2/analytics/conversations/details/jobs"


def stored_ids(cluster, day):
    """The ids of the conversations in a day's object, as often as they are there."""
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=cluster.s3.url, **keys)
    key = f"genesys/conversation_details/date={day}/data.parquet"
    body = client.get_object(Bucket=cluster.s3.bucket, Key=key)["Body"].read()
    return Counter(pq.read_table(io.BytesIO(body), columns=["conversationId"])["conversationId"].to_pylist())


def true_ids(cluster, day):
    """The ids of the conversations that started on a day, by the org's own word."""
    request = urllib.request.Request(f"{cluster.sandbox.url}/sandbox/truth?day={day}")
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return Counter(each["conversationId"] for each in json.loads(body)["conversations"])


def submitted_jobs(cluster):
    """How many bulk jobs were submitted, by the day that they asked for; as the sandbox counted them."""
    posted = [each for each in cluster.sandbox.requests if (each.method, each.path) == ("POST", _JOBS)]
    intervals = [json.loads(each.body)["interval"] for each in posted if each.status < 300]
    return Counter(re.match(r"\d{4}-\d\d-\d\d", interval)[0] for interval in intervals)


def refused(cluster):
    """How many requests were too many."""
    return sum(each.status == 429 for each in cluster.sandbox.requests)
