"""Events and order of pulls, with a runtime whose pulls end when the test says so."""

import asyncio
import re

from podlab_testing.memory_node import MemoryRuntime

from node.kubelet.cri.runtime import Image, RegistryCredentials
from node.kubelet.images.image_manager import ImageEvent, ImageManager
from node.kubelet.pod.pod_notes import BlockedStart

PULLED = re.compile(r'Successfully pulled image "a:1" in \d+m?s \(\d+m?s including waiting\)\. Image size: 1 bytes\.')


class SlowRuntime(MemoryRuntime):
    """Pulls of what `pulling` has an event for wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.go = asyncio.Event()

    async def pull(self, name: str, credentials: RegistryCredentials | None) -> None:
        self.begun.append(name)
        await self.go.wait()
        self.present.add(name)


class Pod:
    """What one container waits for."""

    def __init__(self, images: ImageManager) -> None:
        self.events: list[ImageEvent] = []
        self.woken = asyncio.Event()
        self._images = images

    async def wants(self, name: str, policy: str = "IfNotPresent") -> Image | BlockedStart:
        return await self._images.ensure_image(name, policy, (), retry=self.woken.set, record=self.events.append)


async def test_a_pull_is_told_with_how_long_it_took_and_what_came() -> None:
    runtime = SlowRuntime()
    pod = Pod(ImageManager(runtime))
    assert isinstance(await pod.wants("a:1"), BlockedStart)
    runtime.go.set()
    await pod.woken.wait()
    assert isinstance(await pod.wants("a:1"), Image)
    assert [event.reason for event in pod.events] == ["Pulling", "Pulled"]
    assert PULLED.fullmatch(pod.events[1].message), pod.events[1]
    assert isinstance(await pod.wants("a:1"), Image)
    assert pod.events[2].message == ('Container image "a:1" already present on machine and can be accessed by the pod')


async def test_images_are_pulled_side_by_side_unless_that_is_bounded() -> None:
    for most_at_once, begun in ((0, ["a:1", "b:1", "c:1"]), (1, ["a:1"]), (2, ["a:1", "b:1"])):
        runtime = SlowRuntime()
        images = ImageManager(runtime, most_at_once=most_at_once)
        pods = [Pod(images) for _ in range(3)]
        for pod, name in zip(pods, ("a:1", "b:1", "c:1"), strict=True):
            await pod.wants(name)
        for _ in range(10):
            await asyncio.sleep(0)
        assert runtime.begun == begun
        runtime.go.set()
        await asyncio.gather(*(pod.woken.wait() for pod in pods))
        assert runtime.begun == ["a:1", "b:1", "c:1"]


async def test_what_is_no_name_is_told_and_not_pulled() -> None:
    runtime = SlowRuntime()
    pod = Pod(ImageManager(runtime))
    blocked = await pod.wants("Web Site")
    assert isinstance(blocked, BlockedStart)
    assert blocked.reason == "InvalidImageName"
    assert [event.reason for event in pod.events] == ["InspectFailed"]
    assert not runtime.begun
