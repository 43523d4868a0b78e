"""What expressions about requests see: those of admission policies, and of webhooks' conditions.

Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#validation-expression
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from podlab.cel import construction
from podlab.cel.compiler import Environment, Program
from podlab.cel.environments import base_environment, mutating_environment
from podlab.cel.libraries.authorization import AuthorizerValue, ResourceCheck
from podlab.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    DeclaredType,
    ListOf,
    MapOf,
    ObjectOf,
    Opaque,
)

OBJECT: Final = "object"
OLD_OBJECT: Final = "oldObject"
REQUEST: Final = "request"
NAMESPACE: Final = "namespaceObject"
PARAMS: Final = "params"
VARIABLES: Final = "variables"
AUTHORIZER: Final = "authorizer"
REQUEST_RESOURCE: Final = "authorizer.requestResource"

_KIND = ObjectOf("GroupVersionKind", {"group": STRING, "version": STRING, "kind": STRING})
_RESOURCE = ObjectOf("GroupVersionResource", {"group": STRING, "version": STRING, "resource": STRING})
_USER = ObjectOf(
    "UserInfo", {"username": STRING, "uid": STRING, "groups": ListOf(STRING), "extra": MapOf(ListOf(STRING))}
)
_REQUEST = ObjectOf(
    "AdmissionRequest",
    {
        "kind": _KIND,
        "resource": _RESOURCE,
        "subResource": STRING,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        "requestSubResource": STRING,
        "name": STRING,
        "namespace": STRING,
        "operation": STRING,
        "userInfo": _USER,
        "dryRun": BOOL,
        "options": DYN,
    },
)
_METADATA = ObjectOf(
    "NamespaceMetadata",
    {
        "name": STRING,
        "generateName": STRING,
        "namespace": STRING,
        "labels": MapOf(STRING),
        "annotations": MapOf(STRING),
        "UID": STRING,
        "creationTimestamp": TIMESTAMP,
        "deletionGracePeriodSeconds": INT,
        "deletionTimestamp": TIMESTAMP,
        "generation": INT,
        "resourceVersion": STRING,
        "finalizers": ListOf(STRING),
    },
)
_NAMESPACE = ObjectOf(
    "Namespace",
    {
        "metadata": _METADATA,
        "spec": ObjectOf("NamespaceSpec", {"finalizers": ListOf(STRING)}),
        "status": ObjectOf("NamespaceStatus", {"phase": STRING}),
    },
)
_RESULTS: Final[Mapping[str, DeclaredType]] = {
    "BOOL": BOOL,
    "INT": INT,
    "DOUBLE": DOUBLE,
    "STRING": STRING,
    "BYTES": BYTES,
    "TIMESTAMP": TIMESTAMP,
    "DURATION": DURATION,
}


class RequestExpressions:
    """Compiles expressions about requests; those that follow a variable's definition may use it."""

    def __init__(self, *, has_params: bool, about: DeclaredType = DYN) -> None:
        """`about` is the type of the object."""
        self._has_params = has_params
        self._about = about
        self._variables: dict[str, DeclaredType] = {}

    def condition(self, expression: str) -> Program:
        """One that decides whether a request is looked at at all. Raises CompileError."""
        return _plain(has_params=self._has_params, has_authorizer=True).compile(expression)

    def expression(self, expression: str) -> Program:
        """A validation, an audit annotation. Raises CompileError."""
        return self._environment(has_authorizer=True).compile(expression)

    def message(self, expression: str) -> Program:
        """What is told of a request; it asks no authorizer. Raises CompileError."""
        return self._environment(has_authorizer=False).compile(expression)

    def mutation(self, expression: str) -> Program:
        """What is made of an object: one that makes an Object or a list of JSONPatch. Raises CompileError."""
        made = construction.read(expression)
        return mutating_environment(self._names(has_authorizer=True), made).compile(made.source)

    def define(self, name: str, expression: str) -> Program:
        """A variable. Raises CompileError."""
        program = self._environment(has_authorizer=True).compile(expression)
        self._variables[name] = _RESULTS.get(program.result_type, DYN)
        return program

    def forget(self, name: str) -> None:
        """A variable that does not compile: what uses it is not refused for that as well."""
        self._variables[name] = DYN

    def _environment(self, *, has_authorizer: bool) -> Environment:
        if not self._variables and self._about is DYN:
            return _plain(has_params=self._has_params, has_authorizer=has_authorizer)
        return base_environment(self._names(has_authorizer=has_authorizer))

    def _names(self, *, has_authorizer: bool) -> dict[str, DeclaredType]:
        """The variables, with their types."""
        declared = _declared(has_params=self._has_params, has_authorizer=has_authorizer)
        own = {
            OBJECT: self._about,
            OLD_OBJECT: self._about,
            VARIABLES: ObjectOf("Variables", dict(self._variables)),
        }
        return {**declared, **own}


@cache
def _plain(*, has_params: bool, has_authorizer: bool) -> Environment:
    return base_environment(_declared(has_params=has_params, has_authorizer=has_authorizer))


def _declared(*, has_params: bool, has_authorizer: bool) -> dict[str, DeclaredType]:
    declared: dict[str, DeclaredType] = {
        OBJECT: DYN,
        OLD_OBJECT: DYN,
        REQUEST: _REQUEST,
        NAMESPACE: _NAMESPACE,
        VARIABLES: ObjectOf("Variables"),
    }
    if has_params:
        declared[PARAMS] = DYN
    if has_authorizer:
        declared[AUTHORIZER] = Opaque(AuthorizerValue.cel_type)
        declared[REQUEST_RESOURCE] = Opaque(ResourceCheck.cel_type)
    return declared
