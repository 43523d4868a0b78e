"""What the node says of a runtime that is silent, at first and in the end."""

from __future__ import annotations

from node.kubelet.cri.runtime import Image, RuntimeReadiness, RuntimeUnavailable
from node.kubelet.nodestatus.runtime_health import MAX_SILENCE_S, RuntimeHealth


class FakeRuntime:
    """Answers, says that it is not ready, or is silent."""

    def __init__(self) -> None:
        self.silent = False
        self.ready = True

    async def readiness(self) -> RuntimeReadiness:
        if self.silent:
            raise RuntimeUnavailable("connection refused")
        return RuntimeReadiness(
            self.ready, self.ready, "" if self.ready else "container runtime: RuntimeReady is false"
        )

    async def images(self) -> list[Image]:
        return [Image("sha256:a", ("a",), 1)]

    async def version(self) -> str:
        return "memory://1"


async def test_a_silent_runtime_changes_nothing_at_first_and_is_down_in_the_end() -> None:
    runtime = FakeRuntime()
    health = RuntimeHealth(runtime)
    good = await health.check(100.0)
    assert good.readiness.runtime
    runtime.silent = True
    assert await health.check(100.0 + MAX_SILENCE_S - 1) == good
    down = await health.check(100.0 + MAX_SILENCE_S)
    assert (down.readiness.runtime, down.readiness.message) == (False, "container runtime is down: connection refused")
    assert (down.images, down.version) == (good.images, good.version)
    runtime.silent = False
    assert await health.check(200.0) == good


async def test_what_a_runtime_says_of_itself_holds_at_once() -> None:
    runtime = FakeRuntime()
    health = RuntimeHealth(runtime)
    await health.check(100.0)
    runtime.ready = False
    assert not (await health.check(100.1)).readiness.runtime


async def test_a_runtime_that_never_answered_is_down() -> None:
    runtime = FakeRuntime()
    runtime.silent = True
    assert not (await RuntimeHealth(runtime).check(1.0)).readiness.runtime
