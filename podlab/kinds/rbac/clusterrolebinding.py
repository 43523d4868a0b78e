"""The kind ClusterRoleBinding."""

from podlab.api.kinds import of
from podlab.kinds.columns.rights import BINDINGS
from podlab.kinds.defaults.rbac import apply_to_binding
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.rbac.v1.rbac_pb2 import ClusterRoleBinding


def _strategy() -> Strategy:
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.cluster import rbac
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        set_defaults=apply_to_binding,
        rules=Rules(rbac.check_cluster_role_binding, rbac.check_binding_update, name=syntax.path_segment),
    )


RESOURCE = Resource(
    of(ClusterRoleBinding),
    table=BINDINGS,
    load_strategy=_strategy,
)
