"""The kind Namespace."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.core.v1 import namespace_pb2
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.kinds.resource import ALL_VERBS, Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import FINALIZE, STATUS

_NAME_LABEL = "kubernetes.io/metadata.name"


def _cells(item: Namespace, now: datetime) -> Cells:
    return [item.metadata.name, item.status.phase, age(item, now)]


def _set_defaults(namespace: namespace_pb2.Namespace) -> None:
    namespace.metadata.labels[_NAME_LABEL] = namespace.metadata.name


def _strategy() -> Strategy:
    from podlab.kinds.strategies import namespaces
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.cluster import cluster
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        prepare_for_create=namespaces.begin,
        prepare_for_update=namespaces.keep_finalizers,
        prepare_for_status_update=namespaces.keep_phase,
        prepare_for_deletion=namespaces.terminate,
        is_held=namespaces.is_held,
        set_defaults=_set_defaults,
        rules=Rules(cluster.check_namespace, name=syntax.label),
    )


RESOURCE = Resource(
    of(Namespace),
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=(
        FINALIZE,
        STATUS,
    ),
    table=Table(_cells, ("NAME", "STATUS", "AGE")),
    selectable_fields=("status.phase",),
    load_strategy=_strategy,
)
