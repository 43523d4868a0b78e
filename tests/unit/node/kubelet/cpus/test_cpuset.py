from __future__ import annotations

import pytest

from node.kubelet.cpus import cpuset


@pytest.mark.parametrize(("text", "cpus"), [("", []), ("0", [0]), ("0-2,5", [0, 1, 2, 5]), ("0-1,3-4", [0, 1, 3, 4])])
def test_a_set_is_read_and_written(text: str, cpus: list[int]) -> None:
    assert cpuset.parse(f"{text}\n") == set(cpus)
    assert cpuset.text(cpus) == text


def test_what_is_no_set_is_refused() -> None:
    with pytest.raises(ValueError, match="a"):
        cpuset.parse("a-b")
