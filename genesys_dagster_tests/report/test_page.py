"""The page: it says what the data say, needs nothing but itself, and runs nobody else's code."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs

from genesys_dagster.report import charts
from genesys_dagster.report.page import agent_minutes, render
from genesys_dagster.report.summary import summary, svg
from genesys_dagster.report.words import UNKNOWN, duration, percent, target, whole
from genesys_dagster_tests.report.conftest import LAST, agent_row, back, queue_row, report_data

BUSY = {
    "offered": 200,
    "answered": 150,
    "abandoned": 50,
    "answered_in_target": 120,
    "service_level_base": 200,
    "answer_seconds": 1_500,
    "handled": 160,
    "handle_seconds": 48_000,
    "transferred": 16,
}


class Page(HTMLParser):
    """What a browser is told to load, and what a reader sees."""

    def __init__(self, html):
        super().__init__()
        self.loads, self.texts, self.stack = [], [], []
        self.feed(html.replace(get_plotlyjs(), ""))

    def handle_starttag(self, tag, attributes):
        self.stack.append(tag)
        self.loads += [value for name, value in attributes if name in {"src", "href", "data", "action"}]

    def handle_data(self, data):
        if not {"script", "style"} & set(self.stack[-1:]) and data.strip():
            self.texts.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def busy():
    """A page of two busy days, one in each period."""
    agents = {LAST: [agent_row(alerted=10, not_responding=1, handled=10, handle_seconds=3_000)]}
    data = report_data(
        {LAST: [queue_row(**BUSY)], back(30): [queue_row(back(30), **{**BUSY, "offered": 100})]}, agents
    )
    return render(data, "Europe/Berlin")


def test_the_main_figures_stand_on_the_page(busy):
    texts = Page(busy).texts
    assert {"200", "60.0 %", "25.0 %", "0:10", "5:00", "10.0 %", "Sales", "voice"} <= set(texts)
    assert "Mon 13 Apr 2026 to Tue 12 May 2026 · changes against the 30 days before" in texts


def test_the_change_against_the_days_before_is_told(busy):
    assert "▲ 100.0 %" in Page(busy).texts
    assert "▼ 25.0 points" in Page(busy).texts


def test_the_page_loads_nothing(busy):
    assert Page(busy).loads == []
    assert "default-src 'none'" in busy
    assert not re.search(
        r"@import|url\((?!['\"]?data:)", busy[busy.index("<style>") : busy.index("</style>")]
    )


def test_all_charts_are_there_and_plotly_once(busy):
    for chart in ("volumes", "service-level", "abandon-rate", "handle-time", "busy", "in-time", "agents"):
        assert busy.count(f'<div id="{chart}"') == 1
    assert busy.count("plotly.js v") == 1


def test_the_same_data_make_the_same_page(busy):
    agents = {LAST: [agent_row(alerted=10, not_responding=1, handled=10, handle_seconds=3_000)]}
    data = report_data(
        {LAST: [queue_row(**BUSY)], back(30): [queue_row(back(30), **{**BUSY, "offered": 100})]}, agents
    )
    assert render(data, "Europe/Berlin") == busy


def test_names_are_text_never_markup():
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    page = render(report_data({LAST: [queue_row(name=evil, medium=evil, offered=1)]}), "UTC")
    assert evil not in page
    assert "<img src=x" not in page
    assert evil in Page(page).texts


def test_the_answer_time_is_that_of_calls_so_that_emails_do_not_drown_it():
    waits = {"answered": 10, "answer_seconds": 150.0, "offered": 10}
    hours = {"answered": 10, "answer_seconds": 72_000.0, "offered": 10}
    data = report_data({LAST: [queue_row(**waits), queue_row(queue="mail", medium="email", **hours)]})
    texts = Page(render(data, "UTC")).texts
    tile = texts.index("Answer time")
    assert texts[tile + 1] == "0:15"
    assert "mean wait of calls" in texts
    week = texts.index("Week of 11 May (1 of 7 days)")
    assert "0:15" in texts[week : week + 6]
    assert "1:00:08" not in texts
    assert "| Answer time of calls | 0:15 |" in summary(data)


def test_a_queue_of_several_media_has_a_line_for_each():
    listed = [
        queue_row(medium="voice", offered=3),
        queue_row(medium="callback", offered=2),
        queue_row(queue="mail", name="Mail", medium="email", offered=1),
    ]
    texts = Page(render(report_data({LAST: listed}), "UTC")).texts
    names = [text for text in texts if text.split(",")[0] in {"Sales", "Mail"}]
    assert names == ["Sales, voice", "Sales, callback", "Mail"]


def test_agents_are_counted_and_not_named(busy):
    assert "A Person" not in busy
    assert "u1" not in Page(busy).texts
    assert "1 agents by their mean handle time; 10.0 % of alerts were not answered." in Page(busy).texts


def test_agents_mean_handle_times_are_of_the_reports_days():
    agents = {
        LAST: [
            agent_row(handled=2, handle_seconds=600),
            agent_row(user="u2"),
            agent_row(user="u3", handled=1),
        ],
        back(1): [agent_row(back(1), handled=1, handle_seconds=30)],
        back(31): [agent_row(back(31), user="u4", handled=1, handle_seconds=999)],
    }
    assert agent_minutes(report_data({day: [] for day in agents}, agents)) == [0, 3.5]


def test_missing_days_are_told(busy):
    assert "29 of these 30 days are not in the lake yet: unknown, not zero." in Page(busy).texts
    whole_month = report_data({back(number): [] for number in range(30)})
    assert "are not in the lake" not in render(whole_month, "UTC")


def test_days_that_an_older_version_computed_are_told_with_what_to_do():
    data = replace(report_data({LAST: []}), outdated=[str(back(number)) for number in (9, 3, 1)])
    (told,) = [text for text in Page(render(data, "UTC")).texts if "version before" in text]
    assert told.startswith("3 days from Sun 3 May 2026 to Mon 11 May 2026 lack")
    assert "materialize queue_performance and agent_performance" in told


def test_charts_begin_with_the_first_day_in_the_lake_and_leave_missing_ones_blank():
    offered = charts.volumes(report_data({back(n): [queue_row(back(n), **BUSY)] for n in (3, 2, 0)})).data[0]
    assert list(offered.x) == [back(3), back(2), back(1), back(0)]
    assert list(offered.y) == [150, 150, None, 150]
    (level, *_) = charts.service_level(report_data({back(40): [], LAST: [queue_row(**BUSY)]})).data
    assert len(level.x) == 30


def test_a_half_hour_of_few_interactions_has_no_service_level():
    few = {"service_level_base": 4, "answered_in_target": 0}
    many = {"service_level_base": 5, "answered_in_target": 4}
    data = report_data({LAST: [queue_row(half_hour="03:00", **few), queue_row(half_hour="03:30", **many)]})
    (heat,) = charts.service_level_by_half_hour(data).data
    assert [row[LAST.weekday()] for row in heat.z] == [None, 80]


def test_a_lake_of_empty_days_has_a_page_too():
    page = Page(render(report_data({LAST: []}), "UTC"))
    assert "Nothing happened on these days." in page.texts
    assert "Nobody handled an interaction on these days." in page.texts
    assert page.texts.count(UNKNOWN) >= 5


def test_one_target_is_named_and_several_are_told_as_a_range():
    one = " ".join(Page(render(report_data({LAST: [queue_row()]}), "UTC")).texts)
    assert "answers it within 20 s." in one
    two = [queue_row(), queue_row(medium="email", target_seconds=28_800.0)]
    assert "the target of its queue, 20 s to 8 h." in " ".join(
        Page(render(report_data({LAST: two}), "UTC")).texts
    )


def test_the_summary_has_figures_and_a_picture_within_itself():
    data = report_data({LAST: [queue_row(**BUSY)], back(40): [queue_row(back(40), offered=7)]})
    text = summary(data)
    assert text.startswith("![Offered and service level by day](data:image/svg+xml;base64,")
    assert "| Offered | 200 | 7 |" in text
    assert f"| Service level | 60.0 % | {UNKNOWN} |" in text


def test_the_summary_compares_with_nothing_where_there_is_nothing_before():
    text = summary(report_data({LAST: [queue_row(**BUSY)]}))
    assert "| Offered | 200 |\n" in text
    assert "before" not in text


def test_the_picture_begins_with_the_first_day_that_is_in_the_lake():
    bars = [svg(report_data({back(n): [queue_row(back(n), **BUSY)] for n in ages})) for ages in ([0], [0, 9])]
    assert ['width="596.0"' in picture for picture in bars] == [True, False]


def test_a_gap_of_days_is_a_gap_in_the_line():
    rows = {back(n): [queue_row(back(n), **BUSY)] for n in (0, 1, 4, 9, 10, 11)}
    assert svg(report_data(rows)).count("<polyline") == 3
    assert svg(report_data({LAST: []})).count("<polyline") == 0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (whole(1234567.4), "1,234,567"),
        (percent(0.8125), "81.2 %"),
        (percent(0.0), "0.0 %"),
        (duration(247.4), "4:07"),
        (duration(59.6), "1:00"),
        (duration(93_605), "26:00:05"),
        (duration(None), UNKNOWN),
        (target(20), "20 s"),
        (target(90), "90 s"),
        (target(300), "5 min"),
        (target(86_400), "24 h"),
    ],
)
def test_numbers_are_written_for_people(said, expected):
    assert said == expected
