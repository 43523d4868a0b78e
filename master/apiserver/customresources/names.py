"""Which of the names that a definition asks for it gets: those that no other one of its group has.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from podlab.api.definitions import NAMES_ACCEPTED
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionCondition,
    CustomResourceDefinitionNames,
)

ACCEPTED: Final = CustomResourceDefinitionCondition(
    type=NAMES_ACCEPTED, status="True", reason="NoConflicts", message="no conflicts found"
)


@dataclass(slots=True)
class TakenNames:
    """The names that definitions of a group have been given, and how many definitions have each."""

    resources: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, names: CustomResourceDefinitionNames) -> None:
        """A definition has been given them."""
        self.resources.update(_resources(names))
        self.kinds.update(_kinds(names))

    def give_back(self, names: CustomResourceDefinitionNames) -> None:
        """A definition that had been given them has them no more."""
        for taken, gone in ((self.resources, _resources(names)), (self.kinds, _kinds(names))):
            for name in gone:
                taken[name] -= 1
                if not taken[name]:
                    del taken[name]


def _resources(names: CustomResourceDefinitionNames) -> Iterable[str]:
    return names.plural, names.singular, *names.shortNames


def _kinds(names: CustomResourceDefinitionNames) -> Iterable[str]:
    return names.kind, names.listKind


def decide(
    definition: CustomResourceDefinition, taken: TakenNames
) -> tuple[CustomResourceDefinitionNames, CustomResourceDefinitionCondition]:
    """The names that it has from now on, and whether they are all that it asks for. What it has been given it keeps;
    what is `taken` may be its own: to ask for that as another of its names is a conflict too, as in Kubernetes."""
    wanted, given = definition.spec.names, definition.status.acceptedNames
    names = CustomResourceDefinitionNames()
    names.CopyFrom(given)
    told = ACCEPTED
    for name, reason, used in (
        ("plural", "PluralConflict", taken.resources),
        ("singular", "SingularConflict", taken.resources),
        ("shortNames", "ShortNamesConflict", taken.resources),
        ("kind", "KindConflict", taken.kinds),
        ("listKind", "ListKindConflict", taken.kinds),
    ):
        if name == "shortNames":
            conflicts = [one for one in wanted.shortNames if one not in given.shortNames and one in used]
        else:
            asked, had = getattr(wanted, name), getattr(given, name)
            conflicts = [asked] if asked != had and asked in used else []
        if conflicts:
            told = _conflict(reason, conflicts)
        elif name == "shortNames":
            names.shortNames[:] = wanted.shortNames
        else:
            setattr(names, name, getattr(wanted, name))
    names.categories[:] = wanted.categories
    return names, told


def _conflict(reason: str, names: list[str]) -> CustomResourceDefinitionCondition:
    words = [f'"{name}" is already in use' for name in names]
    message = words[0] if len(words) == 1 else f"[{', '.join(words)}]"
    return CustomResourceDefinitionCondition(type=NAMES_ACCEPTED, status="False", reason=reason, message=message)
