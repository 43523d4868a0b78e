"""What an Ingress and its class say, in few words."""

from collections.abc import Iterable, Iterator
from typing import Final

from podlab.networking.v1.ingress_pb2 import Ingress, IngressClassParametersReference

CONTROLLER: Final = "podlab.io/ingress"
"""In IngressClasses: those that Podlab's agents serve."""
CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
DEFAULT_CLASS_ANNOTATION: Final = "ingressclass.kubernetes.io/is-default-class"
"""On an IngressClass: "true" where Ingresses without a class get it."""
_SHOWN = 3


def class_of(ingress: Ingress) -> str:
    """The name of its class, by field or in the old way by annotation; empty when it names none."""
    return ingress.spec.ingressClassName or ingress.metadata.annotations.get(CLASS_ANNOTATION, "")


def certificates(ingress: Ingress) -> Iterator[tuple[str, str]]:
    """Namespace and name of each Secret that it names."""
    return ((ingress.metadata.namespace, each.secretName) for each in ingress.spec.tls if each.secretName)


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
