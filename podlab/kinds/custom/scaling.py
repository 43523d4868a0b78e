"""The number of replicas of custom objects, found at the paths that their definition names.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#scale-subresource
"""

from __future__ import annotations

from dataclasses import dataclass

from podlab.api.serializer import custom
from podlab.api.values import jsonpath
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceSubresourceScale
from podlab.errors import InternalError
from podlab.kinds.scaling import Replicas


@dataclass(frozen=True, slots=True)
class CustomScaling:
    """See `podlab.kinds.scaling.Scaling`."""

    paths: CustomResourceSubresourceScale

    @property
    def path(self) -> tuple[str, ...]:
        """See Scaling."""
        return tuple(self.paths.specReplicasPath.strip(".").split("."))

    def replicas(self, message: Custom) -> Replicas:
        """Raises InternalError where nothing says how many there are to be, as Kubernetes does."""
        content = custom.content(message)
        wanted = _number(jsonpath.first(self.paths.specReplicasPath, content))
        if wanted is None:
            raise InternalError(f"the spec replicas field {self.paths.specReplicasPath!r} does not exist")
        there = _number(jsonpath.first(self.paths.statusReplicasPath, content))
        selector = jsonpath.first(self.paths.labelSelectorPath, content) if self.paths.labelSelectorPath else ""
        return Replicas(wanted, there or 0, selector if isinstance(selector, str) else "")

    def set_replicas(self, message: Custom, count: int) -> None:
        """Objects on the way that are missing are made."""
        content = custom.content(message)
        *way, last = self.path
        at: dict[str, Json] = content
        for step in way:
            inner = at.get(step)
            if not isinstance(inner, dict):
                inner = at[step] = {}
            at = inner
        at[last] = count
        custom.set_content(message, content)


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
