"""Where the lake is, read once and the same for everybody."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genesys_dagster
from genesys_dagster.environment import BUCKET, PREFIX
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.layout import object_key
from genesys_dagster.lake.place import Place, lake_place


@pytest.fixture(autouse=True)
def bucket(monkeypatch):
    monkeypatch.setenv(BUCKET, "lake")


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [
        (None, "s3://lake/genesys"),
        ("", "s3://lake"),
        ("/", "s3://lake"),
        ("/raw/genesys/", "s3://lake/raw/genesys"),
    ],
)
def test_the_environment_says_where_the_lake_is_and_an_empty_prefix_is_the_root(monkeypatch, prefix, uri):
    if prefix is not None:
        monkeypatch.setenv(PREFIX, prefix)
    assert lake_place().uri == uri


def test_fields_come_before_the_environment(monkeypatch):
    monkeypatch.setenv(PREFIX, "other")
    assert lake_place("mine", "") == Place("mine", "")


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        ("", "No bucket is set: set the environment variable GENESYS_S3_BUCKET"),
        (
            "s3://lake",
            "GENESYS_S3_BUCKET='s3://lake' is not the name of a bucket: write the name alone, lake.",
        ),
        ("s3://lake/raw/x/", "write the name alone, lake, and raw/x into GENESYS_S3_PREFIX."),
        ("my lake", "write the name alone, such as my-lake."),
        ("lake/raw", "write the name alone"),
        ("https://lake.s3.amazonaws.com", "write the name alone"),
    ],
)
def test_what_is_no_bucket_is_told_with_what_to_write(monkeypatch, bucket, words):
    monkeypatch.setenv(BUCKET, bucket)
    with pytest.raises(StorageError) as caught:
        lake_place()
    assert words in str(caught.value)
    assert caught.value.permanent


@pytest.mark.parametrize("prefix", ["s3://lake/genesys", "a//b", "a/../b", ".", "a\nb"])
def test_what_is_no_prefix_is_told_with_what_to_write(monkeypatch, prefix):
    monkeypatch.setenv(PREFIX, prefix)
    with pytest.raises(
        StorageError, match=r"GENESYS_S3_PREFIX=.* cannot begin keys: write folders without s3://"
    ):
        lake_place()


@pytest.mark.parametrize(
    "bucket", ["my_lake", "lake.example.org", "arn:aws:s3:eu-west-1:123456789012:accesspoint/lake"]
)
def test_names_that_other_stores_and_access_points_have_are_taken(bucket):
    assert lake_place(bucket).bucket == bucket


@given(st.text(max_size=20))
def test_a_prefix_is_refused_or_begins_every_key_without_an_empty_folder(prefix):
    try:
        place = lake_place("lake", prefix)
    except StorageError:
        return
    key = object_key(place.prefix, ["calls"])
    assert key.endswith("calls/data.parquet")
    assert "//" not in key
    assert not key.startswith("/")


def test_the_client_is_made_in_one_module():
    root = Path(genesys_dagster.__file__).parent
    found = [path for path in root.rglob("*.py") if ".get_client(" in path.read_text(encoding="utf-8")]
    assert [str(path.relative_to(root)) for path in found] == ["lake/client.py"]
