"""Why a pull failed, in words, beside what the runtime says. Pure."""

from __future__ import annotations

from podlab.api.values import imagenames

# What registries and containerd say of who may not, the first that fits.
_REFUSED = ("401 unauthorized", "authorization failed", "pull access denied", "403 forbidden", "insufficient_scope")


def explained(error: str, image: str, *, with_credentials: bool) -> str:
    """The runtime's message, and its cause where it is known."""
    cause = _cause(error.lower(), imagenames.registry_and_path(image)[0], with_credentials)
    return f"{error}: {cause}" if cause else error


def _cause(error: str, registry: str, with_credentials: bool) -> str:
    if any(each in error for each in _REFUSED):
        if with_credentials:
            return f"{registry} refuses the credentials that there are for it, or shows them no such image"
        return f"{registry} wants to know who asks, or has no such image: no imagePullSecrets are for {registry}"
    if "no such host" in error:
        return f"the node finds no address of {registry}"
    if "connection refused" in error:
        return f"nothing answers as {registry}: it does not run, or at another port"
    if "certificate" in error:
        return f"the node does not trust {registry}: its CA belongs into /etc/containerd/certs.d/{registry}"
    if "http response to https client" in error:
        return f"{registry} speaks HTTP: nodes have to be told so in /etc/containerd/certs.d/{registry}/hosts.toml"
    if any(each in error for each in ("timeout", "deadline exceeded", "no route to host", "network is unreachable")):
        return f"{registry} is too slow, or cannot be reached from this node"
    return f"{registry} has no such image" if "not found" in error else ""
