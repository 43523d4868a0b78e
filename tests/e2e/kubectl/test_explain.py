"""kubectl explain, of every kind."""

from __future__ import annotations

import pytest
from podlab_testing.kubectl import Kubectl

# Those that another group has under the same name are told apart by their version.
MEASURED = {"nodes.metrics.k8s.io", "pods.metrics.k8s.io"}
# Kinds that tests beside this one make, and take away again while it looks.
OF_OTHER_TESTS = (".example.com", ".podlab.io")
# kubectl takes the first part for the core group's events and the rest for a field.
AMBIGUOUS = {"events.events.k8s.io": ("events", "--api-version=events.k8s.io/v1")}


def test_every_kind_explains_itself_and_all_its_fields(administrator: Kubectl) -> None:
    served = set(administrator.out("api-resources", "-o", "name").split())
    assert len(served) > len(MEASURED)
    for resource in sorted(served - MEASURED):
        if resource.endswith(OF_OTHER_TESTS):
            continue
        told = administrator.out("explain", *AMBIGUOUS.get(resource, (resource,)), "--recursive")
        assert told.startswith(("KIND: ", "GROUP: "))
        description = told.partition("DESCRIPTION:\n")[2].partition("FIELDS:")[0].strip()
        assert description not in ("", "<empty>"), resource
        assert "  kind\t<string>" in told, resource


@pytest.mark.parametrize("resource", ["nodes", "pods"])
def test_a_kind_of_another_group_is_named_by_its_version(administrator: Kubectl, resource: str) -> None:
    told = administrator.out("explain", resource, "--api-version=metrics.k8s.io/v1beta1")
    assert "GROUP:      metrics.k8s.io" in told


def test_a_nested_field_tells_its_type_and_its_fields(administrator: Kubectl) -> None:
    told = administrator.out("explain", "pod.spec.containers.livenessProbe.httpGet")
    assert "FIELD: httpGet <HTTPGetAction>" in told
    assert "  port\t<IntOrString> -required-" in told
    told = administrator.out("explain", "deploy.spec.strategy.type")
    assert "FIELD: type <string>" in told
    recursive = administrator.out("explain", "deployment.spec.strategy", "--recursive")
    assert "  rollingUpdate\t<RollingUpdateDeployment>\n    maxSurge\t<IntOrString>" in recursive


def test_older_forms_and_other_versions_are_explained(administrator: Kubectl) -> None:
    told = administrator.out("explain", "deployment", "--output=plaintext-openapiv2")
    assert told.splitlines()[:2] == ["KIND:     Deployment", "VERSION:  apps/v1"]
    told = administrator.out("explain", "hpa.spec", "--api-version=autoscaling/v1")
    assert "targetCPUUtilizationPercentage\t<integer>" in told


def test_what_does_not_exist_is_refused(administrator: Kubectl) -> None:
    assert administrator.refused("explain", "pod.spec.nope") == 'error: field "nope" does not exist'
    assert "doesn't have a resource type" in administrator.refused("explain", "nopes")
