"""Whatever fails at whatever place: the lake holds the new version whole or the one before.

A twelfth of the cells, chosen by their names, so always the same; `make reliability` tries all and writes the page.
"""

from zlib import crc32

import pytest

from genesys_dagster_tests.reliability import api_matrix, page, s3_matrix
from genesys_dagster_tests.reliability.outcomes import Outcome, Verdict


def wrong(verdicts):
    return [f"{verdict.cell}: {verdict.why}" for verdict in verdicts if verdict.outcome is Outcome.WRONG]


def is_chosen(cell):
    return crc32(str(cell).encode()) % 12 == 0


@pytest.mark.slow
@pytest.mark.parametrize("source", api_matrix.SOURCES)
def test_faults_of_the_api_end_in_the_whole_new_version_or_the_one_before(source):
    assert wrong(api_matrix.run(source, is_chosen)) == []


@pytest.mark.slow
def test_faults_of_the_store_end_in_the_whole_new_version_or_the_one_before():
    assert wrong(s3_matrix.run(is_chosen)) == []


@pytest.mark.parametrize("name", page.TITLES)
def test_the_page_tells_of_exactly_these_cells_and_of_none_that_went_wrong(name):
    if name == "s3":
        cells = [(cell, cell.call) for cell in s3_matrix.cells()]
    else:
        cells = [(cell, cell.place) for cell in api_matrix.cells() if cell.source == name]
    untold = [
        Verdict(str(cell), cell.name if name != "s3" else cell.fault, place, Outcome.FAILED, 1)
        for cell, place in cells
    ]
    assert page.outline(page.says(name)) == page.outline(page.section(name, untold))


def test_the_matrices_are_as_large_as_promised():
    assert len({str(cell) for cell in api_matrix.cells()}) == len(list(api_matrix.cells())) >= 400
    assert len({str(cell) for cell in s3_matrix.cells()}) == len(list(s3_matrix.cells())) >= 120
