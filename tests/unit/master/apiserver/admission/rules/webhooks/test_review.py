"""Answers of webhooks: those that count, and those that mean nothing. Cases are those of Kubernetes' own
VerifyAdmissionResponse, and more."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.admission.rules.webhooks import review
from master.apiserver.admission.rules.webhooks.review import BadAnswer, WebhookAnswer

PATCH = base64.b64encode(b'[{"op":"add","path":"/foo","value":"bar"}]').decode()
OPERATIONS = [{"op": "add", "path": "/foo", "value": "bar"}]
ALLOWED = {"uid": "123", "allowed": True}
PATCHED = {**ALLOWED, "patch": PATCH, "patchType": "JSONPatch"}


def body(response: object, api_version: str = "admission.k8s.io/v1", kind: str = "AdmissionReview") -> bytes:
    return orjson.dumps({"apiVersion": api_version, "kind": kind, "response": response})


GOOD: list[tuple[str, bytes, str, bool, WebhookAnswer]] = [
    ("allowed", body(ALLOWED), "v1", False, WebhookAnswer(True)),
    ("nothing said is no", body({"uid": "123"}), "v1", False, WebhookAnswer(False)),
    ("a patch", body(PATCHED), "v1", True, WebhookAnswer(True, OPERATIONS)),
    (
        "why not",
        body({"uid": "123", "allowed": False, "status": {"code": 401, "message": "Foo"}}),
        "v1",
        True,
        WebhookAnswer(False, result={"code": 401, "message": "Foo"}),
    ),
    (
        "warnings and annotations",
        body({**ALLOWED, "warnings": ["a", "b"], "auditAnnotations": {"foo": "bar"}}),
        "v1",
        False,
        WebhookAnswer(True, warnings=("a", "b"), annotations={"foo": "bar"}),
    ),
    ("v1beta1 says neither uid nor kind", b'{"response":{"allowed":true}}', "v1beta1", True, WebhookAnswer(True)),
    (
        "v1beta1 says no type of patch",
        body({"allowed": True, "patch": PATCH, "patchType": "Foo"}, "a/b", "C"),
        "v1beta1",
        True,
        WebhookAnswer(True, OPERATIONS),
    ),
    (
        "v1beta1 may patch where nobody looks",
        body({"allowed": True, "patch": PATCH}),
        "v1beta1",
        False,
        WebhookAnswer(True),
    ),
]
BAD: list[tuple[str, bytes, bool, str]] = [
    ("no JSON", b"<html>", True, "couldn't get version/kind; json parse error: "),
    ("no object", b"[]", True, "couldn't get version/kind; json parse error: expected an object, found a list"),
    ("no response", body(None), True, "webhook response was absent"),
    ("a response that is none", body([]), True, "json: cannot unmarshal a list into response"),
    ("another's uid", body({"uid": "1234", "allowed": True}), True, 'expected response.uid="123", got "1234"'),
    ("no uid", body({"allowed": True}), True, 'expected response.uid="123", got ""'),
    (
        "another group",
        body(ALLOWED, "admission.k8s.io2/v1"),
        True,
        "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io2/v1, "
        "Kind=AdmissionReview",
    ),
    (
        "no kind",
        orjson.dumps({"response": ALLOWED}),
        False,
        "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
    ),
    (
        "a patch without its type",
        body({**ALLOWED, "patch": PATCH}),
        True,
        "webhook returned response.patch but not response.patchType",
    ),
    (
        "a type without a patch",
        body({**ALLOWED, "patchType": "JSONPatch"}),
        True,
        "webhook returned response.patchType but not response.patch",
    ),
    (
        "an empty type",
        body({**ALLOWED, "patch": PATCH, "patchType": ""}),
        True,
        'webhook returned invalid response.patchType of ""',
    ),
    ("another type", body({**ALLOWED, "patch": PATCH, "patchType": "Foo"}), True, 'unsupported patch type "Foo"'),
    (
        "a patch where none may be",
        body({**ALLOWED, "patch": PATCH}),
        False,
        "validating webhook may not return response.patch",
    ),
    (
        "a type where none may be",
        body({**ALLOWED, "patchType": "JSONPatch"}),
        False,
        "validating webhook may not return response.patchType",
    ),
    (
        "a patch that is no base64",
        body({**PATCHED, "patch": "[{}]"}),
        True,
        "received undecodable patch in webhook response: ",
    ),
    (
        "a patch that is no list",
        body({**PATCHED, "patch": base64.b64encode(b"{}").decode()}),
        True,
        "received undecodable patch in webhook response: expected a list of operations, found an object",
    ),
    ("a yes that is none", body({"uid": "123", "allowed": "yes"}), True, "json: cannot unmarshal "),
    ("warnings that are none", body({**ALLOWED, "warnings": [1]}), True, "json: cannot unmarshal "),
    ("annotations that are none", body({**ALLOWED, "auditAnnotations": {"a": 1}}), True, "json: cannot unmarshal "),
]


@pytest.mark.parametrize(("answer", "asked", "mutating", "meant"), [one[1:] for one in GOOD], ids=[o[0] for o in GOOD])
def test_an_answer_is_understood(answer: bytes, asked: str, mutating: bool, meant: WebhookAnswer) -> None:
    assert review.read(answer, asked, "123", mutating=mutating) == meant


@pytest.mark.parametrize(("answer", "mutating", "why"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_an_answer_that_means_nothing_is_told(answer: bytes, mutating: bool, why: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        review.read(answer, "v1", "123", mutating=mutating)
    told = str(refused.value).removeprefix("received invalid webhook response: ")
    assert told.removeprefix("failed to call webhook: ").startswith(why)


def test_the_first_version_that_is_spoken_is_asked_in() -> None:
    assert review.version(["v3", "v1beta1", "v1"]) == "v1beta1"
    with pytest.raises(BadAnswer, match="webhook does not accept known AdmissionReview versions"):
        review.version(["v3"])


def test_a_request_is_an_admission_review() -> None:
    assert orjson.loads(review.encoded("v1", {"uid": "123"})) == {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {"uid": "123"},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
RESPONSES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("uid", "allowed", "status", "patch", "patchType", "warnings", "auditAnnotations"), JSON),
)


@given(st.binary(max_size=50) | RESPONSES.map(body), st.booleans())
def test_whatever_is_answered_is_understood_or_told(answer: Any, mutating: bool) -> None:
    with contextlib.suppress(BadAnswer):  # any other error fails the test
        assert review.read(answer, "v1", "123", mutating=mutating).allowed in (True, False)
