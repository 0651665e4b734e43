"""PURE: the proofs of `merkle`, made from the roots of perfect subtrees instead of from every leaf.

`node(level, index)` is the root over the leaves [index * 2**level, (index + 1) * 2**level). A proof needs about two of
them for each level, so a page can prove what it shows in a log of any size. Where they come from does not matter: a
wrong node makes a proof that does not hold, and never one that does.
"""

from collections.abc import Callable

from consent.audit.merkle import EMPTY_ROOT, node_hash

Node = Callable[[int, int], bytes]


def root(node: Node, size: int, start: int = 0) -> bytes:
    """The root over `size` leaves from `start` (RFC 6962 section 2.1). `start` is a multiple of the subtree's width."""
    if size == 0:
        return EMPTY_ROOT
    if size & (size - 1) == 0:
        return node(size.bit_length() - 1, start // size)
    k = split(size)
    return node_hash(root(node, k, start), root(node, size - k, start + k))


def inclusion(node: Node, index: int, size: int, start: int = 0) -> list[bytes]:
    """The path from leaf `index` to the root (section 2.1.1), nearest sibling first. Raises: IndexError."""
    if not 0 <= index < size:
        raise IndexError("no such leaf")
    if size == 1:
        return []
    k = split(size)
    if index < k:
        return [*inclusion(node, index, k, start), root(node, size - k, start + k)]
    return [*inclusion(node, index - k, size - k, start + k), root(node, k, start)]


def consistency(node: Node, old: int, size: int) -> list[bytes]:
    """That the tree of `size` leaves only added to its first `old` (section 2.1.2). Raises: IndexError."""
    if not 0 <= old <= size:
        raise IndexError("no such older tree")
    return _consistency(node, old, size, 0, whole=True) if old else []


def split(size: int) -> int:
    """The largest power of two below `size`: where a tree is divided."""
    return 1 << (size - 1).bit_length() - 1


def _consistency(node: Node, old: int, size: int, start: int, *, whole: bool) -> list[bytes]:
    if old == size:
        return [] if whole else [root(node, size, start)]
    k = split(size)
    if old <= k:
        return [*_consistency(node, old, k, start, whole=whole), root(node, size - k, start + k)]
    return [*_consistency(node, old - k, size - k, start + k, whole=False), root(node, k, start)]
