"""Label and field selectors."""

from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds

from podlab.api import kinds
from podlab.api.selection import selectors
from podlab.api.selection.selectors import Operator, Requirement, Selector
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import LabelSelector

WEB = {"app": "web", "tier": "a", "size": "7"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier in (a, b)", True),
        ("app!=web", False),
        ("missing!=x", True),
        ("missing notin (x)", True),
        ("tier notin (b,c)", True),
        ("app,!missing", True),
        ("! app", False),
        ("missing", False),
        ("size>6,size<8", True),
        ("size>7", False),
        ("app>1", False),
        ("missing=", False),
        (" app = web , tier ", True),
    ],
)
def test_selectors_match_as_kubernetes_do(text: str, matches: bool) -> None:
    assert selectors.parse_labels(text).matches(WEB) is matches


@pytest.mark.parametrize(
    "text",
    ["a,", ",a", "=x", "a b", "a in b", "a in (b", "(a)", "a=b c", "a,,b", "a=b=c", "/a", "a=-b", "a>b", "a>", "!"],
)
def test_what_cannot_be_parsed_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="label selector"):
        selectors.parse_labels(text)


def test_a_long_selector_is_read_in_one_go() -> None:
    assert len(selectors.parse_labels(",".join(f"k{number}=v" for number in range(20_000))).requirements) == 20_000


KEYS = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
VALUES = st.from_regex(r"[a-z0-9]{0,3}", fullmatch=True)
SETS = st.frozensets(VALUES, min_size=1, max_size=3)
REQUIREMENTS = st.one_of(
    st.builds(Requirement, KEYS, st.sampled_from([Operator.IN, Operator.NOT_IN]), SETS),
    st.builds(Requirement, KEYS, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])),
    st.builds(Requirement, KEYS, st.just(Operator.GREATER), st.integers(0, 99).map(lambda n: frozenset({str(n)}))),
)


@given(st.lists(REQUIREMENTS, max_size=4))
def test_a_printed_selector_reads_back(requirements: list[Requirement]) -> None:
    selector = Selector(tuple(requirements))
    assert selectors.parse_labels(str(selector)) == selector


@given(st.lists(REQUIREMENTS, max_size=3), st.dictionaries(KEYS, VALUES, max_size=3))
def test_a_selector_matches_what_all_its_requirements_match(parts: list[Requirement], labels: dict[str, str]) -> None:
    assert Selector(tuple(parts)).matches(labels) == all(Selector((part,)).matches(labels) for part in parts)


def test_a_selector_message_is_the_sum_of_its_parts() -> None:
    message = LabelSelector(
        matchLabels={"app": "web"}, matchExpressions=[{"key": "tier", "operator": "In", "values": ["a", "b"]}]
    )
    selector = selectors.from_message(message)
    assert str(selector) == "app=web,tier in (a,b)"
    assert selector.matches(WEB)
    assert selectors.from_message(LabelSelector()).matches({})


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ({"key": "a", "operator": "Maybe"}, "is not a valid label selector operator"),
        ({"key": "a", "operator": "Gt", "values": ["1"]}, "only node selectors compare numbers"),
        ({"key": "a", "operator": "In"}, "can't be empty"),
        ({"key": "a", "operator": "Exists", "values": ["x"]}, "must be empty"),
    ],
)
def test_an_expression_that_makes_no_sense_is_refused(expression: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        selectors.from_message(LabelSelector(matchExpressions=[expression]))


@pytest.mark.parametrize(
    ("message", "text", "matches"),
    [
        (Pod(spec={"nodeName": "n1"}), "spec.nodeName=n1", True),
        (Pod(spec={"nodeName": "n1"}), "spec.nodeName!=n1", False),
        (Pod(), "spec.nodeName=", True),
        (Pod(status={"phase": "Running"}), "status.phase==Running,metadata.name=x", False),
        (Node(), "spec.unschedulable=false", True),
        (Event(source={"component": "kubelet"}), "source=kubelet", True),
        (Event(involvedObject={"kind": "Pod"}), "involvedObject.kind=Pod", True),
        (Pod(), "", True),
    ],
)
def test_fields_are_compared_as_text(message: Message, text: str, matches: bool) -> None:
    assert builtin_kinds.of(kinds.of(message)).field_selector(text).matches(message) is matches


def test_a_field_that_is_not_selectable_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadRequest, match=r"field label not supported: spec.x: for pods these are: metadata.name, "):
        builtin_kinds.of(builtin_kinds.named("Pod")).field_selector("spec.x=1")
    with pytest.raises(BadRequest, match="can't understand"):
        builtin_kinds.of(builtin_kinds.named("Pod")).field_selector("spec.nodeName")


def test_a_required_field_can_be_asked_for() -> None:
    selector = builtin_kinds.of(builtin_kinds.named("Pod")).field_selector("spec.nodeName=n1,status.phase!=Failed")
    assert selector.required("spec.nodeName") == "n1"
    assert selector.required("status.phase") is None
    assert str(selector) == "spec.nodeName=n1,status.phase!=Failed"
