"""Who waits how for a turn."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration
from podlab.kinds.defaults import priorities

ABOUT = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["*"]}


def made(message: type[Any], changes: dict[str, Any]) -> Any:
    found = sample(kinds.of(message), changes)
    builtin_kinds.apply_defaults(found)
    return found


def schema(name: str = "a", **spec: Any) -> Any:
    return made(FlowSchema, {"metadata": {"name": name}, "spec": spec})


def rule(**changes: Any) -> Any:
    subjects = [{"kind": "User", "user": {"name": "x"}}]
    return schema(rules=[{"subjects": subjects, "resourceRules": [ABOUT], **changes}])


def level(name: str = "a", **spec: Any) -> Any:
    return made(PriorityLevelConfiguration, {"metadata": {"name": name}, "spec": spec})


def queued(**queuing: Any) -> Any:
    return level(limited={"limitResponse": {"type": "Queue", "queuing": queuing}})


def path(value: str) -> Any:
    return rule(nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": [value]}])


GROUP = {"kind": "Group", "user": {"name": "x"}}
BAD = [
    (schema(matchingPrecedence=10001), "must not be greater than 10000"),
    (schema(matchingPrecedence=1), "only the schema named 'exempt' may have matchingPrecedence 1"),
    (schema(distinguisherMethod={"type": "ByDay"}), 'spec.distinguisherMethod.type: Unsupported value: "ByDay"'),
    (schema(priorityLevelConfiguration={"name": ""}), "Required value: must reference a priority level"),
    (schema("exempt", matchingPrecedence=1), "spec of 'exempt' must equal the fixed value"),
    (rule(subjects=[]), "spec.rules[0].subjects: Required value: subjects must contain at least one value"),
    (rule(subjects=[GROUP]), "user is forbidden when subject kind is not 'User'"),
    (rule(subjects=[GROUP]), "group is required when subject kind is 'Group'"),
    (rule(resourceRules=[]), "at least one of resourceRules and nonResourceRules has to be non-empty"),
    (rule(resourceRules=[{**ABOUT, "verbs": ["dance"]}]), 'resourceRules[0].verbs: Unsupported value: "dance"'),
    (rule(resourceRules=[{**ABOUT, "apiGroups": ["*", "a"]}]), "if '*' is present, must not specify other api groups"),
    (rule(resourceRules=[{**ABOUT, "namespaces": []}]), "that are not cluster scoped must supply at least one"),
    (path("healthz"), "nonResourceURLs[0]: Invalid value: \"healthz\": must start with slash"),
    (path("/a*"), "wildcard can only do suffix matching"),
    (level(type="Exempt"), "type must be 'Exempt' if and only if name is 'exempt'"),
    (level(type="Odd"), 'spec.type: Unsupported value: "Odd"'),
    (level(limited=None), "spec.limited: Required value: must not be empty when type is Limited"),
    (level(limited={"nominalConcurrencyShares": -1}), "must be a non-negative integer"),
    (level(limited={"lendablePercent": 101}), "must be between 0 and 100, inclusive"),
    (level(limited={"limitResponse": {"type": "Queue"}}), "spec.limited.limitResponse.queuing: Required value"),
    (queued(queues=4, handSize=5), "should not be greater than queues (4)"),
    (queued(queues=1024, handSize=7), "entropy bits of deckSize 1024 and handSize 7 should not be greater than 60"),
    (level("catch-all"), "spec of 'catch-all' must equal the fixed value"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told[:60] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(given: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_create(given)]
    assert [each for each in causes if told in each], causes


DEFAULTS = (
    *priorities.MANDATORY_LEVELS,
    *priorities.SUGGESTED_LEVELS,
    *priorities.MANDATORY_SCHEMAS,
    *priorities.SUGGESTED_SCHEMAS,
)


@pytest.mark.parametrize("given", [schema(), rule(), level(), queued(), *DEFAULTS], ids=lambda one: one.metadata.name)
def test_what_is_right_is_taken(given: Any) -> None:
    assert builtin_kinds.validate_create(given) == ()


@pytest.mark.parametrize("given", DEFAULTS, ids=lambda one: one.metadata.name)
def test_what_every_cluster_has_says_all_that_is_a_default(given: Any) -> None:
    once = type(given)()
    once.CopyFrom(given)
    builtin_kinds.apply_defaults(once)
    assert once == given


def test_every_schema_names_a_level_that_there_is() -> None:
    levels = {one.metadata.name for one in (*priorities.MANDATORY_LEVELS, *priorities.SUGGESTED_LEVELS)}
    schemas = (*priorities.MANDATORY_SCHEMAS, *priorities.SUGGESTED_SCHEMAS)
    assert {one.spec.priorityLevelConfiguration.name for one in schemas} == levels


def test_queues_have_kubernetes_defaults() -> None:
    queuing = queued().spec.limited.limitResponse.queuing
    assert (queuing.queues, queuing.handSize, queuing.queueLengthLimit) == (64, 8, 50)
