"""Ansible's filters of sets give no order: what they yield may be counted or sorted, and nothing else."""

from __future__ import annotations

import re

from podlab_testing.source_code import PROJECT

SETS = re.compile(r"\| *(?:intersect|difference|union|symmetric_difference)\(.*")
ORDERLESS = re.compile(r"\| *(?:length|sort|join\(', '\))|\+ \(\[")


def test_nothing_relies_on_the_order_of_a_set() -> None:
    sources = [path for path in (PROJECT / "playbooks").rglob("*") if path.suffix in {".yml", ".j2"}]
    found = {
        f"{path.relative_to(PROJECT)}: {used[0]}"
        for path in sources
        for used in SETS.finditer(path.read_text())
        if not ORDERLESS.search(used[0])
    }
    assert found == set()
