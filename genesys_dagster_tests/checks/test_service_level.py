"""The formula of the service level against Genesys Cloud's own."""

import pytest

from genesys_dagster.checks.comparison import by_cell
from genesys_dagster.checks.metric_totals import Cell
from genesys_dagster.checks.service_level import compare_levels
from genesys_dagster.genesys.aggregates import Aggregate

# Queues of published aggregates of a voice org: answered, over the SLA, abandoned, short abandoned, flow-outs, and the
# service level's numerator and denominator.
QUEUES = [
    (787, 373, 83, 7, 7, 414, 870), (0, 0, 40, 5, 7, 0, 40), (181, 91, 18, 5, 6, 90, 199), (475, 216, 37, 1, 1, 259, 512),
    (1300, 580, 74, 6, 8, 720, 1374), (4, 0, 0, 0, 27, 4, 4), (476, 212, 71, 5, 2, 264, 547),
]  # fmt: skip
NAMES = ("tAnswered", "nOverSla", "tAbandon", "tShortAbandon", "tFlowOut")


def compared(*queues, media="voice", differing=(), refused=()):
    """Queues as above, numbered, against their aggregates."""
    levels, counts = [], []
    for number, (*of_metrics, numerator, denominator) in enumerate(queues):
        group = {"queueId": str(number), "mediaType": media}
        counts += [
            Aggregate(group, "a/b", name, count)
            for name, count in zip(NAMES, of_metrics, strict=True)
            if count
        ]
        levels.append(
            Aggregate(
                group, "a/b", "oServiceLevel", 0, numerator=float(numerator), denominator=float(denominator)
            )
        )
    return compare_levels(levels, by_cell(counts), differing, refused)


def test_the_formula_is_that_of_published_aggregates():
    found = compared(*QUEUES)
    assert (found.compared, found.wrong, found.base, found.otherwise) == (7, [], "answered + abandoned", 0)


@pytest.mark.parametrize(
    ("base", "words"),
    [
        (
            lambda answered, _, abandoned, short, out: answered + abandoned - short,
            "answered + abandoned - short abandoned",
        ),
        (lambda answered, _, abandoned, short, out: answered, "answered"),
        (
            lambda answered, _, abandoned, short, out: answered + abandoned + out,
            "answered + abandoned + flow-outs",
        ),
        (lambda answered, _, abandoned, short, out: answered + out, "answered + flow-outs"),
    ],
)
def test_the_base_is_found_out_from_the_numbers(base, words):
    found = compared(*((*counts, numerator, base(*counts)) for *counts, numerator, _ in QUEUES))
    assert (found.wrong, found.base, found.otherwise) == ([], words, 0)


def test_another_base_of_one_queue_is_counted():
    found = compared(*QUEUES, (1, 0, 1, 0, 0, 1, 9))
    assert (found.base, found.otherwise) == ("answered + abandoned", 1)


def test_another_numerator_is_wrong():
    (wrong,) = compared(*QUEUES, (5, 2, 1, 0, 0, 4, 6)).wrong
    assert (wrong.cell.queue, wrong.ours, wrong.theirs) == ("7", 3, 4)


def test_what_cannot_be_computed_is_not_compared():
    wrong = (5, 2, 1, 0, 0, 4, 6)
    assert compared(wrong, media="callback").compared == 0
    assert compared(wrong, refused=["nOverSla"]).compared == 0
    assert compared(wrong, differing={Cell("0", "voice", "tAnswered")}).compared == 0
    assert compared(wrong, differing={Cell("1", "voice", "tAnswered")}).compared == 1
