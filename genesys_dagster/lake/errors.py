"""What can go wrong in the lake, as exceptions that say what to change.

S3's answers are translated in `s3_errors`; here are only the classes.
"""


class LakeError(Exception):
    """A read or a write that could not be done; the old objects are as they were.

    Attributes:
        permanent: True if trying again without changing anything gives the same answer.
    """

    permanent: bool = True


class FrameError(LakeError):
    """The value that an asset returned cannot be written as it is."""


class ReadError(LakeError):
    """An input cannot be loaded: partitions are missing, or the request makes no sense."""


class StorageError(LakeError):
    """S3 refused or could not be reached.

    Attributes:
        mangled: Whether an object was written that does not hold what was sent.
    """

    mangled: bool = False

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class OvertakenError(StorageError):
    """Another writer has replaced the object in the meantime."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False)
