"""What client-side apply left in its annotation is no conflict for kubectl."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from podlab_testing import builtin_kinds

from master.apiserver.managedfields import field_manager
from master.apiserver.managedfields.field_manager import AppliedConfiguration, FieldWriter
from podlab.api import kinds
from podlab.api.selection.labels import LAST_APPLIED
from podlab.api.serializer import codec
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.errors import Conflict

MAPS = kinds.of(ConfigMap)
BY_CLIENT = FieldWriter("kubectl-client-side-apply", MAPS)


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}


def applied_on_the_client(now: dict[str, str], then: dict[str, Any]) -> tuple[ConfigMap, bytes]:
    """An object with this data, whose annotation says that `then` was applied."""
    made = codec.from_dict(config(**now), MAPS)
    assert isinstance(made, ConfigMap)
    made.metadata.annotations[LAST_APPLIED] = orjson.dumps(then).decode()
    fields = field_manager.written_at_creation(made, builtin_kinds.of(MAPS), MAPS)
    return made, field_manager.created(fields, BY_CLIENT, 1)


def apply(live: ConfigMap, stored: bytes, by: str, **data: str) -> ConfigMap:
    new, _ = field_manager.applied(
        live,
        AppliedConfiguration(config(**data)),
        builtin_kinds.of(MAPS),
        stored=stored,
        writer=FieldWriter(by, MAPS),
        now_s=2,
    )
    assert isinstance(new, ConfigMap)
    return new


def test_kubectl_takes_what_it_applied_on_the_client_and_keeps_the_annotation() -> None:
    live, stored = applied_on_the_client({"x": "1"}, config(x="1"))
    new = apply(live, stored, "kubectl", x="2")
    assert new.data["x"] == "2"
    assert orjson.loads(new.metadata.annotations[LAST_APPLIED]) == config(x="2")


def test_others_take_nothing_so() -> None:
    live, stored = applied_on_the_client({"x": "1"}, config(x="1"))
    with pytest.raises(Conflict, match=r"kubectl-client-side-apply"):
        apply(live, stored, "other", x="2")


@pytest.mark.parametrize("then", [config(x="0"), config(), {"apiVersion": "v2"}, [1]])
def test_what_was_changed_since_or_never_applied_is_a_conflict(then: Any) -> None:
    live, stored = applied_on_the_client({"x": "1"}, then)
    with pytest.raises(Conflict, match=r"\.data\.x"):
        apply(live, stored, "kubectl", x="2")
