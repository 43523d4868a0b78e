"""New pods are what their template says, and their owner's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from master.controllers.objects.podtemplate import new_pod

Builder = Callable[..., Any]


def test_a_new_pod_has_its_template_and_its_owner(replica_set: Builder) -> None:
    owner = replica_set("web-1")
    made = new_pod(owner, owner.spec.template)
    assert made.spec == owner.spec.template.spec
    assert dict(made.metadata.labels) == {"app": "web"}
    assert made.metadata.name.startswith("web-1-")
    (reference,) = made.metadata.ownerReferences
    assert (reference.kind, reference.name, reference.uid) == ("ReplicaSet", "web-1", "uid-web-1")
    assert reference.controller
    assert reference.blockOwnerDeletion


def test_a_name_that_is_given_is_kept_and_others_differ(replica_set: Builder) -> None:
    owner = replica_set("web")
    assert new_pod(owner, owner.spec.template, "web-7").metadata.name == "web-7"
    names = {new_pod(owner, owner.spec.template).metadata.name for _ in range(10)}
    assert len(names) == 10
    assert {new_pod(owner, owner.spec.template).metadata.generateName} == {"web-"}
