"""What an Ingress and its class say, in few words."""

from collections.abc import Iterable

from podlab.networking.v1.ingress_pb2 import Ingress, IngressClassParametersReference

_SHOWN = 3


def hosts(found: Iterable[str]) -> str:
    """The first few; all are meant where none is named."""
    named = [host for host in found if host]
    more = f" + {len(named) - _SHOWN} more..." if len(named) > _SHOWN else ""
    return (",".join(named[:_SHOWN]) or "*") + more


def addresses(item: Ingress) -> str:
    """Where it is served."""
    return ",".join(one.ip or one.hostname for one in item.status.loadBalancer.ingress)


def parameters(found: IngressClassParametersReference) -> str:
    """Kind.group/name."""
    kind = f"{found.kind}.{found.apiGroup}" if found.apiGroup else found.kind
    return f"{kind}/{found.name}"
