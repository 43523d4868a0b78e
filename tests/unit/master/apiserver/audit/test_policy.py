from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from master.apiserver.audit.policy import Level, Policy
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.request.info import RequestInfo
from podlab.settings import SettingsError

JANE = User("jane", frozenset({"dev", "system:authenticated"}))


def policy(tmp_path: Path, *rules: object, **more: object) -> Policy:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules)} | more))
    return Policy.load(path)


def about(
    resource: str = "pods", verb: str = "get", group: str = "", namespace: str = "shop", name: str = "web",
    subresource: str = "", user: User = JANE,
) -> RequestInfo:  # fmt: skip
    return RequestInfo(user, (Attributes(verb, group, resource, namespace, name, subresource),), "/api/v1/x", verb)


def at(path: str) -> RequestInfo:
    return RequestInfo(JANE, (), path, "get")


MATCHES = {
    "any": ({}, about(), True),
    "user": ({"users": ["jane"]}, about(), True),
    "another user": ({"users": ["joe"]}, about(), False),
    "group": ({"userGroups": ["ops", "dev"]}, about(), True),
    "another group": ({"userGroups": ["ops"]}, about(), False),
    "verb": ({"verbs": ["get", "list"]}, about(), True),
    "another verb": ({"verbs": ["list"]}, about(), False),
    "namespace": ({"namespaces": ["shop"]}, about(), True),
    "no namespace": ({"namespaces": [""]}, about("nodes", namespace=""), True),
    "another namespace": ({"namespaces": ["x"]}, about(), False),
    "group's every resource": ({"resources": [{"group": "apps"}]}, about("deployments", group="apps"), True),
    "another API group": ({"resources": [{"group": "apps"}]}, about(), False),
    "resource": ({"resources": [{"resources": ["pods"]}]}, about(), True),
    "a resource is not its subresources": ({"resources": [{"resources": ["pods"]}]}, about(subresource="log"), False),
    "subresource": ({"resources": [{"resources": ["pods/log"]}]}, about(subresource="log"), True),
    "its subresources": ({"resources": [{"resources": ["pods/*"]}]}, about(subresource="log"), True),
    "its subresources are not it": ({"resources": [{"resources": ["pods/*"]}]}, about(), False),
    "a subresource of all": ({"resources": [{"resources": ["*/log"]}]}, about(subresource="log"), True),
    "everything": ({"resources": [{"resources": ["*"]}]}, about(subresource="log"), True),
    "by name": ({"resources": [{"resources": ["pods"], "resourceNames": ["web"]}]}, about(), True),
    "another name": ({"resources": [{"resources": ["pods"], "resourceNames": ["x"]}]}, about(), False),
    "path": ({"nonResourceURLs": ["/version"]}, at("/version?x=1"), True),
    "paths": ({"nonResourceURLs": ["/healthz*"]}, at("/healthz/ping"), True),
    "another path": ({"nonResourceURLs": ["/metrics"]}, at("/version"), False),
    "objects are no paths": ({"nonResourceURLs": ["*"]}, about(), False),
    "paths are no objects": ({"resources": [{"resources": ["*"]}]}, at("/version"), False),
}


@pytest.mark.parametrize("name", MATCHES)
def test_a_rule_matches_what_it_names(name: str, tmp_path: Path) -> None:
    rule, asked, matches = MATCHES[name]
    level, _ = policy(tmp_path, {"level": "Request", **rule}).decide(asked)
    assert level is (Level.REQUEST if matches else Level.NONE)


@pytest.mark.parametrize("name", [name for name, (_, _, matches) in MATCHES.items() if not matches])
def test_requests_that_a_rule_tells_apart_are_told_apart(name: str, tmp_path: Path) -> None:
    rule, asked, _ = MATCHES[name]
    made = policy(tmp_path, {"level": "Request", **rule})
    others = [other for _, other, _ in MATCHES.values() if made.decide(other)[0] is Level.REQUEST]
    assert made.depends_on(asked) not in [made.depends_on(other) for other in others]


def test_the_first_rule_that_matches_decides(tmp_path: Path) -> None:
    made = policy(tmp_path, {"level": "None", "users": ["jane"]}, {"level": "Metadata"})
    assert made.decide(about())[0] is Level.NONE
    assert made.decide(about(user=User("joe", frozenset())))[0] is Level.METADATA


def test_who_really_asks_is_whom_a_rule_is_about(tmp_path: Path) -> None:
    made = policy(tmp_path, {"level": "None", "users": ["joe"]}, {"level": "Metadata"})
    joe = User("joe", frozenset())
    assert made.decide(replace(about(), impersonator=joe))[0] is Level.NONE
    assert made.decide(replace(about(user=joe), impersonator=JANE))[0] is Level.METADATA


def test_stages_are_left_out_by_the_policy_and_by_its_rule(tmp_path: Path) -> None:
    made = policy(tmp_path, {"level": "Metadata", "omitStages": ["Panic"]}, omitStages=["RequestReceived"])
    assert made.decide(about())[1] == {"Panic", "RequestReceived"}


@pytest.mark.parametrize(
    "asked",
    [
        about("secrets"),
        about("secrets", "list", name=""),
        about("serviceaccounts", "create", subresource="token"),
        about("tokenreviews", "create", "authentication.k8s.io", ""),
    ],
    ids=lambda asked: asked.wanted[0].resource,
)
def test_bodies_with_secrets_are_never_written(asked: RequestInfo, tmp_path: Path) -> None:
    assert policy(tmp_path, {"level": "RequestResponse"}).decide(asked)[0] is Level.METADATA
    assert policy(tmp_path, {"level": "RequestResponse"}).decide(about())[0] is Level.REQUEST_RESPONSE


BAD = {
    "no rules": ({"rules": []}, "rules: Required value"),
    "another kind": ({"rules": [{"level": "None"}], "kind": "Plan"}, "expected audit.k8s.io/v1 Policy"),
    "level": ({"rules": [{"level": "All"}]}, r"rules\[0\].level: 'All' is none of None, Metadata"),
    "stage": ({"rules": [{"level": "None", "omitStages": ["End"]}]}, r"rules\[0\].omitStages: 'End' is none of"),
    "both": (
        {"rules": [{"level": "None", "namespaces": ["x"], "nonResourceURLs": ["/x"]}]},
        r"rules\[0\].nonResourceURLs: a rule is about",
    ),
    "url": ({"rules": [{"level": "None", "nonResourceURLs": ["x*y"]}]}, "must begin with /"),
    "field": ({"rules": [{"level": "None", "user": "x"}]}, "user: unknown field"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_policy_that_means_nothing_is_refused(name: str, tmp_path: Path) -> None:
    content, told = BAD[name]
    with pytest.raises(SettingsError, match=told):
        policy(tmp_path, **content)
