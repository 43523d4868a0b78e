"""What security depends on is read in one place: two readers of one thing are two opinions on who somebody is. What
objects find each other by is named in one place."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

import pytest
from podlab_testing.source_code import PROJECT, modules, tree

# What reads it, and the only file that may.
READERS = [
    ("get_attributes_for_oid", "podlab/subject.py"),
    ("NameOID", "podlab/subject.py"),
    ("rfc4514_string", "podlab/subject.py"),
    ("Impersonate-User", "master/apiserver/filters/impersonation.py"),
    ('"Authorization"', "master/apiserver/rest/api.py"),
    ("raw_path", "master/apiserver/request/paths.py"),
]


@pytest.mark.parametrize(("reading", "home"), READERS)
def test_it_is_read_in_one_place(reading: str, home: str) -> None:
    sources = (
        path for folder in ("podlab", "master", "node", "playbooks") for path in (PROJECT / folder).rglob("*.py")
    )
    found = {str(path.relative_to(PROJECT)) for path in sources if reading in path.read_text()}
    assert found <= {home}


# Labels, annotations, taints, signers, types of Secrets.
NAME = re.compile(r"(?:[a-z0-9-]+\.)*(?:kubernetes|k8s)\.io/[A-Za-z][\w.-]*")
# Versions of what is written apart from the API's objects, and names that are warned of and kept from nodes alone.
NAMED_TWICE = {
    "apiserver.config.k8s.io/v1",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "meta.k8s.io/v1",
    "seccomp.security.alpha.kubernetes.io/pod",
}


def test_a_name_of_kubernetes_stands_in_one_file() -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module in modules():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
                found[node.value].add(module)
    assert {name: places for name, places in found.items() if len(places) > 1 and name not in NAMED_TWICE} == {}
