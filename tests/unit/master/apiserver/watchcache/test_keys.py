from __future__ import annotations

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.watchcache import keys
from podlab.errors import BadRequest


def test_keys_say_group_plural_namespace_and_name() -> None:
    assert keys.object_key(builtin_kinds.named("Pod"), "default", "web") == "/registry/core/pods/default/web"
    assert keys.object_key(builtin_kinds.named("Deployment"), "a", "b") == "/registry/apps/deployments/a/b"
    assert keys.object_key(builtin_kinds.named("Node"), "", "n1") == "/registry/core/nodes/n1"


def test_no_kind_stands_in_anothers_prefix() -> None:
    prefixes = [keys.kind_prefix(kind) for kind in builtin_kinds.STORED]
    assert not any(one != other and one.startswith(other) for one in prefixes for other in prefixes)


def test_a_name_or_namespace_that_is_missing_or_too_much_is_named() -> None:
    with pytest.raises(BadRequest, match="name or generateName is required"):
        keys.object_key(builtin_kinds.named("Pod"), "default", "")
    with pytest.raises(BadRequest, match=r"metadata\.namespace"):
        keys.object_key(builtin_kinds.named("Pod"), "", "web")
    with pytest.raises(BadRequest, match="have no namespace"):
        keys.object_key(builtin_kinds.named("Node"), "default", "n1")
