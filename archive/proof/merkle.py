"""The Merkle tree over the ledger's entries (RFC 9162 section 2.1, SHA-256).

A log keeps only its frontier (at most 64 hashes) to append, and the nodes of every fourth level to
prove: with ``STRIDE`` 4, every second stored level is exactly a level of C2SP tlog-tiles.
Level ``n`` of what is stored holds the roots of the perfect subtrees of ``2 ** (4 * n)`` leaves;
level 0 is the leaf hashes themselves.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Callable

from archive.proof.errors import BrokenError, MalformedError

STRIDE = 4  # tree levels from one stored level to the next
WIDTH = 1 << STRIDE
HASH_LENGTH = 32  # bytes
EMPTY_ROOT = hashlib.sha256(b"").digest()

Read = Callable[[int, int, int], Sequence[bytes]]
"""``read(level, start, count)`` gives ``count`` stored hashes of a level, from index ``start``."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry's exact bytes as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children as their parent; the other prefix keeps leaves and nodes apart."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the largest perfect subtrees of a tree of ``size`` leaves, left to right."""

    def __init__(self, size: int = 0, peaks: bytes = b"") -> None:
        if size < 0 or len(peaks) != HASH_LENGTH * bin(size).count("1"):  # noqa: FURB161 - Python 3.9
            raise MalformedError("these peaks do not belong to a tree of that size")
        self.size = size
        self.peaks = [peaks[at : at + HASH_LENGTH] for at in range(0, len(peaks), HASH_LENGTH)]

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add one leaf hash; return the nodes it completes, to store: ``(level, index, hash)``."""
        completed = []
        size, peaks = self.size, self.peaks
        node, height = leaf, 0
        while size >> height & 1:
            node = node_hash(peaks.pop(), node)
            height += 1
            if height % STRIDE == 0:
                completed.append((height // STRIDE, size >> height, node))
        peaks.append(node)
        self.size = size + 1
        return completed

    def root(self) -> bytes:
        """Give the root of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def __bytes__(self) -> bytes:
        return b"".join(self.peaks)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Give the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def _split(width: int) -> int:
    """Give the largest power of two smaller than ``width``: where RFC 9162 cuts a tree in two."""
    return 1 << ((width - 1).bit_length() - 1)


class Prover:
    """Makes proofs from stored nodes; reads each run of 16 at most once.

    Holds what it has read: use one for one job, not for the life of a process.
    """

    def __init__(self, read: Read, size: int) -> None:
        self.size = size
        self._read = read
        self._stored: dict[tuple[int, int], Sequence[bytes]] = {}
        self._between: dict[tuple[int, int], bytes] = {}

    def root(self, size: int) -> bytes:
        """Give the root of the first ``size`` leaves."""
        if not 0 <= size <= self.size:
            raise BrokenError(f"the log holds {self.size} entries, not {size}")
        return self._range(0, size) if size else EMPTY_ROOT

    def frontier(self, size: int) -> Frontier:
        """Give the frontier of the first ``size`` leaves, to append to."""
        if not 0 <= size <= self.size:
            raise BrokenError(f"the log holds {self.size} entries, not {size}")
        peaks, start = [], 0
        for height in range(size.bit_length() - 1, -1, -1):
            if size >> height & 1:
                peaks.append(self._node(height, start >> height))
                start += 1 << height
        return Frontier(size, b"".join(peaks))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Give the path from leaf ``index`` to the root of ``size`` leaves, leaf end first."""
        if not 0 <= index < size <= self.size:
            raise BrokenError(f"no leaf {index} in a tree of {size} of {self.size}")
        path, start, end = [], 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return path[::-1]

    def inclusions(
        self, indexes: Iterable[int], size: int
    ) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        """Give the paths of many leaves, in order; what paths have in common is read once."""
        wanted = sorted(set(indexes))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < size <= self.size:
            raise BrokenError(f"no leaf {wanted[-1]} in a tree of {size} of {self.size}")
        waiting: list[tuple[int, int, list[int], tuple[bytes, ...]]] = [(0, size, wanted, ())]
        while waiting:
            start, end, below, path = waiting.pop()
            if not below:
                continue
            if end - start == 1:
                yield start, path
                continue
            middle = start + _split(end - start)
            cut = bisect_left(below, middle)
            if cut < len(below):
                waiting.append((middle, end, below[cut:], (self._range(start, middle), *path)))
            if cut:
                waiting.append((start, middle, below[:cut], (self._range(middle, end), *path)))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Give the proof that the tree of ``old`` leaves is the beginning of that of ``new``."""
        if not 0 < old <= new <= self.size:
            raise BrokenError(f"no trees of {old} and {new} leaves in a log of {self.size}")
        path, start, end, whole = [], 0, new, True
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._range(start, end))
        return path[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """Give the root over leaves ``start`` to ``end``, a range that RFC 9162's cuts produce."""
        width = end - start
        if width & (width - 1) == 0 and start % width == 0:
            height = width.bit_length() - 1
            return self._node(height, start >> height)
        middle = start + _split(width)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def _node(self, height: int, index: int) -> bytes:
        level, inner = divmod(height, STRIDE)
        if inner == 0:
            run, slot = divmod(index, WIDTH)
            if (level, run) not in self._stored:
                start = run * WIDTH
                count = min(WIDTH, (self.size >> height) - start)
                self._stored[level, run] = self._read(level, start, count)
            return self._stored[level, run][slot]
        if (height, index) not in self._between:
            self._between[height, index] = node_hash(
                self._node(height - 1, 2 * index), self._node(height - 1, 2 * index + 1)
            )
        return self._between[height, index]


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Work out the root that an inclusion proof leads to (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise BrokenError("the entry's number lies outside the tree")
    _check_lengths(leaf, *path)
    place, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise BrokenError("the inclusion proof is too long")
        if place & 1 or place == last:
            root = node_hash(sibling, root)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            root = node_hash(root, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise BrokenError("the inclusion proof is too short")
    return root


def verify_inclusion(
    index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes
) -> None:
    """Require that ``leaf`` is entry ``index`` of the tree of ``size`` leaves under ``root``."""
    if root_from_inclusion(index, size, leaf, path) != root:
        raise BrokenError("the inclusion proof does not lead to the root")


def verify_consistency(  # noqa: C901 - the RFC's numbered steps, in its order
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Require that the older tree is the beginning of the newer (RFC 9162 section 2.1.4.2).

    A proof from the empty tree proves nothing and is refused.
    """
    if not 0 <= old <= new or (old == 0 and new):
        raise BrokenError("the tree sizes are out of order")
    _check_lengths(old_root, new_root, *path)
    if old == new:
        if path or old_root != new_root:
            raise BrokenError("two different roots for one tree size")
        return
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise BrokenError("the consistency proof is empty")
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise BrokenError("the consistency proof is too long")
        if place & 1 or place == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        place >>= 1
        last >>= 1
    if last or first != old_root or second != new_root:
        raise BrokenError("the consistency proof does not lead to the roots")


def _check_lengths(*hashes: bytes) -> None:
    if any(len(each) != HASH_LENGTH for each in hashes):
        raise MalformedError("a hash of the wrong length")
