"""Which priority level and which flow a request is of: what FlowSchemas say. Pure.

https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#flowschema
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from master.apiserver.authentication.claims import USER_PREFIX
from master.apiserver.authentication.user import User
from master.apiserver.flowcontrol import priority_levels
from master.apiserver.flowcontrol.priority_levels import PriorityLevel
from master.apiserver.request.info import RequestInfo
from podlab.flowcontrol.v1 import flowschema_pb2 as schemas_pb2
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration
from podlab.kinds.defaults import priorities

# Of how many forms of requests it is remembered which schema they match.
_REMEMBERED = 4096
_ALL = "*"

Form = tuple[User, str, str, str, str, str]
"""What schemas look at: user, verb, group, resource, namespace, and the path of what is no resource."""
Configured = TypeVar("Configured", FlowSchema, PriorityLevelConfiguration)


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests that take turns with other flows of their level."""

    level: PriorityLevel
    schema: str
    schema_uid: str
    distinguisher: str
    """The user or the namespace, as the schema says; else empty."""


@dataclass(slots=True)
class FlowControlConfiguration:
    """The levels by name, and the schemas in the order in which they are tried; the last matches everything."""

    levels: Mapping[str, PriorityLevel]
    schemas: tuple[FlowSchema, ...]
    _matched: dict[Form, FlowSchema] = field(default_factory=dict)

    def classify(self, asked: RequestInfo) -> Flow:
        """The flow of the request."""
        form = _form(asked)
        schema = self._matched.get(form)
        if schema is None:
            schema = next((one for one in self.schemas if matches(one, form)), self.schemas[-1])
            if len(self._matched) >= _REMEMBERED:
                self._matched.clear()
            self._matched[form] = schema
        level = self.levels[schema.spec.priorityLevelConfiguration.name]
        return Flow(level, schema.metadata.name, schema.metadata.uid, _distinguisher(schema, form))


def configuration(
    levels: Iterable[PriorityLevelConfiguration], schemas: Iterable[FlowSchema], total: int = priority_levels.SEATS
) -> FlowControlConfiguration:
    """What the objects say. The mandatory ones are always there; a schema whose level is missing does not count."""
    by_name = priority_levels.configured(_with(priorities.MANDATORY_LEVELS, levels), total)
    usable = [
        schema
        for schema in _with(priorities.MANDATORY_SCHEMAS, schemas)
        if schema.spec.priorityLevelConfiguration.name in by_name
    ]
    usable.sort(
        key=lambda one: (one.metadata.name == priorities.CATCH_ALL, one.spec.matchingPrecedence, one.metadata.name)
    )
    return FlowControlConfiguration(by_name, tuple(usable))


def defaults() -> FlowControlConfiguration:
    """What every cluster begins with."""
    return configuration(
        (*priorities.MANDATORY_LEVELS, *priorities.SUGGESTED_LEVELS),
        (*priorities.MANDATORY_SCHEMAS, *priorities.SUGGESTED_SCHEMAS),
    )


def matches(schema: FlowSchema, form: Form) -> bool:
    """Whether one of the schema's rules is about the request."""
    user, _, _, resource, _, _ = form
    about_this = _about_resource if resource else _about_path
    return any(
        about_this(rule, form) and any(_is_subject(subject, user) for subject in rule.subjects)
        for rule in schema.spec.rules
    )


def _rank(schema: FlowSchema) -> tuple[bool, int, str]:
    """The catch-all is the last, whatever else has its precedence."""
    name = schema.metadata.name
    return name == priorities.CATCH_ALL, schema.spec.matchingPrecedence, name


def _with(mandatory: Iterable[Configured], given: Iterable[Configured]) -> list[Configured]:
    by_name = {one.metadata.name: one for one in mandatory}
    by_name.update({one.metadata.name: one for one in given})
    return list(by_name.values())


def _form(asked: RequestInfo) -> Form:
    if not asked.about_objects:
        return asked.user, asked.verb, "", "", "", asked.path
    wanted = asked.wanted[0]
    return asked.user, asked.verb, wanted.group, wanted.combined, wanted.namespace, ""


def _distinguisher(schema: FlowSchema, form: Form) -> str:
    method = schema.spec.distinguisherMethod.type
    return form[0].name if method == "ByUser" else form[4] if method == "ByNamespace" else ""


def _is_subject(subject: schemas_pb2.Subject, user: User) -> bool:
    if subject.kind == "User":
        return subject.user.name in (_ALL, user.name)
    if subject.kind == "Group":
        return subject.group.name == _ALL or subject.group.name in user.groups
    account = subject.serviceAccount
    prefix = f"{USER_PREFIX}{account.namespace}:"
    return user.name.startswith(prefix) and account.name in (_ALL, user.name.removeprefix(prefix))


def _about_resource(rule: schemas_pb2.PolicyRulesWithSubjects, form: Form) -> bool:
    _, verb, group, resource, namespace, _ = form
    return any(
        _has(one.verbs, verb)
        and _has(one.apiGroups, group)
        and _has(one.resources, resource)
        and (_has(one.namespaces, namespace) if namespace else one.clusterScope)
        for one in rule.resourceRules
    )


def _about_path(rule: schemas_pb2.PolicyRulesWithSubjects, form: Form) -> bool:
    _, verb, _, _, _, path = form
    return any(
        _has(one.verbs, verb) and any(_is_about(url, path) for url in one.nonResourceURLs)
        for one in rule.nonResourceRules
    )


def _is_about(url: str, path: str) -> bool:
    return path.startswith(url.rstrip(_ALL)) if url.endswith(_ALL) else url == path


def _has(said: Collection[str], value: str) -> bool:
    return _ALL in said or value in said
