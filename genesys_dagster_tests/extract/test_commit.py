"""What may take the place of a stored day, and what may not: the rules alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.extract.commit import Candidate, CommitRefusedError, Policy, judge, wobble

SOURCE = st.sampled_from([None, "job", "query"])


def new(**facts):
    return Candidate(**({"day": "2026-05-12", "rows": 100, "source": "job"} | facts))


def refusal(candidate, **policy):
    with pytest.raises(CommitRefusedError) as caught:
        judge(candidate, Policy(**policy))
    return caught.value


def test_a_first_version_that_is_whole_passes():
    assert judge(new(announced=100, received=100), Policy()) == {"announced_missing": 0}


@pytest.mark.parametrize(("stored", "removed"), [(361, 10), (20, 10), (5_000, 50), (11, 10)])
def test_a_few_that_are_gone_pass_as_deletions(stored, removed):
    assert judge(new(stored=stored, removed=removed), Policy())


@pytest.mark.parametrize(
    ("stored", "removed"), [(361, 11), (361, 121), (361, 321), (5_000, 51), (3, 3), (361, 361)]
)
def test_more_or_all_that_are_gone_are_refused_for_good(stored, removed):
    error = refusal(new(rows=stored - removed, stored=stored, removed=removed))
    assert not error.retryable
    assert "division" in str(error)
    assert "retention" in str(error)
    assert "accept_loss" in str(error)
    assert ("all" if stored == removed else f"{removed}") in str(error)


def test_how_many_deletions_pass_is_configured():
    candidate = new(stored=1_000, removed=30)
    assert judge(candidate, Policy(deletions=30))
    assert judge(candidate, Policy(deletions=0, deletions_percent=3))
    assert refusal(candidate, deletions=29, deletions_percent=2.9)


def test_the_query_never_replaces_the_job():
    assert "query" in str(refusal(new(source="query", stored=100, stored_source="job")))
    for stored_source, source in [
        ("query", "query"),
        ("query", "job"),
        ("job", "job"),
        ("job", None),
        (None, "query"),
    ]:
        assert judge(new(source=source, stored=100, stored_source=stored_source), Policy())


def test_a_shortfall_is_asked_about_again_and_then_stored_only_where_nothing_fuller_lies():
    short = {"announced": 5_000, "received": 4_800}
    assert refusal(new(**short)).retryable
    assert judge(new(**short), Policy(is_last_attempt=True)) == {"announced_missing": 200}
    assert judge(new(**short, stored=4_700), Policy(is_last_attempt=True)) == {"announced_missing": 200}
    assert not refusal(new(**short, stored=4_801, removed=1), is_last_attempt=True).retryable


@pytest.mark.parametrize(("announced", "received", "missing"), [
    (5_000, 4_995, 0), (5_000, 4_994, 6), (1_000_000, 999_995, 0), (1_000_000, 999_990, 10), (320, 319, 1), (100, 120, 0),
])  # fmt: skip
def test_the_tolerance_is_a_few_conversations_on_days_of_any_size(announced, received, missing):
    assert new(announced=announced, received=received).missing == missing


def test_what_somebody_accepts_is_committed_and_remembered():
    verdict = judge(new(rows=0, stored=361, removed=361), Policy(accept_loss=True))
    assert "all of the 361" in verdict["accepted"]


def test_an_accepted_shortfall_is_no_longer_missed():
    for is_last_attempt in (True, False):
        policy = Policy(accept_loss=True, is_last_attempt=is_last_attempt)
        verdict = judge(new(announced=5_000, received=4_800), policy)
        assert "200 of the 5,000" in verdict["accepted"]
        assert verdict["announced_missing"] == 0


@given(
    stored=st.none() | st.integers(0, 3_000),
    removed_share=st.floats(0, 1),
    announced=st.none() | st.integers(0, 3_000),
    received=st.integers(0, 3_000),
    source=SOURCE,
    stored_source=SOURCE,
    is_last_attempt=st.booleans(),
)
def test_whatever_passes_unaccepted_lacks_no_more_than_the_deletions(
    stored, removed_share, announced, received, source, stored_source, is_last_attempt
):
    removed = int((stored or 0) * removed_share)
    candidate = new(
        rows=received, source=source, announced=announced, received=received,
        stored=stored, removed=removed, stored_source=stored_source,
    )  # fmt: skip
    try:
        verdict = judge(candidate, Policy(is_last_attempt=is_last_attempt))
    except CommitRefusedError:
        return
    assert removed <= max(10, (stored or 0) // 100)
    assert not stored or removed < stored
    assert (stored_source, source) != ("job", "query")
    short = announced is not None and announced - received > wobble(announced)
    assert bool(verdict["announced_missing"]) == short
    assert not short or (is_last_attempt and not removed)
