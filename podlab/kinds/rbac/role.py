"""The kind Role."""

from podlab.api.kinds import of
from podlab.kinds.columns.rights import ROLES
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.rbac.v1.rbac_pb2 import Role


def _strategy() -> Strategy:
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.cluster import rbac
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(rbac.check_role, name=syntax.path_segment),
    )


RESOURCE = Resource(
    of(Role),
    table=ROLES,
    load_strategy=_strategy,
)
