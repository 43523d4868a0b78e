"""The Services and controllers that pods belong to, by which pods without constraints of their own are spread."""

from __future__ import annotations

from collections import defaultdict

from master.scheduler.cache.pod_info import Shape
from podlab.api.objects import Key, controller_of
from podlab.api.selectors import Requirement, Selector

SHAPES_REMEMBERED = 4096


class Workloads:
    """Their selectors, by key; those of Services and of the controllers of pods."""

    def __init__(self) -> None:
        self._by_namespace: defaultdict[str, dict[Key, Selector]] = defaultdict(dict)
        self._found: dict[Shape, Selector] = {}

    def set(self, key: Key, selector: Selector | None) -> None:
        """Takes in a Service or controller; None when it is gone, or has no selector."""
        held = self._by_namespace[key.namespace]
        if held.get(key) == selector:
            return
        self._found.clear()
        if selector is None:
            del held[key]
        else:
            held[key] = selector

    def selector_of(self, shape: Shape) -> Selector:
        """What finds the pods that belong together with those of the shape; without requirements when none do."""
        found = self._found.get(shape)
        if found is None:
            if len(self._found) >= SHAPES_REMEMBERED:
                self._found.clear()
            found = self._found[shape] = self._find(shape)
        return found

    def _find(self, shape: Shape) -> Selector:
        owner = controller_of(shape.pod.metadata)
        own = Key(owner.kind, shape.namespace, owner.name) if owner is not None else None
        requirements: dict[Requirement, None] = {}
        for key, selector in self._by_namespace[shape.namespace].items():
            is_its_service = key.kind == "Service" and selector.matches(shape.labels)
            if key == own or is_its_service:
                requirements.update(dict.fromkeys(selector.requirements))
        return Selector(tuple(requirements))
