"""PURE: the tree over the log (RFC 6962 section 2.1, RFC 9162 section 2.1). SHA-256; leaves and nodes told apart.

    leaf hash = SHA-256(0x00 || leaf)        node hash = SHA-256(0x01 || left || right)

A tree of n leaves is split at k, the largest power of two below n: the left half is perfect, the right half is a tree
of n - k leaves. Every function here is that one sentence, read down (proofs) or up (verification).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hmac import compare_digest

EMPTY_ROOT = hashlib.sha256().digest()
HASH_BYTES = 32
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one entry's bytes."""
    return hashlib.sha256(_LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(_NODE + left + right).digest()


@dataclass(frozen=True)
class Edge:
    """The right edge of a growing tree: the roots of its perfect subtrees, largest first, one per 1-bit of `size`.

    It is all that must be kept to add leaves and to know the root: at most 64 hashes, whatever the size.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.nodes) != self.size.bit_count():
            raise ValueError("an edge has one node for each 1-bit of its size")
        if any(len(node) != HASH_BYTES for node in self.nodes):
            raise ValueError("a node is 32 bytes")

    def grow(self, hashes: Iterable[bytes]) -> "Edge":
        """The edge after these leaf hashes. Amortised two hashes a leaf; the tree to the left is never read."""
        size, nodes = self.size, list(self.nodes)
        for added in hashes:
            node, carry = added, size
            while carry & 1:
                node, carry = node_hash(nodes.pop(), node), carry >> 1
            nodes.append(node)
            size += 1
        return Edge(size, tuple(nodes))

    def root(self) -> bytes:
        """The root of the whole tree: the perfect subtrees, joined from the right."""
        if not self.nodes:
            return EMPTY_ROOT
        *rest, root = self.nodes
        for node in reversed(rest):
            root = node_hash(node, root)
        return root

    def to_bytes(self) -> bytes:
        """The nodes, one after the other; the size says how many."""
        return b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, size: int, raw: bytes) -> "Edge":
        """What `to_bytes` gave. Raises ValueError when the bytes are no edge of that size."""
        return cls(size, tuple(raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)))


def root(hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes, in order; of none, the hash of nothing."""
    return Edge().grow(hashes).root()


def inclusion_proof(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The path from leaf `index` to the root over `hashes` (RFC 6962 section 2.1.1), nearest sibling first.

    Raises: IndexError when there is no such leaf.
    """
    if not 0 <= index < len(hashes):
        raise IndexError("no such leaf")
    if len(hashes) == 1:
        return []
    k = _split(len(hashes))
    if index < k:
        return [*inclusion_proof(hashes[:k], index), root(hashes[k:])]
    return [*inclusion_proof(hashes[k:], index - k), root(hashes[:k])]


def consistency_proof(hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """That the tree over `hashes` only added to its first `old_size` leaves (RFC 6962 section 2.1.2).

    Raises: IndexError when the old tree is larger. Of nothing, and of itself, a tree is consistent without proof.
    """
    if not 0 <= old_size <= len(hashes):
        raise IndexError("no such older tree")
    return _consistency(hashes, old_size, whole=True) if old_size else []


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` (a leaf hash) is number `index` of the tree of `size` leaves with this root."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *proof]):
        return False
    try:
        return compare_digest(_climb(leaf, index, size, list(proof)), root)
    except IndexError:
        return False


def verify_consistency(old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree (`size`, `root`) holds the tree (`old_size`, `old_root`) unchanged as its beginning."""
    if not 0 <= old_size <= size or not _are_hashes([old_root, root, *proof]):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT and (size > 0 or root == EMPTY_ROOT)
    try:
        old_found, found = _rise(old_size, size, list(proof), old_root)
    except IndexError:
        return False
    return compare_digest(old_found, old_root) and compare_digest(found, root)


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def _consistency(hashes: Sequence[bytes], old: int, *, whole: bool) -> list[bytes]:
    """SUBPROOF of the RFC. `whole`: this subtree is the old tree itself, which the verifier knows by its root."""
    if old == len(hashes):
        return [] if whole else [root(hashes)]
    k = _split(len(hashes))
    if old <= k:
        return [*_consistency(hashes[:k], old, whole=whole), root(hashes[k:])]
    return [*_consistency(hashes[k:], old - k, whole=False), root(hashes[:k])]


def _climb(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that this path leads to. Raises IndexError when the path is too short or too long."""
    if size == 1:
        if proof:
            raise IndexError("a path too long")
        return leaf
    k, sibling = _split(size), proof.pop()
    if index < k:
        return node_hash(_climb(leaf, index, k, proof), sibling)
    return node_hash(sibling, _climb(leaf, index - k, size - k, proof))


def _rise(old: int, size: int, proof: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """The roots of the old and of the new tree that this proof leads to; `known` is the old root while it is whole."""
    if old == size:
        node = proof.pop() if known is None else known
        if proof:
            raise IndexError("a proof too long")
        return node, node
    k, sibling = _split(size), proof.pop()
    if old <= k:
        before, after = _rise(old, k, proof, known)
        return before, node_hash(after, sibling)
    before, after = _rise(old - k, size - k, proof, None)
    return node_hash(sibling, before), node_hash(sibling, after)
