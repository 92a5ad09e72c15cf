"""What counts as different from Genesys Cloud's own sums."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.checks.comparison import by_cell, compare
from genesys_dagster.checks.metric_totals import Cell, Total
from genesys_dagster.genesys.aggregates import Aggregate


def theirs(queue, metric, count, total=None):
    group = {"mediaType": "voice"} | ({"queueId": queue} if queue else {})
    return Aggregate(group, "a/b", metric, count, total)


def cell(metric, queue="q"):
    return Cell(queue, "voice", metric)


def differing(ours, *aggregates):
    return [each.cell for each in compare(ours, by_cell(aggregates)).differences]


def test_equal_counts_and_sums_agree():
    ours = {cell("tTalk"): Total(3, 300.0), cell("nOffered", None): Total(2, 2.0)}
    assert differing(ours, theirs("q", "tTalk", 3, 300.0), theirs(None, "nOffered", 2)) == []


def test_a_count_that_is_off_by_one_differs():
    assert differing({cell("tTalk"): Total(3, 300.0)}, theirs("q", "tTalk", 4, 300.0)) == [cell("tTalk")]


def test_counters_are_compared_by_the_sum_of_their_values():
    assert differing({cell("nOffered"): Total(2, 5.0)}, theirs("q", "nOffered", 5)) == []
    assert differing({cell("nOffered"): Total(2, 5.0)}, theirs("q", "nOffered", 2)) == [cell("nOffered")]


def test_a_sum_may_be_off_by_a_millisecond_for_each_value():
    ours = {cell("tTalk"): Total(3, 300.0)}
    assert differing(ours, theirs("q", "tTalk", 3, 303.0)) == []
    assert differing(ours, theirs("q", "tTalk", 3, 304.0)) == [cell("tTalk")]


def test_a_queue_that_one_side_lacks_differs():
    ours = {cell("tTalk"): Total(1, 5.0), cell("tTalk", "gone"): Total(1, 5.0)}
    found = differing(ours, theirs("q", "tTalk", 1, 5.0), theirs("new", "tTalk", 1, 5.0))
    assert set(found) == {cell("tTalk", "gone"), cell("tTalk", "new")}


@pytest.mark.parametrize(
    "metric", ["nOffered", "tAbandon", "tHandle", "tAcw", "tTalkComplete", "tHeldComplete"]
)
def test_a_metric_that_no_conversation_carries_any_more_differs_and_is_named(metric):
    outcome = compare(
        {cell("tTalk"): Total(1, 5.0)}, by_cell([theirs("q", "tTalk", 1, 5.0), theirs("q", metric, 2, 9.0)])
    )
    assert [each.cell for each in outcome.differences] == [cell(metric)]
    assert (outcome.lost, outcome.only_theirs) == ([metric], [])


def test_connections_that_an_org_counts_in_other_queues_are_told_and_not_held_against_the_day():
    ours = {cell("nConnected", None): Total(9, 9.0), cell("nConnected", "out"): Total(2, 2.0)}
    agreeing = [theirs(None, "nConnected", 4), theirs("q", "nConnected", 5), theirs("out", "nConnected", 2)]
    outcome = compare(ours, by_cell(agreeing))
    assert (outcome.differences, outcome.elsewhere) == ([], ("nConnected",))
    outcome = compare(ours, by_cell([*agreeing[:2], theirs("out", "nConnected", 3)]))
    assert (len(outcome.differences), outcome.elsewhere) == (3, ())
    other = {cell("nOffered", None): Total(9, 9.0), cell("nOffered"): Total(2, 2.0)}
    assert len(differing(other, theirs(None, "nOffered", 4), theirs("q", "nOffered", 7))) == 2


def test_a_metric_that_aggregates_know_and_do_not_count_differs_and_is_named():
    ours = {cell("tTalk"): Total(1, 5.0), cell("tHandle"): Total(1, 9.0)}
    outcome = compare(ours, by_cell([theirs("q", "tTalk", 1, 5.0)]))
    assert [each.cell for each in outcome.differences] == [cell("tHandle")]
    assert (outcome.uncounted, outcome.only_ours) == (["tHandle"], [])


def test_a_metric_that_one_side_may_not_know_is_listed_and_not_judged():
    outcome = compare(
        {cell("tTalk"): Total(1, 5.0), cell("tFlow"): Total(1, 5.0), cell("tNew"): Total(1, 5.0)},
        by_cell(
            [theirs("q", "tTalk", 1, 5.0), theirs("q", "nConversations", 9), theirs("q", "oMediaCount", 9)]
        ),
    )
    assert outcome.differences == outcome.lost == outcome.uncounted == []
    assert (outcome.only_ours, outcome.only_theirs) == (["tFlow", "tNew"], ["nConversations", "oMediaCount"])


def test_a_side_that_has_nothing_at_all_differs_in_everything():
    assert differing({cell("tTalk"): Total(1, 5.0)}) == [cell("tTalk")]
    assert differing({}, theirs("q", "tTalk", 1, 5.0)) == [cell("tTalk")]
    assert differing({}) == []


cells = st.builds(
    Cell, st.sampled_from(["q", "r", None]), st.just("voice"), st.sampled_from(["tTalk", "nOffered"])
)


@given(st.dictionaries(cells, st.builds(Total, st.integers(1, 5), st.integers(1, 5).map(float)), max_size=5))
def test_a_partition_agrees_with_its_own_sums(ours):
    same = [
        theirs(
            c.queue,
            c.metric,
            round(t.total) if c.metric == "nOffered" else t.count,
            None if c.metric == "nOffered" else t.total,
        )
        for c, t in ours.items()
    ]
    assert differing(ours, *same) == []
