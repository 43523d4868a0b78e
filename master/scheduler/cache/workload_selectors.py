"""The selectors of Services and controllers, by which pods without spread constraints of their own are spread."""

from __future__ import annotations

from collections import defaultdict

from master.scheduler.cache.pod_info import PodShape
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, controller_of, owner_kind
from podlab.api.selection.selectors import Requirement, Selector

SHAPES_REMEMBERED = 4096


class WorkloadSelectors:
    """Selectors of Services and of pods' controllers, by the key of the object."""

    def __init__(self) -> None:
        self._by_namespace: defaultdict[str, dict[Key, Selector]] = defaultdict(dict)
        self._found: dict[PodShape, Selector] = {}

    def set(self, key: Key, selector: Selector | None) -> None:
        """Takes in the selector of an object; None when the object is gone or has none."""
        known = self._by_namespace[key.namespace]
        if known.get(key) == selector:
            return
        self._found.clear()
        if selector is None:
            del known[key]
        else:
            known[key] = selector

    def selector_of(self, shape: PodShape) -> Selector:
        """The requirements of all Services and controllers of the shape's pods together; empty when they have none."""
        found = self._found.get(shape)
        if found is None:
            if len(self._found) >= SHAPES_REMEMBERED:
                self._found.clear()
            found = self._found[shape] = self._find(shape)
        return found

    def _find(self, shape: PodShape) -> Selector:
        owner = controller_of(shape.pod.metadata)
        own = Key(owner_kind(owner), shape.namespace, owner.name) if owner is not None else None
        requirements: dict[Requirement, None] = {}
        for key, selector in self._by_namespace[shape.namespace].items():
            is_service_of_pods = key.group_kind == GroupKind("", "Service") and selector.matches(shape.labels)
            if key == own or is_service_of_pods:
                requirements.update(dict.fromkeys(selector.requirements))
        return Selector(tuple(requirements))
