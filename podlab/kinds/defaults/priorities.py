"""The FlowSchemas and PriorityLevelConfigurations that every cluster has, as Kubernetes 1.36 has them.

The mandatory ones are what their specs say here, whatever anybody writes; the others are suggestions.
https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults
"""

from __future__ import annotations

from collections.abc import Iterable

from podlab.flowcontrol.v1 import flowschema_pb2 as schemas
from podlab.flowcontrol.v1 import prioritylevelconfiguration_pb2 as levels

ALL = "*"
EXEMPT, CATCH_ALL = "exempt", "catch-all"
_KUBE_SYSTEM = "kube-system"
_EVERYBODY = ("system:unauthenticated", "system:authenticated")
_CONTROLLERS, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_BY_USER, _BY_NAMESPACE = "ByUser", "ByNamespace"


def _exempt_level() -> levels.PriorityLevelConfiguration:
    level = levels.PriorityLevelConfiguration()
    level.metadata.name, level.spec.type = EXEMPT, "Exempt"
    level.spec.exempt.nominalConcurrencyShares = level.spec.exempt.lendablePercent = 0
    return level


def _level(
    name: str, shares: int, *, lent_percent: int = 0, queues: int = 0, hand: int = 0, length: int = 50
) -> levels.PriorityLevelConfiguration:
    level = levels.PriorityLevelConfiguration()
    level.metadata.name, level.spec.type = name, "Limited"
    limited = level.spec.limited
    limited.nominalConcurrencyShares, limited.lendablePercent = shares, lent_percent
    limited.limitResponse.type = "Queue" if queues else "Reject"
    if queues:
        queuing = levels.QueuingConfiguration(queues=queues, handSize=hand, queueLengthLimit=length)
        limited.limitResponse.queuing.CopyFrom(queuing)
    return level


def _schema(
    name: str, level: str, precedence: int, distinguished: str, *rules: schemas.PolicyRulesWithSubjects
) -> schemas.FlowSchema:
    schema = schemas.FlowSchema()
    schema.metadata.name, schema.spec.matchingPrecedence = name, precedence
    schema.spec.priorityLevelConfiguration.name = level
    if distinguished:
        schema.spec.distinguisherMethod.type = distinguished
    schema.spec.rules.extend(rules)
    return schema


def _users(*names: str) -> list[schemas.Subject]:
    return [schemas.Subject(kind="User", user=schemas.UserSubject(name=name)) for name in names]


def _groups(*names: str) -> list[schemas.Subject]:
    return [schemas.Subject(kind="Group", group=schemas.GroupSubject(name=name)) for name in names]


def _accounts(*names: str) -> list[schemas.Subject]:
    """Of kube-system."""
    found = (schemas.ServiceAccountSubject(namespace=_KUBE_SYSTEM, name=name) for name in names)
    return [schemas.Subject(kind="ServiceAccount", serviceAccount=one) for one in found]


def _objects(
    verbs: str = ALL, group: str = ALL, resources: str = ALL, *, clusterwide: bool = True
) -> schemas.ResourcePolicyRule:
    return schemas.ResourcePolicyRule(
        verbs=verbs.split(), apiGroups=[group], resources=resources.split(), namespaces=[ALL], clusterScope=clusterwide
    )


def _paths(verbs: str = ALL, paths: str = ALL) -> schemas.NonResourcePolicyRule:
    return schemas.NonResourcePolicyRule(verbs=verbs.split(), nonResourceURLs=paths.split())


def _all_of(subjects: Iterable[schemas.Subject]) -> schemas.PolicyRulesWithSubjects:
    return schemas.PolicyRulesWithSubjects(subjects=subjects, resourceRules=[_objects()], nonResourceRules=[_paths()])


def _some_of(
    subjects: Iterable[schemas.Subject], *rules: schemas.ResourcePolicyRule
) -> schemas.PolicyRulesWithSubjects:
    return schemas.PolicyRulesWithSubjects(subjects=subjects, resourceRules=rules)


_ELECTION = _objects("get create update", "coordination.k8s.io", "leases", clusterwide=False)
_ENDPOINTS = _objects("get create update", "", "endpoints", clusterwide=False)
_PROBED = _paths("get", "/healthz /readyz /livez")

MANDATORY_LEVELS = (_exempt_level(), _level(CATCH_ALL, 5))
SUGGESTED_LEVELS = (
    _level("system", 30, lent_percent=33, queues=64, hand=6),
    _level("node-high", 40, lent_percent=25, queues=64, hand=6),
    _level("leader-election", 10, queues=16, hand=4),
    _level("workload-high", 40, lent_percent=50, queues=128, hand=6),
    _level("workload-low", 100, lent_percent=90, queues=128, hand=6),
    _level("global-default", 20, lent_percent=50, queues=128, hand=6),
)
MANDATORY_SCHEMAS = (
    _schema(EXEMPT, EXEMPT, 1, "", _all_of(_groups("system:masters"))),
    _schema(CATCH_ALL, CATCH_ALL, 10000, _BY_USER, _all_of(_groups(*_EVERYBODY))),
)
SUGGESTED_SCHEMAS = (
    _schema(
        "probes", EXEMPT, 2, "",
        schemas.PolicyRulesWithSubjects(subjects=_groups(*_EVERYBODY), nonResourceRules=[_PROBED]),
    ),
    _schema(
        "system-leader-election", "leader-election", 100, _BY_USER,
        _some_of([*_users(_CONTROLLERS, _SCHEDULER), *_accounts(ALL)], _ELECTION),
    ),
    _schema(
        "endpoint-controller", "workload-high", 150, _BY_USER,
        _some_of(
            [*_users(_CONTROLLERS), *_accounts("endpoint-controller", "endpointslicemirroring-controller")], _ENDPOINTS
        ),
    ),
    _schema("workload-leader-election", "leader-election", 200, _BY_USER, _some_of(_accounts(ALL), _ELECTION)),
    _schema(
        "system-node-high", "node-high", 400, _BY_USER,
        _some_of(
            _groups("system:nodes"),
            _objects(ALL, "", "nodes nodes/status"),
            _objects(ALL, "coordination.k8s.io", "leases", clusterwide=False),
        ),
    ),
    _schema("system-nodes", "system", 500, _BY_USER, _all_of(_groups("system:nodes"))),
    _schema("kube-controller-manager", "workload-high", 800, _BY_NAMESPACE, _all_of(_users(_CONTROLLERS))),
    _schema("kube-scheduler", "workload-high", 800, _BY_NAMESPACE, _all_of(_users(_SCHEDULER))),
    _schema("kube-system-service-accounts", "workload-high", 900, _BY_NAMESPACE, _all_of(_accounts(ALL))),
    _schema("service-accounts", "workload-low", 9000, _BY_USER, _all_of(_groups("system:serviceaccounts"))),
    _schema("global-default", "global-default", 9900, _BY_USER, _all_of(_groups(*_EVERYBODY))),
)  # fmt: skip
