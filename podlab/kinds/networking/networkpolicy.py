"""The kind NetworkPolicy."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age, selector
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.networking.v1 import networkpolicy_pb2
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy

_PROTOCOL = "TCP"


def _cells(item: NetworkPolicy, now: datetime) -> Cells:
    return [item.metadata.name, selector(item.spec.podSelector), age(item, now)]


def _set_defaults(policy: networkpolicy_pb2.NetworkPolicy) -> None:
    """A policy is always about what comes in, and about what goes out when it says anything about that."""
    spec = policy.spec
    if not spec.policyTypes:
        spec.policyTypes.extend(("Ingress", "Egress") if spec.egress else ("Ingress",))
    ports = [port for coming in spec.ingress for port in coming.ports]
    for port in (*ports, *(port for going in spec.egress for port in going.ports)):
        if not port.HasField("protocol"):
            port.protocol = _PROTOCOL


def _strategy() -> Strategy:
    from podlab.kinds.validation.network import networkpolicy
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.warnings import moments
    from podlab.kinds.warnings.network import of_policy

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(networkpolicy.check_network_policy),
        warn=moments.always(of_policy),
    )


RESOURCE = Resource(
    of(NetworkPolicy),
    table=Table(_cells, ("NAME", "POD-SELECTOR", "AGE")),
    load_strategy=_strategy,
)
