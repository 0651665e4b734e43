"""The same proofs from perfect subtrees: letter for letter those of `merkle`, in every shape of tree."""

import pytest

from consent.audit import merkle, paths

HASHES = [merkle.leaf_hash(bytes([n])) for n in range(70)]


def node(level, index):
    """The root of a perfect subtree, as a store would give it."""
    return merkle.root(HASHES[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(71))
def test_the_root_is_that_of_all_leaves(size):
    """RFC 6962 section 2.1."""
    assert paths.root(node, size) == merkle.root(HASHES[:size])


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 31, 33, 64, 70])
def test_an_inclusion_path_is_that_of_all_leaves(size):
    """RFC 6962 section 2.1.1, every leaf."""
    for index in range(size):
        assert paths.inclusion(node, index, size) == merkle.inclusion_proof(HASHES[:size], index)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 31, 33, 64, 70])
def test_a_consistency_proof_is_that_of_all_leaves(size):
    """RFC 6962 section 2.1.2, every older tree."""
    for old in range(size + 1):
        assert paths.consistency(node, old, size) == merkle.consistency_proof(HASHES[:size], old)


@pytest.mark.parametrize(
    ("call", "numbers"), [(paths.inclusion, (3, 3)), (paths.inclusion, (-1, 3)), (paths.consistency, (4, 3))]
)
def test_what_is_not_in_the_tree_has_no_proof(call, numbers):
    """As `merkle` refuses it."""
    with pytest.raises(IndexError):
        call(node, *numbers)


def test_a_wrong_node_gives_a_proof_that_does_not_hold():
    """Nodes are hints: where they come from does not matter."""

    def liar(level, index):
        return bytes(32) if (level, index) == (3, 0) else node(level, index)

    proof = paths.inclusion(liar, 12, 30)

    assert not merkle.verify_inclusion(HASHES[12], 12, 30, proof, merkle.root(HASHES[:30]))
    assert merkle.verify_inclusion(HASHES[12], 12, 30, paths.inclusion(node, 12, 30), merkle.root(HASHES[:30]))
