"""Which ids were seen before, in 16 bytes each, however many a day has."""

import hashlib

import numpy as np
import pyarrow as pa

_UUID_LENGTH = 36
_HYPHENS = [8, 13, 18, 23]
_DIGITS = [at for at in range(_UUID_LENGTH) if at not in _HYPHENS]
_NOT_HEX = 16
_HEX_VALUE = np.full(256, _NOT_HEX, np.uint8)
_HEX_VALUE[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)

_Keys = np.ndarray[tuple[int], np.dtype[np.bytes_]]


class IdentitySet:
    """A set of ids that tells, for each batch of ids, which ones are new.

    An id is remembered by 128 bits: the value of a lower-case UUID, a BLAKE2b digest of any other text. Sorted runs
    that double in size keep look-ups and additions at O(log n) per id without a Python object for each.
    """

    def __init__(self) -> None:
        self._runs: list[_Keys] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def add(self, ids: pa.StringArray) -> np.ndarray:
        """Remember the ids.

        Returns:
            A boolean per id: True where it is seen for the first time, within this batch as well.
        """
        keys = _keys(ids)
        unique, first = np.unique(keys, return_index=True)
        is_new = np.ones(len(unique), bool)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, unique), len(run) - 1)
            is_new &= run[at] != unique
        self._merge(unique[is_new])
        result = np.zeros(len(keys), bool)
        result[first[is_new]] = True
        return result

    def _merge(self, run: _Keys) -> None:
        if not len(run):
            return
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # a merge of two sorted runs
        self._runs.append(run)


def _keys(ids: pa.StringArray) -> _Keys:
    """16 bytes per id."""
    if not len(ids):
        return np.array([], "S16")
    offsets = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset : ids.offset + len(ids) + 1]
    if (np.diff(offsets) == _UUID_LENGTH).all():
        text = np.frombuffer(ids.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(-1, _UUID_LENGTH)
        nibbles = _HEX_VALUE[text[:, _DIGITS]]
        if (nibbles < _NOT_HEX).all() and (text[:, _HYPHENS] == ord("-")).all():
            return np.ascontiguousarray(nibbles[:, ::2] << 4 | nibbles[:, 1::2]).view("S16").ravel()
    return np.array([_key(text) for text in ids.to_pylist()], "S16")


def _key(text: str) -> bytes:
    if len(text) == _UUID_LENGTH and _is_canonical(text):
        return bytes.fromhex(text.replace("-", ""))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _is_canonical(text: str) -> bool:
    return all(text[at] == "-" for at in _HYPHENS) and all(text[at] in "0123456789abcdef" for at in _DIGITS)
