"""Trees that change by parts are those that are built at once, and share what stays the same."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.proxy.iptables import tree
from node.proxy.iptables.tree import FEW_RULES, Common, Entry, Node, Space, place_key

SPACE = Space(32)
Shape = tuple[int, int, tuple[int, ...]]
Keys = dict[int, int]

# Many share long prefixes, as Services' addresses do; some do not.
near = st.builds(
    lambda base, offset: base ^ offset, st.sampled_from([place_key("10.96.0.0"), 0]), st.integers(0, 2**22)
)
keys = st.one_of(near, st.integers(0, 2**SPACE.bits - 1)).filter(lambda key: key >> 16 & 3 < 3)
entries = st.dictionaries(keys, st.integers(1, 4), max_size=60)


def built(wanted: Keys) -> Node[str] | None:
    return tree.replace(SPACE, None, (), [Entry(key, rules, "") for key, rules in wanted.items()])


def shape(root: Node[str] | None) -> list[Shape]:
    return [(node.low, node.high, tuple(entry.key for entry in node.entries)) for node in tree.walk(root)]


@given(entries, entries, st.data())
def test_a_changed_tree_is_the_one_that_its_entries_alone_would_make(
    before: Keys, added: Keys, data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.sampled_from(sorted(before)))) if before else set()
    new = {key: rules for key, rules in added.items() if key not in before or key in gone}
    changed = tree.replace(SPACE, built(before), gone, [Entry(key, rules, "") for key, rules in new.items()])
    assert shape(changed) == shape(built({key: rules for key, rules in before.items() if key not in gone} | new))


@given(entries, entries, st.data())
def test_what_two_trees_do_not_share_is_found_on_both_sides(before: Keys, added: Keys, data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from(sorted(before)))) if before else set()
    new = [Entry(key, rules, "") for key, rules in added.items() if key not in before or key in gone]
    old = built(before)
    changed = tree.replace(SPACE, old, gone, new)
    sides = list(tree.walk(old)), list(tree.walk(changed))
    ids = [{id(node) for node in side} for side in sides]
    alone = tree.unshared(old, changed)
    assert [sorted(map(id, side)) for side in alone] == [sorted(ids[0] - ids[1]), sorted(ids[1] - ids[0])]


@given(entries)
def test_every_entry_is_in_one_leaf_and_leaves_are_small(wanted: Keys) -> None:
    leaves = [node for node in tree.walk(built(wanted)) if not node.children]
    assert sorted(entry.key for leaf in leaves for entry in leaf.entries) == sorted(wanted)
    assert all(leaf.rules <= FEW_RULES or len(leaf.entries) == 1 for leaf in leaves)
    assert all(len(node.children) <= 4 for node in tree.walk(built(wanted)))


def test_one_entry_more_leaves_all_chains_beside_its_way_as_they_are() -> None:
    before = built({place_key(f"10.96.{m}.{n}", "tcp", 80): 2 for m in range(16) for n in range(256)})
    after = tree.replace(SPACE, before, (), [Entry(place_key("10.96.7.7", "tcp", 443), 2, "")])
    known = {id(node) for node in tree.walk(before)}
    assert sum(id(node) not in known for node in tree.walk(after)) <= 10


@pytest.mark.parametrize(
    ("places", "common"),
    [
        ([("10.96.0.1", "tcp", 80), ("10.96.0.3", "tcp", 80)], Common("10.96.0.0", 30, "", 0, 0)),
        ([("10.96.0.2", "tcp", 80), ("10.96.0.3", "tcp", 80)], Common("10.96.0.2", 31, "", 0, 0)),
        ([("10.96.0.1", "tcp", 80), ("10.96.0.1", "udp", 80)], Common("10.96.0.1", 32, "", 0, 0)),
        ([("10.96.0.1", "udp", 1), ("10.96.0.1", "udp", 65535)], Common("10.96.0.1", 32, "udp", 0, 0)),
        ([("10.96.0.1", "udp", 1024), ("10.96.0.1", "udp", 1039)], Common("10.96.0.1", 32, "udp", 1024, 1039)),
        ([("10.96.0.1", "sctp", 7)], Common("10.96.0.1", 32, "sctp", 7, 0)),
    ],
)
def test_what_places_have_in_common(places: Iterable[tuple[str, str, int]], common: Common) -> None:
    root = built({place_key(*place): FEW_RULES for place in places})
    assert root is not None
    assert SPACE.place_of(root) == common
