"""ReplicationControllers, DaemonSets, StatefulSets, and the revisions that the latter two keep."""

from typing import Any

import orjson

from podlab.apps.v1 import controllerrevision_pb2, daemonset_pb2, statefulset_pb2
from podlab.core.v1 import pod_pb2, replicationcontroller_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.pod import check_lasting_template
from podlab.kinds.validation.storage.claims import check_claim_spec
from podlab.kinds.validation.workloads import deployments

_BEYOND_REPLICAS = "cannot be greater than status.replicas"
_CHANGEABLE = (
    "replicas", "ordinals", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"
)  # fmt: skip
_STATEFUL_SET_RULE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def check_replication_controller(found: Findings, item: replicationcontroller_pb2.ReplicationController) -> None:
    """A ReplicationController, whichever way it comes."""
    spec = item.spec
    deployments.check_counts(found, "spec", spec, "minReadySeconds", "replicas")
    if not spec.selector:
        found.required("spec.selector")
    if not spec.HasField("template"):
        found.required("spec.template")
        return
    labels = dict(spec.template.metadata.labels)
    if any(labels.get(key) != value for key, value in spec.selector.items()):
        found.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    check_lasting_template(found, "spec.template", spec.template)


def check_replica_counts(found: Findings, item: Any) -> None:
    """The status of a ReplicationController or ReplicaSet."""
    status = item.status
    parts = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    deployments.check_counts(found, "status", status, "replicas", *parts, "observedGeneration")
    _check_parts(found, status, *parts)
    if status.availableReplicas > status.readyReplicas:
        found.invalid("status.availableReplicas", status.availableReplicas, "cannot be greater than readyReplicas")


def check_daemon_set(found: Findings, item: daemonset_pb2.DaemonSet) -> None:
    """A DaemonSet, whichever way it comes."""
    spec = item.spec
    deployments.check_pods(found, spec, spec.template)
    deployments.check_counts(found, "spec", spec, "minReadySeconds", "revisionHistoryLimit")
    strategy, where = spec.updateStrategy, "spec.updateStrategy"
    found.one_of(f"{where}.type", strategy.type, ("RollingUpdate", "OnDelete"))
    if strategy.type == "RollingUpdate":
        if strategy.HasField("rollingUpdate"):
            _check_rolling_daemons(found, f"{where}.rollingUpdate", strategy.rollingUpdate)
        else:
            found.required(f"{where}.rollingUpdate")


