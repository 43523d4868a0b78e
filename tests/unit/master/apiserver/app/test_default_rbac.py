from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.registry import WritableRegistry

from master.apiserver.app.default_rbac import DefaultRoles, defaults, reconciled
from master.apiserver.authorization.default_roles import AUTOUPDATE, binding, role, rule
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.kinds import builtin
from podlab.rbac.v1 import rbac_pb2


def copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def test_what_is_missing_is_added_and_what_users_added_stays() -> None:
    wanted = role("r", rule("get", "", "pods"), rule("get", "", "nodes"))
    found = role("r", rule("get list", "", "pods"), rule("get", "", "secrets"))
    found.metadata.labels["mine"] = "yes"
    found.metadata.annotations[AUTOUPDATE] = "whatever"
    new = reconciled(wanted, found)
    assert list(new.rules) == [*found.rules, rule("get", "", "nodes")]  # type: ignore[union-attr]
    assert new.metadata.labels["mine"] == "yes"
    assert reconciled(wanted, new) == new


def test_subjects_and_selectors_are_added() -> None:
    found = binding("b", users="joe")
    assert {one.name for one in reconciled(binding("b", users="jane"), found).subjects} == {"joe", "jane"}  # type: ignore[union-attr]
    mine = role("r", gathers="mine")
    gathered = reconciled(role("r", gathers="view"), mine)
    assert isinstance(gathered, rbac_pb2.ClusterRole)
    assert len(gathered.aggregationRule.clusterRoleSelectors) == 2


def test_a_binding_of_another_role_is_made_anew() -> None:
    wanted = binding("b", users="jane")
    found = copied(wanted)
    found.roleRef.name = "other"
    found.metadata.uid = "old"
    assert reconciled(wanted, found) == wanted


@pytest.mark.parametrize("wanted", [role("r", rule("get", "", "pods")), binding("r", users="jane")])
def test_what_is_not_to_be_updated_is_left_alone(wanted: Any) -> None:
    found = type(wanted)()
    found.metadata.annotations[AUTOUPDATE] = "false"
    assert reconciled(wanted, found) is found


async def test_all_are_written_in_one_commit_and_nothing_is_written_twice(
    cache: Cache, registry: WritableRegistry
) -> None:
    await DefaultRoles(cache, cache.kinds).ensure()
    first = await cache.store.revision()
    written = [(kinds.of(one), one.metadata) for one in defaults(builtin.catalog())]
    entries = [await registry.get(kind, found.namespace, found.name) for kind, found in written]
    assert {entry.revision for entry in entries} == {first}
    stored: Any = entries[0].message()
    assert stored.metadata.uid
    assert stored.metadata.HasField("creationTimestamp")
    await DefaultRoles(cache, cache.kinds).ensure()
    assert await cache.store.revision() == first


async def test_what_was_taken_away_comes_back(cache: Cache, registry: WritableRegistry) -> None:
    await DefaultRoles(cache, cache.kinds).ensure()
    kind = builtin_kinds.named("ClusterRole")
    discovery: Any = (await registry.get(kind, "", "system:discovery")).message()
    del discovery.rules[:]
    await registry.update(discovery)
    await DefaultRoles(cache, cache.kinds).ensure()
    await cache.catch_up()
    entry = cache.get(kind, keys.object_key(kind, "", "system:discovery"))
    assert entry is not None
    again: Any = entry.message()
    assert again.rules
    assert again.metadata.uid == discovery.metadata.uid


def test_what_an_earlier_release_gave_and_this_one_does_not_is_taken_away() -> None:
    (wanted, _) = (each for each in defaults(builtin.catalog()) if each.metadata.name == "podlab:ingress")
    earlier = copied(wanted)
    mine = rule("get", "", "configmaps")
    earlier.rules.extend([mine, rule("list watch", "", "nodes secrets services")])
    assert list(reconciled(wanted, earlier).rules) == [*wanted.rules, mine]  # type: ignore[union-attr]
