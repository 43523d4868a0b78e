"""ConfigMap extension-apiserver-authentication: by what API servers behind Services know their callers.

https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

from __future__ import annotations

import json

from master.apiserver.authentication import request_headers
from master.apiserver.settings import ApiServerSettings
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.renewed import Renewed


def config_map(settings: ApiServerSettings) -> Renewed[ConfigMap]:
    """As the settings and their files have it. Raises OSError for a file that cannot be read."""
    paths = [path for path in (settings.tls.ca, settings.tls.client_ca) if path is not None]
    if settings.front_proxy is not None:
        paths.append(settings.front_proxy.ca)
    return Renewed(lambda: _made(settings), paths)


def _made(settings: ApiServerSettings) -> ConfigMap:
    made = ConfigMap(metadata=ObjectMeta(namespace="kube-system", name="extension-apiserver-authentication"))
    made.data["client-ca-file"] = settings.tls.client_authorities().decode()
    if settings.front_proxy is not None:
        made.data["requestheader-client-ca-file"] = settings.front_proxy.ca.read_text()
        said = {
            "allowed-names": settings.front_proxy.allowed_names,
            "username-headers": (request_headers.USER,),
            "uid-headers": (request_headers.UID,),
            "group-headers": (request_headers.GROUP,),
            "extra-headers-prefix": (request_headers.EXTRA,),
        }
        for name, values in said.items():
            made.data[f"requestheader-{name}"] = json.dumps(values, separators=(",", ":"))
    return made
