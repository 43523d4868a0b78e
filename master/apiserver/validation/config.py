"""ConfigMaps and Secrets: keys, sizes, and what is declared immutable."""

from collections.abc import Iterable, Mapping

from master.apiserver.validation import syntax
from master.apiserver.validation.findings import Findings
from podlab.core.v1 import config_pb2

_DATA_BYTES = 1 << 20

_SECRET_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
"""What a Secret of a known type must hold."""

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
    credentials = ("username", "password")
    if secret.type == "kubernetes.io/basic-auth" and not any(key in secret.data for key in credentials):
        for key in credentials:
            found.required(f"data[{key}]")


def check_secret_update(found: Findings, new: config_pb2.Secret, old: config_pb2.Secret) -> None:
    """A Secret keeps its type; an immutable one keeps all."""
    found.immutable("type", new.type, old.type, new.type)
    if old.immutable:
        _check_frozen(found, new, old, ("data",))


def _check_keys(found: Findings, field: str, data: Mapping[str, object]) -> None:
    for key in data:
        found.invalid(f"{field}[{key}]", key, *syntax.config_key(key))


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
