"""RuntimeClasses: how containers may be run."""

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_labels
from podlab.kinds.validation.pods.placement import check_tolerations
from podlab.kinds.validation.pods.resources import check_limits
from podlab.node.v1 import runtimeclass_pb2


def check_runtime_class(found: Findings, given: runtimeclass_pb2.RuntimeClass) -> None:
    """A RuntimeClass, whichever way it comes."""
    if not given.handler:
        found.required("handler")
    else:
        found.invalid("handler", given.handler, *syntax.label(given.handler))
    check_limits(found, "overhead.podFixed", given.overhead.podFixed)
    check_labels(found, "scheduling.nodeSelector", given.scheduling.nodeSelector)
    tolerations = list(given.scheduling.tolerations)
    check_tolerations(found, "scheduling.tolerations", tolerations)
    for index, toleration in enumerate(tolerations):
        if toleration in tolerations[:index]:
            found.duplicate(f"scheduling.tolerations[{index}]", toleration.key)


def check_runtime_class_update(
    found: Findings, new: runtimeclass_pb2.RuntimeClass, old: runtimeclass_pb2.RuntimeClass
) -> None:
    """Pods run by it."""
    found.immutable("handler", new.handler, old.handler, new.handler)
