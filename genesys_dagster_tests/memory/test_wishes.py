"""Whatever is wanted is asked for again, for any history of failures, ticks and clocks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.memory.wanted.steps import Attempts, Step, Wish, in_words, pause_after, ready

START = datetime(2026, 5, 1, tzinfo=UTC)
DAYS = ["2026-05-01", "2026-05-02", "2026-05-03"]
LONGEST = timedelta(days=1)

moves = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.integers(1, 60 * 30)),  # minutes since the move before
        st.tuples(st.just("fails"), st.sampled_from(DAYS)),
        st.tuples(st.just("comes"), st.sampled_from(DAYS)),
        st.tuples(st.just("busy"), st.sampled_from(DAYS)),
        st.tuples(st.just("moves on"), st.sampled_from(DAYS)),
    ),
    max_size=60,
)


class World:
    """Days of which one step each is wanted, runs for them, and a clock."""

    def __init__(self):
        self.now = START
        self.steps = {day: Step("refresh", day, "step 1", START) for day in DAYS}
        self.attempts = {}
        self.there = set()
        self.busy = set()
        self.run_keys = set()

    def wishes(self):
        wanted = [step for day, step in self.steps.items() if day not in self.there]
        return [Wish(step, self.attempts.get(step, Attempts())) for step in wanted]

    def tick(self, minutes):
        self.now += timedelta(minutes=minutes)
        wishes = self.wishes()
        asked = ready(wishes, self.busy, self.now, 50)
        for wish in asked:
            assert wish.step.day not in self.there  # nothing that is there is asked for
            assert not wish.attempts.is_under_way  # and nothing that is on its way
            assert (
                wish.run_key not in self.run_keys
            )  # a key that was used would be skipped by the daemon, for ever
            self.run_keys.add(wish.run_key)
            self.attempts[wish.step] = replace(wish.attempts, is_under_way=True)
        for wish in wishes:
            self.is_not_forgotten(wish, asked)
        self.busy.clear()

    def is_not_forgotten(self, wish, asked):
        tried, waits = wish.attempts, wish.step.day in self.busy
        if wish in asked or tried.is_under_way or waits:
            return
        assert tried.last_end is not None  # what was never tried is asked for at once
        assert self.now < tried.last_end + LONGEST

    def fails(self, day):
        step = self.steps[day]
        tried = self.attempts.get(step)
        if tried and tried.is_under_way:
            ended = tried.ended + 1
            self.attempts[step] = Attempts(ended, self.now, f"{step.key} run {ended}")

    def comes(self, day):
        self.there.add(day)

    def moves_on(self, day):
        """The next step of the plan is due."""
        number = int(self.steps[day].name.rpartition(" ")[2]) + 1
        self.steps[day] = replace(self.steps[day], name=f"step {number}")


@given(moves)
def test_whatever_is_wanted_is_asked_for_within_a_day_of_the_last_failure_and_once_at_a_time(history):
    world = World()
    for kind, what in history:
        if kind == "tick":
            world.tick(what)
        elif kind == "busy":
            world.busy.add(what)
        else:
            getattr(world, kind.replace(" ", "_"))(what)
    world.busy.clear()
    world.tick(60 * 25)
    for wish in world.wishes():
        assert world.attempts[wish.step].is_under_way


@given(st.integers(0, 10**6))
def test_pauses_grow_to_a_day_and_never_beyond(tries):
    assert timedelta(hours=1) <= pause_after(tries) <= LONGEST
    assert pause_after(tries) <= pause_after(tries + 1)


def test_pauses_are_as_documented():
    hours = [pause_after(tries) / timedelta(hours=1) for tries in range(1, 8)]
    assert hours == [1, 2, 4, 8, 16, 24, 24]


def test_two_steps_of_a_day_come_one_after_the_other():
    steps = [Step("refresh", DAYS[0], "a", START), Step("incomplete", DAYS[0], "b", START)]
    assert [wish.step.name for wish in ready(map(Wish, steps), set(), START, 50)] == ["a"]


@pytest.mark.parametrize(
    ("attempts", "words"),
    [
        (Attempts(), "wanted: 2026-05-01 (refresh)"),
        (Attempts(is_under_way=True), "wanted: 2026-05-01 (refresh, under way)"),
        (Attempts(2, START, "x"), "wanted: 2026-05-01 (refresh, tried 2 times, next 2026-05-01 02:00 UTC)"),
    ],
)
def test_a_tick_says_what_is_wanted(attempts, words):
    assert in_words([Wish(Step("refresh", DAYS[0], "a", START), attempts)]) == words


def test_a_tick_names_a_few_and_counts_the_rest():
    assert in_words([Wish(Step("refresh", str(day), "a", START)) for day in range(9)]).endswith("and 4 more")
    assert in_words([]) == "nothing is wanted"
