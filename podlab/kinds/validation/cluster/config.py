"""ConfigMaps and Secrets: keys, sizes, and what is declared immutable."""

from collections.abc import Iterable, Mapping

import orjson

from podlab.api.secrettypes import ACCOUNT_NAME, DOCKER_KEYS, SERVICE_ACCOUNT_TOKEN, TLS
from podlab.core.v1 import config_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_DATA_BYTES = 1 << 20

_SECRET_KEYS = {TLS: ("tls.crt", "tls.key")}
"""What a Secret of a known type must hold, be it empty."""

_REDACTED = "<secret contents redacted>"
_IMMUTABLE = "field is immutable when `immutable` is set"


def check_config_map(found: Findings, config: config_pb2.ConfigMap) -> None:
    """A ConfigMap, whichever way it comes."""
    _check_keys(found, "data", config.data)
    _check_keys(found, "binaryData", config.binaryData)
    for key in config.binaryData:
        if key in config.data:
            found.invalid(f"binaryData[{key}]", key, "duplicate of key present in data")
    size = sum(len(value.encode()) for value in config.data.values()) + sum(map(len, config.binaryData.values()))
    if size > _DATA_BYTES:
        found.too_long("data", _DATA_BYTES)


def check_config_map_update(found: Findings, new: config_pb2.ConfigMap, old: config_pb2.ConfigMap) -> None:
    """An immutable ConfigMap stays as it is."""
    if old.immutable:
        _check_frozen(found, new, old, ("data", "binaryData"))


def check_secret(found: Findings, secret: config_pb2.Secret) -> None:
    """A Secret, whichever way it comes, stringData merged into data."""
    _check_keys(found, "data", secret.data)
    if sum(map(len, secret.data.values())) > _DATA_BYTES:
        found.too_long("data", _DATA_BYTES)
    for key in _SECRET_KEYS.get(secret.type, ()):
        if key not in secret.data:
            found.required(f"data[{key}]")
    if secret.type in DOCKER_KEYS:
        _check_docker(found, secret, DOCKER_KEYS[secret.type])
    if secret.type == "kubernetes.io/ssh-auth" and not secret.data.get("ssh-privatekey"):
        found.required("data[ssh-privatekey]")
    if secret.type == SERVICE_ACCOUNT_TOKEN and not secret.metadata.annotations.get(ACCOUNT_NAME):
        found.required(f"metadata.annotations[{ACCOUNT_NAME}]")
    credentials = ("username", "password")
    if secret.type == "kubernetes.io/basic-auth" and not any(key in secret.data for key in credentials):
        for key in credentials:
            found.required(f"data[{key}]")


def _check_docker(found: Findings, secret: config_pb2.Secret, key: str) -> None:
    field = f"data[{key}]"
    if key not in secret.data:
        found.required(field)
        return
    try:
        read = orjson.loads(secret.data[key])
    except orjson.JSONDecodeError as error:
        found.invalid(field, _REDACTED, str(error))
        return
    if not (read is None or isinstance(read, dict)):  # null is what an object without members is to Kubernetes
        found.invalid(field, _REDACTED, "json: cannot unmarshal it into an object")


def check_secret_update(found: Findings, new: config_pb2.Secret, old: config_pb2.Secret) -> None:
    """A Secret keeps its type; an immutable one keeps all."""
    found.immutable("type", new.type, old.type, new.type)
    if old.immutable:
        _check_frozen(found, new, old, ("data",))


def _check_keys(found: Findings, field: str, data: Mapping[str, object]) -> None:
    for key in data:
        if faults := syntax.config_key(key):
            found.invalid(f"{field}[{key}]", key, *faults)


def _check_frozen(
    found: Findings,
    new: config_pb2.ConfigMap | config_pb2.Secret,
    old: config_pb2.ConfigMap | config_pb2.Secret,
    fields: Iterable[str],
) -> None:
    if not new.immutable:
        found.forbidden("immutable", _IMMUTABLE)
    for field in fields:
        if dict(getattr(new, field)) != dict(getattr(old, field)):
            found.forbidden(field, _IMMUTABLE)
