"""Calls to the runtime are counted and timed, also those that fail."""

from __future__ import annotations

import pytest

from node.kubelet.cri.operations import counted
from node.kubelet.cri.runtime import RuntimeFailure
from node.kubelet.figures import KubeletFigures, render


class Runtime:
    def __init__(self) -> None:
        self.figures = KubeletFigures()

    @counted("run_podsandbox")
    async def run(self, name: str) -> str:
        if not name:
            raise RuntimeFailure("no name")
        return name


async def test_a_call_is_counted_by_its_operation() -> None:
    runtime = Runtime()
    assert await runtime.run("a") == "a"
    with pytest.raises(RuntimeFailure):
        await runtime.run("")
    page = render(runtime.figures.families()).decode().splitlines()
    assert 'kubelet_runtime_operations_total{operation_type="run_podsandbox"} 2' in page
    assert 'kubelet_runtime_operations_errors_total{operation_type="run_podsandbox"} 1' in page
    assert 'kubelet_runtime_operations_duration_seconds_count{operation_type="run_podsandbox"} 2' in page
