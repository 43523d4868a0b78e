"""What each plugin makes of an object, or says about it."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.admission.rules import default_classes, limitranger, priority, serviceaccount
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.core.v1 import pod_pb2
from podlab.errors import Forbidden


def pod(*resources: dict[str, dict[str, str]], **spec: Any) -> Any:
    containers = [{"name": f"c{number}", "resources": given} for number, given in enumerate(resources or ({},))]
    metadata = {"name": "web", "namespace": "team"}
    return builtin_kinds.read(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}
    )


def account(**fields: Any) -> Any:
    return builtin_kinds.read({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}, **fields})


def with_account(given: Any, found: Any) -> pod_pb2.PodSpec:
    serviceaccount.complete(given, {"default": found}.get)
    spec: pod_pb2.PodSpec = given.spec
    return spec


def test_a_pod_acts_as_the_default_account_and_finds_a_token() -> None:
    spec = with_account(pod({}, {}), account())
    assert (spec.serviceAccountName, spec.serviceAccount) == ("default", "default")
    (volume,) = spec.volumes
    assert volume.name.startswith("kube-api-access-")
    parts = spec.volumes[0].volumeSource.projected.sources
    assert [
        parts[0].serviceAccountToken.path,
        parts[1].configMap.items[0].path,
        parts[2].downwardAPI.items[0].path,
    ] == [*("token", "ca.crt", "namespace")]
    for container in spec.containers:
        mount = container.volumeMounts[0]
        assert (mount.mountPath, mount.readOnly) == ("/var/run/secrets/kubernetes.io/serviceaccount", True)


@pytest.mark.parametrize(
    ("of_pod", "of_account", "mounted"),
    [(None, None, True), (False, None, False), (None, False, False), (True, False, True), (False, True, False)],
)
def test_the_pods_word_on_tokens_counts_more_than_the_accounts(
    of_pod: bool | None, of_account: bool | None, mounted: bool
) -> None:
    given = pod(**({} if of_pod is None else {"automountServiceAccountToken": of_pod}))
    spec = with_account(given, account(**({} if of_account is None else {"automountServiceAccountToken": of_account})))
    assert bool(spec.volumes) is mounted


def test_a_container_that_mounts_something_there_itself_keeps_it() -> None:
    given = pod()
    given.spec.containers[0].volumeMounts.add(name="own", mountPath=serviceaccount.TOKEN_PATH)
    assert not with_account(given, account()).volumes


def test_pull_secrets_of_the_account_are_for_pods_that_name_none() -> None:
    found = account(imagePullSecrets=[{"name": "registry"}])
    assert [one.name for one in with_account(pod(), found).imagePullSecrets] == ["registry"]
    own = with_account(pod(imagePullSecrets=[{"name": "mine"}]), found)
    assert [one.name for one in own.imagePullSecrets] == ["mine"]


def test_a_pod_of_an_account_that_is_not_there_is_refused() -> None:
    told = 'error looking up service account team/builder: serviceaccount "builder" not found'
    with pytest.raises(Forbidden, match=told):
        with_account(pod(serviceAccountName="builder"), account())


def test_a_mirror_pod_acts_as_nobody() -> None:
    given = pod()
    given.metadata.annotations[MIRROR_ANNOTATION] = "x"
    spec = with_account(given, None)
    assert not spec.serviceAccountName
    assert not spec.volumes
    given.spec.serviceAccountName = "default"
    with pytest.raises(Forbidden, match="a mirror pod may not reference service accounts"):
        with_account(given, account())


def ranges(*items: dict[str, Any]) -> list[Any]:
    metadata = {"name": "l", "namespace": "team"}
    return [
        builtin_kinds.read(
            {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [*items]}}
        )
    ]


def test_containers_get_what_they_leave_open_and_it_is_said() -> None:
    given = pod({}, {"requests": {"cpu": "2"}})
    limitranger.complete(
        given,
        ranges({"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "500m"}}),
    )
    first, second = (container.resources for container in given.spec.containers)
    assert (first.requests["cpu"].string, first.limits["memory"].string) == ("500m", "1Gi")
    assert (second.requests["cpu"].string, second.limits["cpu"].string) == ("2", "1")
    assert given.metadata.annotations["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu request for container c0; cpu, memory limit for container c0;"
        " cpu, memory limit for container c1"
    )


CPU = {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}


@pytest.mark.parametrize(
    ("item", "resources", "told"),
    [
        ({"min": {"cpu": "2"}}, CPU, "minimum cpu usage per Container is 2, but request is 1"),
        ({"min": {"cpu": "2"}}, {}, "minimum cpu usage per Container is 2.  No request is specified"),
        ({"max": {"cpu": "1"}}, CPU, "maximum cpu usage per Container is 1, but limit is 2"),
        ({"max": {"cpu": "1"}}, {}, "maximum cpu usage per Container is 1.  No limit is specified"),
        (
            {"maxLimitRequestRatio": {"cpu": "1500m"}},
            CPU,
            "cpu max limit to request ratio per Container is 1500m, but provided ratio is 2.000000",
        ),
        ({"maxLimitRequestRatio": {"cpu": "2"}}, {}, "but no request is specified or request is 0"),
        ({"min": {"cpu": "1"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "2"}}, CPU, ""),
        ({"type": "Pod", "max": {"cpu": "3"}}, CPU, "maximum cpu usage per Pod is 3, but limit is 4"),
        (
            {"min": {"cpu": "2"}, "max": {"cpu": "1"}},
            CPU,
            "[minimum cpu usage per Container is 2, but request is 1,"
            " maximum cpu usage per Container is 1, but limit is 2]",
        ),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_all_that_is(
    item: dict[str, Any], resources: dict[str, Any], told: str
) -> None:
    given = pod(resources, resources)
    bounds = ranges({"type": "Container", **item})
    if not told:
        limitranger.check_pod(given, bounds)
        return
    with pytest.raises(Forbidden) as refused:
        limitranger.check_pod(given, bounds)
    assert told in str(refused.value)
    assert str(refused.value).startswith('pods "web" is forbidden: ')


def claim(size: str, **spec: Any) -> Any:
    metadata = {"name": "data", "namespace": "team"}
    whole = {"resources": {"requests": {"storage": size}}, **spec}
    return builtin_kinds.read(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": whole}
    )


def test_claims_have_bounds_too() -> None:
    bounds = ranges({"type": "PersistentVolumeClaim", "min": {"storage": "2Gi"}, "max": {"storage": "5Gi"}})
    limitranger.check_claim(claim("3Gi"), bounds)
    with pytest.raises(Forbidden, match="minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi"):
        limitranger.check_claim(claim("1Gi"), bounds)
    with pytest.raises(Forbidden, match="maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi"):
        limitranger.check_claim(claim("6Gi"), bounds)


def priority_class(name: str, value: int, **fields: Any) -> Any:
    metadata = {"name": name}
    return builtin_kinds.read(
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": metadata, "value": value, **fields}
    )


CLASSES = {"high": priority_class("high", 1000, preemptionPolicy="Never"), "low": priority_class("low", 1)}
DEFAULTS = {
    "usual": priority_class("usual", 7, globalDefault=True),
    "more": priority_class("more", 9, globalDefault=True),
}


@pytest.mark.parametrize(
    ("spec", "known", "made"),
    [
        ({}, CLASSES, ("", 0, "PreemptLowerPriority")),
        ({"priorityClassName": "high"}, CLASSES, ("high", 1000, "Never")),
        ({"priorityClassName": "low", "priority": 1}, CLASSES, ("low", 1, "PreemptLowerPriority")),
        ({}, DEFAULTS, ("usual", 7, "PreemptLowerPriority")),
    ],
)
def test_priority_comes_from_the_class(spec: Any, known: Any, made: tuple[str, int, str]) -> None:
    given = pod(**spec)
    priority.complete(given, known)
    assert (given.spec.priorityClassName, given.spec.priority, given.spec.preemptionPolicy) == made


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"priorityClassName": "none"}, "no PriorityClass with name none was found"),
        ({"priority": 5}, r"the integer value of priority \(5\) must not be provided in pod spec"),
        (
            {"priorityClassName": "high", "preemptionPolicy": "PreemptLowerPriority"},
            "priority admission controller computed Never",
        ),
    ],
)
def test_a_pod_cannot_say_that_it_is_important(spec: Any, told: str) -> None:
    with pytest.raises(Forbidden, match=told):
        priority.complete(pod(**spec), CLASSES)


def test_there_is_one_default_priority_class() -> None:
    priority.check_only_default(DEFAULTS["usual"], {"usual": DEFAULTS["usual"]})
    with pytest.raises(Forbidden, match="PriorityClass usual is already marked as default"):
        priority.check_only_default(DEFAULTS["more"], {"usual": DEFAULTS["usual"]})


def storage_class(name: str, *, default: bool = False, made: str = "2030-01-01T00:00:00Z", **fields: Any) -> Any:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "annotations": annotations, "creationTimestamp": made}
    return builtin_kinds.read(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, **fields}
    )


def test_a_claim_that_names_no_class_gets_the_newest_default() -> None:
    known = {
        "old": storage_class("old", default=True),
        "new": storage_class("new", default=True, made="2031-01-01T00:00:00Z"),
        "other": storage_class("other", made="2032-01-01T00:00:00Z"),
    }
    for spec, name in (({}, "new"), ({"storageClassName": ""}, ""), ({"storageClassName": "other"}, "other")):
        given = claim("1Gi", **spec)
        default_classes.complete_claim(given, known)
        assert given.spec.storageClassName == name
    alone = claim("1Gi")
    default_classes.complete_claim(alone, {})
    assert not alone.spec.HasField("storageClassName")


def test_a_claim_grows_when_its_class_lets_it() -> None:
    known = {"fast": storage_class("fast", allowVolumeExpansion=True), "slow": storage_class("slow")}
    old, new = (claim(size, storageClassName="fast") for size in ("1Gi", "2Gi"))
    default_classes.check_growth(new, old, known)
    with pytest.raises(Forbidden, match="only dynamically provisioned pvc can be resized"):
        default_classes.check_growth(*(claim(size, storageClassName="slow") for size in ("2Gi", "1Gi")), known)
