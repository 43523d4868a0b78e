"""How tests connect to the REST API."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import aiohttp

from podlab_testing.cluster import Cluster

SessionOf = Callable[[str | None], aiohttp.ClientSession]
"""The HTTP session of a user; None shows no certificate."""


def tls_of(cluster: Cluster, user: str | None) -> ssl.SSLContext:
    """What a user connects with; None shows no certificate."""
    tls = cluster.authority.tls(user or "system:apiserver")
    context = ssl.create_default_context(cafile=str(tls.ca))
    if user is not None:
        context.load_cert_chain(tls.cert, tls.key)
    return context
