from __future__ import annotations

import contextlib
import copy
import functools
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from master.apiserver.patching.json_patch import COPIED_BYTES, MOST_OPERATIONS, json_patch
from podlab.errors import BadRequest, Invalid, RequestTooLarge

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "~/"])
KEYS = st.sampled_from(["a", "b", "a/b", "m~n", "0", "-", ""])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)
STEPS = KEYS | st.sampled_from(["1", "2", "01", "x"])
POINTERS = st.lists(STEPS, max_size=3).map(
    lambda steps: "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
)
OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": POINTERS,
        "from": POINTERS,
        "value": VALUES,
    }
)
JUNK = st.recursive(
    SCALARS | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["op", "path", "from", "value", "a"]), inner, max_size=4)
    ),
)

# From RFC 6902's appendix: document, patch, result.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
    ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["a"]}], {"foo": ["bar", ["a"]]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ({"foo": ["bar", "qux"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar"]}),
    ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
    (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    ({"foo": [1, 2, 3, 4]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}], {"foo": [1, 3, 4, 2]}),
    ({"a": {"b": [1]}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": [1]}, "c": {"b": [1]}}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}, {"op": "test", "path": "/b", "value": None}], {"a": 1}),
    ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ({"a": []}, [{"op": "add", "path": "/a/0", "value": {}}, {"op": "add", "path": "/a/0/x", "value": 1}],
     {"a": [{"x": 1}]}),
]  # fmt: skip

REFUSED: list[tuple[Any, str]] = [
    (
        {"op": "test", "path": "/n", "value": 2},
        'testing value "/n" failed: test failed: expected number 2, found number 1',
    ),
    ({"op": "test", "path": "/n", "value": True}, "test failed"),
    ({"op": "remove", "path": "/x/y"}, 'remove operation does not apply: doc is missing path: "/x": missing value'),
    ({"op": "replace", "path": "/x", "value": 1}, 'replace operation does not apply: doc is missing path: "/x"'),
    ({"op": "add", "path": "/l/3", "value": 1}, "no place '3' in a list of 2"),
    ({"op": "add", "path": "/l/01", "value": 1}, "no place '01' in a list of 2"),
    ({"op": "remove", "path": "/l/-"}, "missing value"),
    ({"op": "add", "path": "/n/x", "value": 1}, "add operation does not apply"),
    ({"op": "move", "from": "/o", "path": "/o/x"}, 'move operation does not apply: "/o" cannot move into itself'),
    ({"op": "remove", "path": ""}, "the whole document cannot be removed"),
    ({"op": "jump", "path": "/n"}, "unexpected kind: string 'jump'"),
    ({"path": "/n"}, "unexpected kind: null"),
    ({"op": "add", "path": "/n"}, "value: Required value"),
    ({"op": "add", "path": "n", "value": 1}, 'does not begin with "/"'),
    ({"op": "add", "path": "/~2", "value": 1}, "followed by neither 0 nor 1"),
    ({"op": "copy", "path": "/n"}, "from: expected a JSON pointer as a string, found null"),
]


def oracle(document: Any, operation: dict[str, Any]) -> Any:
    """The same by other means: every step returns a new document, and every failure is an exception."""
    name, path = operation["op"], steps(operation["path"])
    if name in ("add", "replace"):
        return put(document, path, operation["value"], replaces=name == "replace")
    if name == "remove":
        return without(document, path)
    if name == "test":
        assert orjson.dumps(at(document, path), option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            operation["value"], option=orjson.OPT_SORT_KEYS
        )
        return document
    source = steps(operation["from"])
    value = at(document, source)
    if name == "copy" or source == path:
        return put(document, path, value) if name == "copy" else document
    return put(without(document, source), path, value)


def steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def place(holder: Any, step: str) -> Any:
    if isinstance(holder, list):
        assert step == str(int(step)), "leading zeros"
        assert int(step) >= 0
        return int(step)
    assert isinstance(holder, dict)
    return step


def at(document: Any, path: list[str]) -> Any:
    return at(document[place(document, path[0])], path[1:]) if path else document


def put(document: Any, path: list[str], value: Any, *, replaces: bool = False) -> Any:
    if not path:
        return value
    new, step = copy.copy(document), path[0]
    if path[1:]:
        step = place(new, step)
        new[step] = put(new[step], path[1:], value, replaces=replaces)
    elif replaces:
        new[place(new, step)]  # it must be there
        new[place(new, step)] = value
    elif isinstance(new, list):
        index = len(new) if step == "-" else place(new, step)
        assert index <= len(new)
        new.insert(index, value)
    else:
        new[place(new, step)] = value
    return new


def without(document: Any, path: list[str]) -> Any:
    assert path
    new = copy.copy(document)
    step = place(new, path[0])
    if path[1:]:
        new[step] = without(new[step], path[1:])
    else:
        del new[step]
    return new


@pytest.mark.parametrize(("document", "patch", "result"), EXAMPLES)
def test_the_examples_of_the_standard(document: Any, patch: Any, result: Any) -> None:
    assert json_patch(document, patch) == result


@pytest.mark.parametrize(("operation", "why"), REFUSED)
def test_what_does_not_apply_is_invalid_and_says_why(operation: Any, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        json_patch({"n": 1, "l": [1, 2], "o": {}}, [operation])
    assert refused.value.message.startswith(
        "the server rejected our request due to an error in our request: operation 0: "
    )
    assert why in refused.value.message


@given(DOCUMENTS, st.lists(OPERATIONS, max_size=5))
def test_it_does_what_an_independent_reading_of_the_standard_does(document: Any, patch: list[dict[str, Any]]) -> None:
    assume(not any(operation["op"] == "test" and operation["value"] is None for operation in patch))
    before = copy.deepcopy((document, patch))
    try:
        expected = functools.reduce(oracle, patch, document)
    except (AssertionError, KeyError, IndexError, ValueError, TypeError):
        with pytest.raises(Invalid):
            json_patch(document, patch)
    else:
        assert json_patch(document, patch) == expected
    assert (document, patch) == before


@given(DOCUMENTS, JUNK)
def test_junk_is_refused_in_no_other_way(document: Any, patch: Any) -> None:
    with contextlib.suppress(BadRequest, Invalid):
        json_patch(document, patch)


def test_the_number_of_operations_is_bounded() -> None:
    operation = {"op": "test", "path": "/a", "value": 1}
    assert json_patch({"a": 1}, [operation] * MOST_OPERATIONS) == {"a": 1}
    with pytest.raises(RequestTooLarge, match="The allowed maximum operations in a JSON patch is 10000, got 10001"):
        json_patch({"a": 1}, [operation] * (MOST_OPERATIONS + 1))


def test_copies_cannot_double_a_document_for_ever() -> None:
    patch = [{"op": "copy", "from": "/a", "path": "/a/-"} for _ in range(64)]
    with pytest.raises(Invalid, match=f"increase of copy is more than {COPIED_BYTES} bytes"):
        json_patch({"a": ["x" * 100]}, patch)


def test_moves_cannot_nest_a_document_for_ever() -> None:
    deeper = [
        {"op": "add", "path": "/b", "value": {}},
        {"op": "move", "from": "/a", "path": "/b/a"},
        {"op": "move", "from": "/b", "path": "/a"},
    ]
    with pytest.raises(Invalid, match="nested deeper than 100 levels"):
        json_patch({"a": {}}, deeper * 3000)


def test_what_an_operation_adds_is_not_shared_with_the_patch() -> None:
    patch = [{"op": "add", "path": "/a", "value": {}}, {"op": "add", "path": "/a/b", "value": 1}]
    assert json_patch({}, patch) == json_patch({}, patch) == {"a": {"b": 1}}
    assert patch[0]["value"] == {}


def test_long_pointers_are_cut_short_in_errors() -> None:
    with pytest.raises(Invalid) as refused:
        json_patch({}, [{"op": "remove", "path": "/a" * 10_000}])
    assert len(refused.value.message) < 500
