"""The Ingress authorizer: which Secrets the agents that serve Ingresses may read. Pure.

They may read those that Ingresses of a served class name as certificates, each by its name, and no other. It is to
their agents what the node authorizer is to kubelets: what runs at the edge has the keys that it shows, and no token.
"""

from __future__ import annotations

from typing import Protocol

from master.apiserver.authentication.user import User
from master.apiserver.authorization.attributes import Attributes

AGENTS = "podlab:node-ingress"
"""The group of those agents."""
_READ = frozenset({"get", "list", "watch"})


class Certificates(Protocol):
    """Which Secrets Ingresses name."""

    def claimed(self, namespace: str, secret: str) -> bool:
        """Whether an Ingress of a class that Podlab's agents serve names the Secret as a certificate."""
        ...


def concerns(user: User, wanted: Attributes) -> bool:
    """Whether the question is one for `decide`: a Secret that such an agent asks for."""
    return AGENTS in user.groups and (wanted.group, wanted.resource) == ("", "secrets")


def decide(wanted: Attributes, certificates: Certificates) -> str:
    """Why the Secret may not be had; empty when it may. Of lists and watches the name is their field selector's."""
    if wanted.verb not in _READ or wanted.subresource:
        return "an Ingress agent can only read secrets"
    if not wanted.name or not wanted.namespace:
        return "an Ingress agent can only read individual secrets: select one by metadata.name, in its namespace"
    if certificates.claimed(wanted.namespace, wanted.name):
        return ""
    return f'no Ingress of a class of Podlab\'s controller names secret "{wanted.namespace}/{wanted.name}"'
