"""Run the matrices and write docs/reliability.md: `python -m genesys_dagster_tests.reliability [job query sweep auto s3]`."""

import logging
import sys
import time

from genesys_dagster_tests.reliability import api_matrix, page, s3_matrix
from genesys_dagster_tests.reliability.outcomes import Outcome, Verdict


def main(names: list[str]) -> int:
    logging.disable(logging.CRITICAL)
    wrong: list[Verdict] = []
    for name in names or list(page.TITLES):
        started = time.monotonic()
        verdicts = s3_matrix.run() if name == "s3" else api_matrix.run(name)
        page.write({name: page.section(name, verdicts)})
        wrong += [verdict for verdict in verdicts if verdict.outcome is Outcome.WRONG]
        print(f"{name}: {len(verdicts)} cells in {time.monotonic() - started:.0f} s")
    for verdict in wrong:
        print(f"WRONG {verdict.cell}: {verdict.why}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
