"""ReplicaSets and Deployments."""

import re
from typing import Any

from podlab.api.selection import selectors
from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector
from podlab.kinds.validation.pods.pod import check_lasting_template
from podlab.meta.v1 import meta_pb2

_NO_MATCH = "`selector` does not match template `labels`"
_PERCENT = re.compile("[0-9]+%")
_PERCENT_RULE = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%')"


def check_replica_set(found: Findings, replica_set: replicaset_pb2.ReplicaSet) -> None:
    """A ReplicaSet, whichever way it comes."""
    spec = replica_set.spec
    check_pods(found, spec, spec.template)
    check_counts(found, "spec", spec, "replicas", "minReadySeconds")


def check_deployment(found: Findings, deployment: deployment_pb2.Deployment) -> None:
    """A Deployment, whichever way it comes."""
    spec = deployment.spec
    check_pods(found, spec, spec.template)
    check_counts(found, "spec", spec, "replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    if spec.progressDeadlineSeconds <= spec.minReadySeconds:
        rule = "must be greater than minReadySeconds"
        found.invalid("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds, rule)
    _check_strategy(found, "spec.strategy", spec.strategy)


def check_counts(found: Findings, field: str, message: Any, *names: str) -> None:
    """Numbers that cannot be negative."""
    for name in names:
        found.at_least(f"{field}.{name}", getattr(message, name), 0)


def check_replica_set_update(found: Findings, new: replicaset_pb2.ReplicaSet, old: replicaset_pb2.ReplicaSet) -> None:
    """Pods were made to be found by the selector."""
    check_same_selector(found, new.spec.selector, old.spec.selector)


def check_deployment_update(found: Findings, new: deployment_pb2.Deployment, old: deployment_pb2.Deployment) -> None:
    """ReplicaSets were made to be found by the selector."""
    check_same_selector(found, new.spec.selector, old.spec.selector)


def check_same_selector(found: Findings, new: meta_pb2.LabelSelector, old: meta_pb2.LabelSelector) -> None:
    """What was made to be found by the selector must stay so."""
    found.immutable("spec.selector", new, old, dict(new.matchLabels))


def check_pods(found: Findings, spec: Any, template: pod_pb2.PodTemplateSpec) -> None:
    """Pods that restart for ever, and the selector of the spec, that finds them; one that is not there finds none."""
    selector: meta_pb2.LabelSelector = spec.selector
    if selector.matchLabels or selector.matchExpressions:
        check_match(found, selector, template)
    else:
        found.required("spec.selector", "empty selector is invalid: it would select every pod of the namespace")
        if not spec.HasField("selector"):
            found.invalid("spec.template.metadata.labels", dict(template.metadata.labels), _NO_MATCH)
    check_lasting_template(found, "spec.template", template)


def check_match(found: Findings, selector: meta_pb2.LabelSelector, template: pod_pb2.PodTemplateSpec) -> None:
    """A selector, and that it finds what is made from the template."""
    in_selector = Findings()
    check_selector(in_selector, "spec.selector", selector)
    found.extend(in_selector)
    labels = dict(template.metadata.labels)
    if not in_selector.causes and not selectors.from_message(selector).matches(labels):
        found.invalid("spec.template.metadata.labels", labels, _NO_MATCH)


def _check_strategy(found: Findings, field: str, strategy: deployment_pb2.DeploymentStrategy) -> None:
    found.one_of(f"{field}.type", strategy.type, ("Recreate", "RollingUpdate"))
    if strategy.type == "Recreate":
        if strategy.HasField("rollingUpdate"):
            rule = "may not be specified when strategy `type` is 'Recreate'"
            found.forbidden(f"{field}.rollingUpdate", rule)
    elif strategy.type == "RollingUpdate":
        _check_rolling(found, f"{field}.rollingUpdate", strategy.rollingUpdate)


def _check_rolling(found: Findings, where: str, rolling: deployment_pb2.RollingUpdateDeployment) -> None:
    surge = amount(found, f"{where}.maxSurge", rolling.maxSurge, most_percent=None)
    unavailable = amount(found, f"{where}.maxUnavailable", rolling.maxUnavailable, most_percent=100)
    if surge == 0 and unavailable == 0:
        found.invalid(f"{where}.maxUnavailable", shown(rolling.maxUnavailable), "may not be 0 when `maxSurge` is 0")


def amount(found: Findings, field: str, value: meta_pb2.IntOrString, most_percent: int | None) -> int | None:
    """The number or percentage; None when it is neither."""
    if value.type == 0:
        found.at_least(field, value.intVal, 0)
        return value.intVal
    if not _PERCENT.fullmatch(value.strVal):
        found.invalid(field, value.strVal, _PERCENT_RULE)
        return None
    percent = int(value.strVal[:-1])
    if most_percent is not None and percent > most_percent:
        found.invalid(field, value.strVal, f"must not be greater than {most_percent}%")
    return percent


def shown(value: meta_pb2.IntOrString) -> int | str:
    """As it was written."""
    return value.intVal if value.type == 0 else value.strVal
