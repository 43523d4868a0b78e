"""Names, conditions, and the end of definitions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from podlab_testing import builtin_kinds, custom_kinds

from master.apiserver.customresources.decide import decide, finished, terminating
from master.apiserver.customresources.names import TakenNames
from podlab.api import definitions, objects
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.meta.v1.meta_pb2 import Time

NOW, LATER = Time(seconds=1_000), Time(seconds=2_000)


def definition(plural: str = "crontabs", kind: str = "CronTab", **spec: Any) -> CustomResourceDefinition:
    made = builtin_kinds.read(custom_kinds.definition(plural, kind, **spec))
    assert isinstance(made, CustomResourceDefinition)
    builtin_kinds.apply_defaults(made)
    return made


def told(made: CustomResourceDefinition, condition: str) -> tuple[str, str]:
    found = objects.condition(made.status.conditions, condition)
    assert found is not None
    return found.status, found.reason


def test_names_that_nobody_has_are_given() -> None:
    made = decide(definition(), TakenNames(), NOW)
    assert told(made, "NamesAccepted") == ("True", "NoConflicts")
    assert told(made, "Established") == ("True", "InitialNamesAccepted")
    assert made.status.acceptedNames == made.spec.names


def test_deciding_again_changes_nothing() -> None:
    made = decide(definition(), TakenNames(), NOW)
    assert decide(made, TakenNames(), LATER) == made


@pytest.mark.parametrize(
    ("resources", "kinds", "reason", "message", "missing"),
    [
        ({"crontabs"}, set(), "PluralConflict", '"crontabs" is already in use', "plural"),
        ({"crontab"}, set(), "SingularConflict", '"crontab" is already in use', "singular"),
        ({"ct"}, set(), "ShortNamesConflict", '"ct" is already in use', "shortNames"),
        (set(), {"CronTab"}, "KindConflict", '"CronTab" is already in use', "kind"),
        (set(), {"CronTabList"}, "ListKindConflict", '"CronTabList" is already in use', "listKind"),
    ],
)
def test_a_name_that_another_has_is_not_given(
    resources: set[str], kinds: set[str], reason: str, message: str, missing: str
) -> None:
    made = decide(definition(), TakenNames(Counter(resources), Counter(kinds)), NOW)
    assert told(made, "NamesAccepted") == ("False", reason)
    assert told(made, "Established") == ("False", "NotAccepted")
    assert made.status.conditions[0].message == message
    assert not getattr(made.status.acceptedNames, missing)


def test_what_is_established_stays_so() -> None:
    made = decide(definition(), TakenNames(), NOW)
    made.spec.names.shortNames.append("new")
    again = decide(made, TakenNames(Counter({"new": 1})), LATER)
    assert told(again, "NamesAccepted") == ("False", "ShortNamesConflict")
    assert told(again, "Established") == ("True", "InitialNamesAccepted")
    assert list(again.status.acceptedNames.shortNames) == ["ct"]


def test_names_of_others_are_taken() -> None:
    given = decide(definition(), TakenNames(), NOW)
    taken = TakenNames()
    taken.add(given.status.acceptedNames)
    assert set(taken.resources) == {"crontabs", "crontab", "ct"}
    assert set(taken.kinds) == {"CronTab", "CronTabList"}


def test_a_name_is_free_once_all_who_had_it_have_given_it_back() -> None:
    names, taken = decide(definition(), TakenNames(), NOW).status.acceptedNames, TakenNames()
    taken.add(names)
    taken.add(names)
    taken.give_back(names)
    assert "ct" in taken.resources
    taken.give_back(names)
    assert (taken.resources, taken.kinds) == (Counter(), Counter())


def test_the_own_name_of_a_definition_is_taken_for_its_other_names() -> None:
    made, taken = decide(definition(), TakenNames(), NOW), TakenNames()
    taken.add(made.status.acceptedNames)
    assert decide(made, taken, LATER) == made
    made.spec.names.singular = "ct"
    assert told(decide(made, taken, LATER), "NamesAccepted") == ("False", "SingularConflict")


@pytest.mark.parametrize(
    ("annotation", "status", "reason"),
    [
        ("https://github.com/kubernetes/kubernetes/pull/1", "True", "ApprovedAnnotation"),
        ("unapproved, a test", "False", "UnapprovedAnnotation"),
        ("soon", "False", "InvalidAnnotation"),
        ("", "False", "MissingAnnotation"),
    ],
)
def test_groups_of_kubernetes_say_who_approved(annotation: str, status: str, reason: str) -> None:
    made = definition(group="test.k8s.io")
    made.metadata.annotations[definitions.APPROVAL_ANNOTATION] = annotation
    found = decide(made, TakenNames(), NOW)
    assert told(found, "KubernetesAPIApprovalPolicyConformant") == (status, reason)


def test_a_definition_lets_go_when_its_objects_are_gone() -> None:
    made = decide(definition(), TakenNames(), NOW)
    made.metadata.finalizers.append(definitions.CLEANUP_FINALIZER)
    going = terminating(made, "InstanceDeletionInProgress", "CustomResource deletion is in progress", NOW)
    assert told(going, "Terminating") == ("True", "InstanceDeletionInProgress")
    ended = finished(going, LATER)
    assert told(ended, "Terminating") == ("False", "InstanceDeletionCompleted")
    assert list(ended.metadata.finalizers) == []


def test_one_that_was_never_established_has_no_objects() -> None:
    made = definition()
    made.metadata.finalizers.append(definitions.CLEANUP_FINALIZER)
    assert told(finished(made, NOW), "Terminating") == ("False", "NeverEstablished")
