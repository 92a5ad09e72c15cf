"""Half hours, directions and agents: what is too much in its place, and what may be there."""

import pytest

from genesys_dagster.checks.metric_totals import HalfHour, OfAgent, Total
from genesys_dagster.checks.placement import directed, excesses_of


def at(half_hour, direction="inbound", metric="tTalk"):
    return HalfHour(half_hour, "voice", direction, metric)


@pytest.mark.parametrize(
    ("ours", "theirs", "exceeds"),
    [
        (Total(2, 50.0), Total(2, 50.0), False),
        (Total(2, 50.0), Total(3, 70.0), False),  # a conversation of another day
        (Total(2, 50.0), Total(1, 50.0), True),
        (Total(2, 52.0), Total(2, 50.0), False),  # a millisecond per value
        (Total(2, 53.0), Total(2, 50.0), True),
        (Total(1, 0.0), None, True),
    ],
)
def test_only_more_than_genesys_cloud_counts_is_too_much(ours, theirs, exceeds):
    place = OfAgent("u", "voice", "tTalk")
    assert bool(excesses_of({place: ours}, {place: theirs} if theirs else {})) is exceeds


def test_counters_are_compared_by_their_values():
    place = OfAgent("u", "voice", "nOutbound")
    assert not excesses_of({place: Total(1, 3.0)}, {place: Total(3, 3.0)})
    assert excesses_of({place: Total(1, 3.0)}, {place: Total(2, 2.0)})


def test_few_other_directions_are_told_and_many_are_too_much():
    theirs = {at(1): Total(10, 100.0), at(1, "outbound"): Total(10, 100.0)}
    few = {at(1): Total(11, 110.0), at(1, "outbound"): Total(9, 90.0)}
    excesses, remark = directed(few, theirs)
    assert (excesses, remark) == (
        [], "Genesys Cloud counts 5.0% in another direction than that of their session: tTalk.",
    )  # fmt: skip
    many = {at(1): Total(13, 130.0), at(1, "outbound"): Total(7, 70.0)}
    excesses, remark = directed(many, theirs)
    assert ([each.place for each in excesses], remark) == ([at(1)], None)


def test_few_in_another_half_hour_are_too_much():
    theirs = {at(n): Total(10, 100.0) for n in range(9)}
    excesses, remark = directed(theirs | {at(1): Total(9, 90.0), at(2): Total(11, 110.0)}, theirs)
    assert ([each.place for each in excesses], remark) == ([at(2)], None)
