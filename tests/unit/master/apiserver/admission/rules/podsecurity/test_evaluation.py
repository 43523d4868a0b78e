from __future__ import annotations

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.admission.rules.podsecurity import evaluation
from master.apiserver.admission.rules.podsecurity.check import SecurityLevel
from master.apiserver.admission.rules.podsecurity.evaluation import BASELINE, RESTRICTED, Census, becomes_stricter
from master.apiserver.admission.rules.podsecurity.policy import Labelled, NamespacePolicy, Standard
from podlab.core.v1.pod_pb2 import Pod, PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

STRICT = Standard(SecurityLevel.RESTRICTED)
TOLD = (
    'PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "a" must set '
    'securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set '
    'securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "a" must set '
    'securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set '
    'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
)


def pod(name: str = "p", owner: str = "", **spec: object) -> Pod:
    data = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "i"}], **spec}}
    message = builtin_kinds.read(data)
    assert isinstance(message, Pod)
    message.metadata.name = name
    if owner:
        message.metadata.ownerReferences.add(uid=owner, controller=True)
    return message


def test_checks_of_a_level_stand_in_the_order_of_their_names() -> None:
    for checks in (BASELINE, RESTRICTED):
        assert [check.id for check in checks] == sorted(check.id for check in checks)
        assert all(check.level is checks[0].level for check in checks)


def test_a_stricter_check_takes_the_place_of_its_like() -> None:
    host_path = pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}])
    told = [one.reason for one in evaluation.violations(STRICT, host_path.metadata, host_path.spec)]
    assert "hostPath volumes" not in told
    assert "restricted volume types" in told
    unmasked = pod()
    unmasked.spec.containers[0].securityContext.procMount = "Unmasked"
    told = [one.reason for one in evaluation.violations(STRICT, unmasked.metadata, unmasked.spec)]
    assert told.count("procMount") == 1


def test_versions_to_come_are_the_newest_that_there_is() -> None:
    assert evaluation.checks_of(Standard(SecurityLevel.BASELINE, 99)) == evaluation.checks_of(
        Standard(SecurityLevel.BASELINE)
    )
    assert evaluation.checks_of(Standard(SecurityLevel.PRIVILEGED)) == ()


def test_what_is_enforced_is_refused_and_told() -> None:
    labelled = Labelled(NamespacePolicy(enforce=STRICT, audit=STRICT, warn=STRICT))
    judged = evaluation.judged(labelled, ObjectMeta(), pod().spec, enforced=True)
    assert (judged.refusal, judged.warnings) == (f"violates {TOLD}", ())
    assert judged.annotations == {
        "pod-security.kubernetes.io/enforce-policy": "restricted:latest",
        "pod-security.kubernetes.io/audit-violations": f"would violate {TOLD}",
    }


def test_of_a_template_its_writer_is_warned() -> None:
    labelled = Labelled(NamespacePolicy(enforce=STRICT, warn=STRICT))
    judged = evaluation.judged(labelled, ObjectMeta(), pod().spec, enforced=False)
    assert (judged.refusal, judged.warnings, judged.annotations) == ("", (f"would violate {TOLD}",), {})


@pytest.mark.parametrize(
    ("old", "new", "stricter"),
    [
        (Standard(), STRICT, True),
        (STRICT, STRICT, False),
        (STRICT, Standard(SecurityLevel.BASELINE), False),
        (STRICT, Standard(SecurityLevel.BASELINE, 20), True),
        (STRICT, Standard(SecurityLevel.PRIVILEGED, 20), False),
    ],
)
def test_only_a_stricter_standard_is_held_against_what_is_there(old: Standard, new: Standard, stricter: bool) -> None:
    assert becomes_stricter(new, old) is stricter


def test_pods_that_violate_are_counted_by_what_they_violate() -> None:
    census = Census("n", Standard(SecurityLevel.BASELINE))
    worse = pod("d", hostPID=True, volumes=[{"name": "v", "hostPath": {"path": "/"}}])
    for one in (*(pod(name, hostNetwork=True) for name in "cba"), worse, pod("e")):
        census.add(one)
    assert census.warnings(5, 7) == [
        "new PodSecurity enforce level only checked against the first 5 of 7 existing pods",
        'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 2 other pods): host namespaces",
        "d: host namespaces, hostPath volumes",
    ]
    assert Census("n", STRICT).warnings(0, 0) == []


def test_of_pods_that_are_alike_one_is_looked_at_before_the_others() -> None:
    pods = [pod("a", "x"), pod("b", "x"), pod("c"), pod("d", "y"), pod("e")]
    assert [one.metadata.name for one in evaluation.in_order(pods)] == ["a", "c", "d", "e", "b"]


def test_a_pod_is_looked_at_again_when_something_else_runs_in_it() -> None:
    old, new = pod().spec, PodSpec()
    new.CopyFrom(old)
    new.activeDeadlineSeconds = 5
    assert not evaluation.is_significant(new, old)
    new.ephemeralContainers.add().ephemeralContainerCommon.name = "debug"
    assert evaluation.is_significant(new, old)
    other = pod(containers=[{"name": "a", "image": "j"}]).spec
    assert evaluation.is_significant(other, old)
