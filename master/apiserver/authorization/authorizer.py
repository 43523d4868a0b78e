"""The chain of authorizers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from master.apiserver.authentication.user import User
from master.apiserver.authorization import ingress, node
from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.rbac import RbacAuthorizer
from podlab.rbac.v1 import rbac_pb2

ADMINISTRATORS = "system:masters"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, and why. `errors` names roles that could not be looked up."""

    allowed: bool
    reason: str = ""
    errors: str = ""


@dataclass(frozen=True, slots=True)
class UserRules:
    """The rules of a user. With `errors`, there may be more."""

    rules: Sequence[rbac_pb2.PolicyRule] = ()
    errors: Sequence[str] = field(default=())


_ALLOWED = Decision(True)


class Authorizer:
    """Decides by the objects in the watch cache."""

    def __init__(self, rbac: RbacAuthorizer, graph: node.Graph, certificates: ingress.Certificates) -> None:
        self.rbac = rbac
        self._graph = graph
        self._certificates = certificates

    def decide(self, user: User, wanted: Attributes) -> Decision:
        """Whether the user may do it. A request that no authorizer allows is refused."""
        if ADMINISTRATORS in user.groups:
            return _ALLOWED
        reasons: list[str] = []
        if name := node.node_of(user):
            allowed, why = node.decide(name, wanted, self._graph)
            if allowed:
                return _ALLOWED
            reasons += [why] if why else []
        if ingress.concerns(user, wanted):
            why = ingress.decide(wanted, self._certificates)
            if not why:
                return _ALLOWED
            reasons.append(why)
        grant, missing = self.rbac.decide(user, wanted)
        if grant is not None:
            return Decision(True, f"RBAC: allowed by {grant}")
        errors = joined(missing)
        reasons += [f"RBAC: {errors}"] if errors else []
        return Decision(False, "\n".join(reasons), errors)

    def allows(self, user: User, wanted: Attributes) -> bool:
        """Whether the user may do it, whatever the reason."""
        return self.decide(user, wanted).allowed

    def rules(self, user: User, namespace: str) -> UserRules:
        """The rules that apply to the user in the namespace."""
        rules, errors = self.rbac.rules(user, namespace)
        if ADMINISTRATORS in user.groups:
            rules = [*_EVERYTHING, *rules]
        if node.node_of(user):
            errors = ["node authorizer does not support user rule resolution", *errors]
        if ingress.AGENTS in user.groups:
            errors = ["ingress authorizer does not support user rule resolution", *errors]
        return UserRules(rules, errors)


_EVERYTHING = (
    rbac_pb2.PolicyRule(verbs=["*"], apiGroups=["*"], resources=["*"]),
    rbac_pb2.PolicyRule(verbs=["*"], nonResourceURLs=["*"]),
)


def joined(errors: Sequence[str]) -> str:
    """The errors as one text, without repetitions, as Kubernetes joins them."""
    unique = list(dict.fromkeys(errors))
    return f"[{', '.join(unique)}]" if len(unique) > 1 else "".join(unique)
