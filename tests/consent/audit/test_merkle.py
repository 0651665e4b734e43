"""The tree: the published vectors, then every proof of every small tree, then every bit of some."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from consent.audit import merkle
from consent.audit.merkle import Edge

CT = json.loads((Path(__file__).parents[2] / "vectors/rfc6962-2.1.json").read_text(encoding="utf-8"))
HASHES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in CT["leaves"]]
ROOTS = [bytes.fromhex(root) for root in CT["roots"]]
MANY = [merkle.leaf_hash(str(n).encode()) for n in range(70)]

sizes = st.integers(1, len(MANY))


def raw(hexes):
    return [bytes.fromhex(one) for one in hexes]


def flipped(data, bit):
    """The bytes with one bit turned over."""
    return bytes(byte ^ (1 << bit % 8 if at == bit // 8 else 0) for at, byte in enumerate(data))


@pytest.mark.parametrize("size", range(9))
def test_the_roots_and_edges_of_the_reference_tree(size):
    """RFC 6962 section 2.1: the tree that Certificate Transparency publishes."""
    edge = Edge().grow(HASHES[:size])

    assert merkle.root(HASHES[:size]) == edge.root() == ROOTS[size]
    assert list(edge.nodes) == raw(CT["edges"][size])
    assert Edge.from_bytes(size, edge.to_bytes()) == edge


@pytest.mark.parametrize("vector", CT["inclusion"], ids=lambda v: f"{v['index']} of {v['size']}")
def test_inclusion_proofs_of_the_reference_tree(vector):
    """RFC 6962 section 2.1.1."""
    index, size, proof = vector["index"], vector["size"], raw(vector["proof"])

    assert merkle.inclusion_proof(HASHES[:size], index) == proof
    assert merkle.verify_inclusion(HASHES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("vector", CT["consistency"], ids=lambda v: f"{v['old_size']} in {v['size']}")
def test_consistency_proofs_of_the_reference_tree(vector):
    """RFC 6962 section 2.1.2."""
    old, size, proof = vector["old_size"], vector["size"], raw(vector["proof"])

    assert merkle.consistency_proof(HASHES[:size], old) == proof
    assert merkle.verify_consistency(old, size, ROOTS[old], ROOTS[size], proof)


def test_leaves_and_nodes_can_never_be_taken_for_each_other():
    """RFC 6962 section 2.1: the prefixes stop a second preimage."""
    left, right = HASHES[0], HASHES[1]

    assert merkle.node_hash(left, right) != merkle.leaf_hash(left + right)
    assert merkle.leaf_hash(b"") != merkle.EMPTY_ROOT


@given(sizes, st.data())
def test_every_leaf_is_proved_in_its_place_and_nowhere_else(size, data):
    """An inclusion proof speaks for one index, one size, one leaf."""
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, size))
    proof, root = merkle.inclusion_proof(MANY[:size], index), merkle.root(MANY[:size])

    assert merkle.verify_inclusion(MANY[index], index, size, proof, root)
    assert merkle.verify_inclusion(MANY[index], other, size, proof, root) is (other == index)
    assert not merkle.verify_inclusion(MANY[(index + 1) % 70], index, size, proof, root)


@given(sizes, st.data())
def test_every_older_tree_is_proved_and_no_other(size, data):
    """A consistency proof speaks for two sizes."""
    old, other = data.draw(st.integers(1, size)), data.draw(st.integers(-1, size + 1))
    proof, roots = merkle.consistency_proof(MANY[:size], old), [merkle.root(MANY[:n]) for n in (old, size)]

    assert merkle.verify_consistency(old, size, *roots, proof)
    assert merkle.verify_consistency(other, size, *roots, proof) is (other == old)
    assert not merkle.verify_consistency(old, size, MANY[0][::-1], roots[1], proof)


@given(sizes, st.data())
def test_any_flipped_bit_breaks_an_inclusion_proof(size, data):
    """Leaf, root or path: each bit counts."""
    index, bit = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 255))
    proof, root = merkle.inclusion_proof(MANY[:size], index), merkle.root(MANY[:size])
    place = data.draw(st.integers(-2, len(proof) - 1))

    leaf = flipped(MANY[index], bit) if place == -2 else MANY[index]
    top = flipped(root, bit) if place == -1 else root
    path = [flipped(node, bit) if at == place else node for at, node in enumerate(proof)]
    assert not merkle.verify_inclusion(leaf, index, size, path, top)


@given(sizes, st.data())
def test_any_flipped_bit_breaks_a_consistency_proof(size, data):
    """Old root, new root or path: each bit counts."""
    old, bit = data.draw(st.integers(1, size)), data.draw(st.integers(0, 255))
    proof = merkle.consistency_proof(MANY[:size], old)
    parts = [merkle.root(MANY[:old]), merkle.root(MANY[:size]), *proof]
    place = data.draw(st.integers(0, len(parts) - 1))

    before, after, *path = [flipped(part, bit) if at == place else part for at, part in enumerate(parts)]
    assert not merkle.verify_consistency(old, size, before, after, path)


@given(sizes, st.data(), st.binary(max_size=40))
def test_a_path_with_more_or_less_proves_nothing(size, data, more):
    """Garbage before or after, or an element gone."""
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    path, root = merkle.inclusion_proof(MANY[:size], index), merkle.root(MANY[:size])
    proof, before = merkle.consistency_proof(MANY[:size], old), merkle.root(MANY[:old])
    assume(more not in path[:1] and more not in path[-1:])

    for longer in ([*path, more], [more, *path], path[:-1] or [more]):
        assert not merkle.verify_inclusion(MANY[index], index, size, longer, root)
    for longer in ([*proof, more], [more, *proof], proof[:-1] or [more]):
        assert not merkle.verify_consistency(old, size, before, root, longer)


@given(st.integers(0, 70), st.integers(0, 70))
def test_an_edge_grows_as_the_tree_does(first, second):
    """The tree to the left is never read again."""
    small, large = sorted((first, second))

    assert Edge().grow(MANY[:small]).grow(MANY[small:large]) == Edge().grow(MANY[:large])
    assert len(Edge().grow(MANY[:large]).nodes) == large.bit_count()


def test_nothing_is_the_beginning_of_everything():
    """RFC 9162 section 2.1.4 leaves size 0 to the caller: no proof is needed, and none is taken."""
    root = merkle.root(MANY[:5])

    assert merkle.consistency_proof(MANY[:5], 0) == []
    assert merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [])
    assert merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    assert not merkle.verify_consistency(0, 5, root, root, [])
    assert not merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, root, [])
    assert not merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [root])


@pytest.mark.parametrize("wrong", [(0, (b"x" * 32,)), (3, (b"x" * 32,)), (1, (b"x",)), (-1, ())])
def test_an_edge_of_another_size_is_refused(wrong):
    """What was read from a table is looked at before it is built upon."""
    with pytest.raises(ValueError, match=r"node"):
        Edge(*wrong)


@pytest.mark.parametrize("index", [-1, 5])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index):
    """Nor for a tree larger than the present one."""
    with pytest.raises(IndexError):
        merkle.inclusion_proof(MANY[:5], index)
    with pytest.raises(IndexError):
        merkle.consistency_proof(MANY[:5], index + (index > 0))
