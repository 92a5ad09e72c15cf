"""Whatever fails at whatever place: the lake holds the new version whole or the one before, and the page tells how often."""

import pytest

from genesys_dagster_tests.reliability import api_matrix, page, s3_matrix
from genesys_dagster_tests.reliability.outcomes import Outcome


def wrong(verdicts):
    return [f"{verdict.cell}: {verdict.why}" for verdict in verdicts if verdict.outcome is Outcome.WRONG]


@pytest.mark.parametrize("source", api_matrix.SOURCES)
def test_every_fault_of_the_api_ends_in_the_whole_new_version_or_the_one_before(source):
    verdicts = api_matrix.run(source)
    assert wrong(verdicts) == []
    assert page.outline(page.says(source)) == page.outline(page.section(source, verdicts))


def test_every_fault_of_the_store_ends_in_the_whole_new_version_or_the_one_before():
    verdicts = s3_matrix.run()
    assert wrong(verdicts) == []
    assert page.outline(page.says("s3")) == page.outline(page.section("s3", verdicts))


def test_the_matrices_are_as_large_as_promised():
    assert len({str(cell) for cell in api_matrix.cells()}) == len(list(api_matrix.cells())) >= 400
    assert len({str(cell) for cell in s3_matrix.cells()}) == len(list(s3_matrix.cells())) >= 120