def _check_rolling_daemons(found: Findings, where: str, rolling: daemonset_pb2.RollingUpdateDaemonSet) -> None:
    unavailable = deployments.amount(found, f"{where}.maxUnavailable", rolling.maxUnavailable, most_percent=100)
    surge = deployments.amount(found, f"{where}.maxSurge", rolling.maxSurge, most_percent=100)
    if unavailable and surge:
        rule = "may not be set when maxUnavailable is non-zero"
        found.invalid(f"{where}.maxSurge", deployments.shown(rolling.maxSurge), rule)
    elif unavailable == 0 and surge == 0:
        found.required(f"{where}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def check_daemon_set_update(found: Findings, new: daemonset_pb2.DaemonSet, old: daemonset_pb2.DaemonSet) -> None:
    """Its pods are found by the selector."""
    deployments.check_same_selector(found, new.spec.selector, old.spec.selector)


def check_daemon_set_status(found: Findings, item: daemonset_pb2.DaemonSet) -> None:
    """What is counted in nodes."""
    deployments.check_counts(
        found, "status", item.status, "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
        "numberReady", "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
        "collisionCount",
    )  # fmt: skip


def check_stateful_set(found: Findings, item: statefulset_pb2.StatefulSet) -> None:
    """A StatefulSet, whichever way it comes."""
    spec = item.spec
    _check_one_of_two(found, "spec.podManagementPolicy", spec.podManagementPolicy, "OrderedReady", "Parallel")
    strategy, where = spec.updateStrategy, "spec.updateStrategy"
    _check_one_of_two(found, where, strategy.type, "RollingUpdate", "OnDelete")
    if strategy.HasField("rollingUpdate"):
        if strategy.type == "OnDelete":
            found.invalid(f"{where}.rollingUpdate", {}, "only allowed for updateStrategy 'RollingUpdate'")
        _check_rolling_sets(found, f"{where}.rollingUpdate", strategy.rollingUpdate)
    retention = "spec.persistentVolumeClaimRetentionPolicy"
    for name in ("whenDeleted", "whenScaled") if spec.HasField("persistentVolumeClaimRetentionPolicy") else ():
        value: str = getattr(spec.persistentVolumeClaimRetentionPolicy, name)
        if value not in ("Retain", "Delete"):
            found.unsupported(f"{retention}.{name}", value, ("Retain", "Delete"))
    deployments.check_counts(found, "spec", spec, "replicas", "minReadySeconds", "revisionHistoryLimit")
    deployments.check_counts(found, "spec.ordinals", spec.ordinals, "start")
    for index, claim in enumerate(spec.volumeClaimTemplates):
        where = f"spec.volumeClaimTemplates[{index}]"
        found.invalid(f"{where}.metadata.name", claim.metadata.name, *syntax.label(claim.metadata.name))
        check_claim_spec(found, f"{where}.spec", claim.spec)
    deployments.check_pods(found, spec, _with_claims(spec))


def _check_rolling_sets(found: Findings, where: str, rolling: statefulset_pb2.RollingUpdateStatefulSetStrategy) -> None:
    deployments.check_counts(found, where, rolling, "partition")
    if rolling.HasField("maxUnavailable"):
        field = f"{where}.maxUnavailable"
        if deployments.amount(found, field, rolling.maxUnavailable, most_percent=100) == 0:
            found.invalid(field, deployments.shown(rolling.maxUnavailable), "cannot be 0")


def _with_claims(spec: statefulset_pb2.StatefulSetSpec) -> pod_pb2.PodTemplateSpec:
    """The template as its pods will be: with a volume for each claim, in place of one that has the claim's name."""
    made = pod_pb2.PodTemplateSpec()
    made.CopyFrom(spec.template)
    claims = {claim.metadata.name for claim in spec.volumeClaimTemplates}
    made.spec.ClearField("volumes")
    made.spec.volumes.extend(volume for volume in spec.template.spec.volumes if volume.name not in claims)
    for name in sorted(claims):
        claimed = pod_pb2.PersistentVolumeClaimVolumeSource(claimName=name)
        made.spec.volumes.add(name=name, volumeSource=pod_pb2.VolumeSource(persistentVolumeClaim=claimed))
    return made


def _check_one_of_two(found: Findings, field: str, value: str, one: str, other: str) -> None:
    if not value:
        found.required(field)
    elif value not in (one, other):
        found.invalid(field, value, f"must be '{one}' or '{other}'")


def check_stateful_set_update(
    found: Findings, new: statefulset_pb2.StatefulSet, old: statefulset_pb2.StatefulSet
) -> None:
    """Names and claims of its pods follow from most of its spec."""
    if _unchangeable(new.spec) != _unchangeable(old.spec):
        found.forbidden("spec", _STATEFUL_SET_RULE)


def _unchangeable(spec: statefulset_pb2.StatefulSetSpec) -> statefulset_pb2.StatefulSetSpec:
    rest = statefulset_pb2.StatefulSetSpec()
    rest.CopyFrom(spec)
    for name in _CHANGEABLE:
        rest.ClearField(name)  # type: ignore[arg-type]  # one of its fields
    return rest


def check_stateful_set_status(found: Findings, item: statefulset_pb2.StatefulSet) -> None:
    """What is counted in pods."""
    status = item.status
    parts = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
    deployments.check_counts(found, "status", status, "replicas", *parts, "observedGeneration", "collisionCount")
    _check_parts(found, status, *parts)
    if status.availableReplicas > status.readyReplicas:
        rule = "cannot be greater than status.readyReplicas"
        found.invalid("status.availableReplicas", status.availableReplicas, rule)


def _check_parts(found: Findings, status: Any, *names: str) -> None:
    for name in names:
        if getattr(status, name) > status.replicas:
            found.invalid(f"status.{name}", getattr(status, name), _BEYOND_REPLICAS)


def check_controller_revision(found: Findings, item: controllerrevision_pb2.ControllerRevision) -> None:
    """A ControllerRevision, whichever way it comes."""
    if not item.data.raw:
        found.required("data", "data is mandatory")
    elif not _is_object(item.data.raw):
        found.invalid("data", "<bytes>", "must be the JSON of an object")
    found.at_least("revision", item.revision, 0)


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(orjson.loads(raw), dict)
    except orjson.JSONDecodeError:
        return False


def check_controller_revision_update(
    found: Findings, new: controllerrevision_pb2.ControllerRevision, old: controllerrevision_pb2.ControllerRevision
) -> None:
    """Whoever goes back to it relies on what it was."""
    found.immutable("data", new.data, old.data, new.data.raw.decode(errors="replace"))
