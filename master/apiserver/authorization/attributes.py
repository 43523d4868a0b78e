"""What authorization knows of a request, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from master.apiserver.authentication.user import User


@dataclass(frozen=True, slots=True)
class Attributes:
    """A request about objects, or, with `path`, about a URL that is no resource.

    `fields` are the field selector's exact matches. `finer` is a subresource the right to which is enough as well.
    """

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    fields: Mapping[str, str] | None = None
    path: str = ""
    finer: str = ""

    @property
    def combined(self) -> str:
        """The resource as rules name it: pods, pods/status."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def refusal(user: User, wanted: Attributes, reason: str) -> str:
    """Why the request is forbidden, in Kubernetes' words."""
    text = f'{_target(wanted)}: User "{user.name}" cannot {wanted.verb} {_what(wanted)}'
    return f"{text}: {reason}" if reason else text


def _target(wanted: Attributes) -> str:
    if not wanted.resource:
        return "forbidden"
    resource = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    return f'{resource} "{wanted.name}" is forbidden' if wanted.name else f"{resource} is forbidden"


def _what(wanted: Attributes) -> str:
    if wanted.path:
        return f'path "{wanted.path}"'
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    return f'resource "{wanted.combined}" in API group "{wanted.group}" {where}'
