"""The kind Pod."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age
from podlab.api.kinds import of
from podlab.api.objects import is_true
from podlab.api.pods.podstate import last_restart, pod_state
from podlab.api.values import times
from podlab.core.v1.pod_pb2 import Pod
from podlab.kinds.defaults.pod import apply_to_pod
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import (
    ATTACH,
    BINDING,
    EPHEMERAL_CONTAINERS,
    EVICTION,
    EXEC,
    LOG,
    POD_PROXY,
    PORT_FORWARD,
    RESIZE,
    STATUS,
)

_POD_WIDE = ("IP", "NODE", "NOMINATED NODE", "READINESS GATES")


def _cells(item: Pod, now: datetime) -> Cells:
    state = pod_state(item)
    last = last_restart(state)
    restarts = f"{state.restarts} ({times.age(last, now)} ago)" if state.restarts and last else str(state.restarts)
    ready = f"{state.ready}/{state.total}"
    wide = (item.status.podIP or NONE, item.spec.nodeName or NONE, item.status.nominatedNodeName or NONE)
    return [item.metadata.name, ready, state.status, restarts, age(item, now), *wide, _gates(item)]


def _gates(item: Pod) -> str:
    """How many of its readiness gates are open, of how many."""
    gates = [gate.conditionType for gate in item.spec.readinessGates]
    opened = sum(is_true(item.status.conditions, gate) for gate in gates)
    return f"{opened}/{len(gates)}" if gates else NONE


def _strategy() -> Strategy:
    from podlab.kinds.strategies import pods
    from podlab.kinds.validation.pods import ephemeralcontainers, pod, resizing
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.warnings import moments

    return Strategy(
        prepare_for_create=pods.begin,
        prepare_for_status_update=pods.keep_class,
        grace_period_s=pods.grace_period_s,
        counts_generations=True,
        fixed_marks=frozenset({"ownerReferences"}),
        set_defaults=apply_to_pod,
        rules=Rules(
            always=pod.check_pod,
            update=pod.check_pod_update,
            status=pod.check_pod_status,
            create=ephemeralcontainers.check_new_pod,
            create_alike=pod.check_made_names,
            joining=ephemeralcontainers.check_joining,
            resizing=resizing.check_resizing,
        ),
        warn=moments.of_pod,
    )


RESOURCE = Resource(
    of(Pod),
    subresources=(
        ATTACH,
        BINDING,
        EPHEMERAL_CONTAINERS,
        EVICTION,
        EXEC,
        LOG,
        PORT_FORWARD,
        STATUS,
        POD_PROXY,
        RESIZE,
    ),
    table=Table(_cells, ("NAME", "READY", "STATUS", "RESTARTS", "AGE", *_POD_WIDE), frozenset(_POD_WIDE)),
    kept_apart_by="spec.nodeName",
    selectable_fields=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    load_strategy=_strategy,
)
