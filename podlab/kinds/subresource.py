"""What is served below objects, besides the objects themselves."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.authentication.v1 import token_pb2
from podlab.autoscaling.v1 import scale_pb2
from podlab.core.v1 import binding_pb2
from podlab.policy.v1 import eviction_pb2

_CHANGED = ("get", "patch", "update")


@dataclass(frozen=True)
class Subresource:
    """One name below an object, and what can be done there."""

    name: str
    verbs: tuple[str, ...] = ()
    body: type[Message] | None = None
    """What is sent and answered there. None: the object itself, or what is no message."""
    options: str = ""
    """The core kind that clients know the parameters of a connection by; there is no message of it."""
    over_rest: bool = True
    """False for what only gRPC's relayed calls ask about."""

    @property
    def connects(self) -> bool:
        """Whether a connection begins there: no bodies come or go."""
        return bool(self.options)

    @property
    def is_plain(self) -> bool:
        """Whether what is answered there is another kind's: there are no tables of it, but of scales, and no metadata
        alone."""
        return self.body is not None

    def kind(self, of: kinds.Kind) -> kinds.Kind:
        """The kind of what is sent and answered there, below objects of a kind."""
        return kinds.of(self.body) if self.body is not None else of

    def shown_as(self, kind: kinds.Kind) -> tuple[str, str, str]:
        """The group, version and kind that discovery says of it, below objects of `kind`."""
        if self.options:
            return "", "v1", self.options
        shown = self.kind(kind)
        return shown.group, shown.version, shown.name


STATUS = Subresource("status", _CHANGED)
SCALE = Subresource("scale", _CHANGED, scale_pb2.Scale)
APPROVAL = Subresource("approval", _CHANGED)
FINALIZE = Subresource("finalize", ("update",))
TOKEN = Subresource("token", ("create",), token_pb2.TokenRequest)
BINDING = Subresource("binding", ("create",), binding_pb2.Binding)
EVICTION = Subresource("eviction", ("create",), eviction_pb2.Eviction)
EPHEMERAL_CONTAINERS = Subresource("ephemeralcontainers", _CHANGED)
LOG = Subresource("log", ("get",))
ATTACH = Subresource("attach", ("create", "get"), options="PodAttachOptions")
EXEC = Subresource("exec", ("create", "get"), options="PodExecOptions")
PORT_FORWARD = Subresource("portforward", ("create", "get"), options="PodPortForwardOptions")
PROXIED = ("create", "delete", "get", "patch", "update")
POD_PROXY = Subresource("proxy", PROXIED, options="PodProxyOptions")
SERVICE_PROXY = Subresource("proxy", PROXIED, options="ServiceProxyOptions")
NODE_PROXY = Subresource("proxy", PROXIED, options="NodeProxyOptions")
RESIZE = Subresource("resize", _CHANGED)
# What is asked of a node's kubelet and of its proxy.
STATS = Subresource("stats", ("get",), over_rest=False)
IMAGES = Subresource("images", ("create",), over_rest=False)
TRACE = Subresource("trace", ("get",), over_rest=False)
