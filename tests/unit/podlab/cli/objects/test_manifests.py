from __future__ import annotations

from pathlib import Path

import pytest

from podlab.cli.failures import CommandError
from podlab.cli.objects import manifests

MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}}"


def _written(directory: Path, text: str) -> str:
    path = directory / "m.yaml"
    path.write_text(text)
    return str(path)


def test_namespaces_come_first_and_others_get_theirs(tmp_path: Path) -> None:
    text = f"{MAP % 'a'}\n---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: n}}}}\n"
    read = manifests.read([_written(tmp_path, text)], "n", explicit=False)
    assert [(str(source), source.namespace) for source in read] == [("namespace/n", ""), ("configmap/a", "n")]


def test_all_that_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    text = f"{MAP % 'a'}\n---\n{MAP % 'b, x: 1'}\n---\nkind: Pod\napiVersion: v1\nspec: 1\n---\n- a\n---\njust text\n"
    with pytest.raises(CommandError) as told:
        manifests.read([path := _written(tmp_path, text)], "default", explicit=False)
    assert [line.strip() for line in str(told.value).splitlines()] == [
        f'{path}: ConfigMap "b" (line 3): metadata.x: unknown field',
        f"{path}: Pod (line 5): spec: expected an object, found number 1",
        f"{path}: line 9: expected an object, found a list",
        f"{path}: line 11: expected an object, found string 'just text'",
    ]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("{kind: Pod}", "apiVersion: Required value: every object says what it is"),
        ("{apiVersion: v1}", "kind: Required value: every object says what it is"),
        ("{apiVersion: 1, kind: Pod}", "apiVersion: expected a string, found number 1"),
        ("{apiVersion: v2, kind: Pod}", 'apiVersion: "v2" is not served for Pod: use v1'),
        ("{apiVersion: a.example/v1, kind: Tab}", 'kind: no kind "Tab" is served; known kinds: Namespace, Node,'),
    ],
)
def test_a_kind_that_nobody_serves_is_refused(tmp_path: Path, said: str, problem: str) -> None:
    with pytest.raises(CommandError) as told:
        manifests.read([_written(tmp_path, said)], "default", explicit=False)
    assert problem in str(told.value)
