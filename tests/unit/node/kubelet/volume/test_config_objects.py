from __future__ import annotations

from typing import Any

from node.kubelet.containerconfig.environment import ConfigReference
from node.kubelet.volume.config_objects import ConfigObjectManager
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.errors import NotFound

LATE = ConfigReference(ConfigMap, "late")


class Client:
    """Has what it is given."""

    def __init__(self) -> None:
        self.revision = ""

    async def get(self, kind: type[ConfigMap], name: str, namespace: str = "") -> Any:
        if not self.revision:
            raise NotFound.of("configmaps", name)
        found = ConfigMap()
        found.metadata.name, found.metadata.resourceVersion = name, self.revision
        return found


async def test_what_one_pod_finds_changed_the_others_are_told_at_once() -> None:
    client, told = Client(), list[str]()
    sources = ConfigObjectManager(client)  # type: ignore[arg-type]
    sources.on_change(told.append)
    for uid in ("a", "b", "c"):
        assert await sources.read(uid, "default", [LATE]) == {LATE: None}
    sources.forget("c")
    client.revision = "5"
    found = (await sources.read("a", "default", [LATE]))[LATE]
    assert found is not None
    assert told == ["b"]
    await sources.read("b", "default", [LATE])
    assert told == ["b"]


async def test_each_namespace_has_its_own() -> None:
    client, told = Client(), list[str]()
    sources = ConfigObjectManager(client)  # type: ignore[arg-type]
    sources.on_change(told.append)
    await sources.read("a", "one", [LATE])
    client.revision = "5"
    await sources.read("b", "two", [LATE])
    assert told == []
