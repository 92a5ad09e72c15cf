"""What can be wrong with the records themselves."""


class DecodeError(ValueError):
    """A response is not a page of conversation detail records; the message says why, without the records' content."""


class DoubtError(Exception):
    """A signal between the ways of decoding: nothing is wrong, but only a more careful way can tell."""
