"""What is told to people in one line."""

LONGEST = 600
"""Characters of a line; what is longer belongs in the run's log."""


def one_line(text: str) -> str:
    """The text without line breaks, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
