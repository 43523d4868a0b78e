from __future__ import annotations

import pytest

from master.apiserver.watchcache import keys
from podlab.api import kinds
from podlab.api.kinds import KINDS
from podlab.errors import BadRequest


def test_keys_say_group_plural_namespace_and_name() -> None:
    assert keys.object_key(kinds.by_name("Pod"), "default", "web") == "/registry/core/pods/default/web"
    assert keys.object_key(kinds.by_name("Deployment"), "a", "b") == "/registry/apps/deployments/a/b"
    assert keys.object_key(kinds.by_name("Node"), "", "n1") == "/registry/core/nodes/n1"


def test_no_kind_stands_in_anothers_prefix() -> None:
    prefixes = [keys.kind_prefix(kind) for kind in KINDS]
    assert not any(one != other and one.startswith(other) for one in prefixes for other in prefixes)


def test_a_name_or_namespace_that_is_missing_or_too_much_is_named() -> None:
    with pytest.raises(BadRequest, match="name or generateName is required"):
        keys.object_key(kinds.by_name("Pod"), "default", "")
    with pytest.raises(BadRequest, match=r"metadata\.namespace"):
        keys.object_key(kinds.by_name("Pod"), "", "web")
    with pytest.raises(BadRequest, match="have no namespace"):
        keys.object_key(kinds.by_name("Node"), "default", "n1")
