"""Events and order of pulls, with a runtime whose pulls end when the test says so."""

import asyncio
import re
from pathlib import Path

from podlab_testing.memory_node import MemoryRuntime

from node.kubelet.cri.runtime import Image, RegistryCredentials, RuntimeFailure
from node.kubelet.disk.state_file import StateFile
from node.kubelet.images.image_manager import ImageEvent, ImageManager
from node.kubelet.images.pulled import PulledImages, PulledState
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


def _kept(directory: Path) -> StateFile[PulledState]:
    return StateFile(directory / "state", "lost")


class Registry(MemoryRuntime):
    """Gives `a:1` to those who show what it `wants`."""

    def __init__(self) -> None:
        super().__init__()
        self.wants: RegistryCredentials | None = RegistryCredentials("jane", "secret")
        self.asked: list[str] = []

    async def pull(self, name: str, credentials: RegistryCredentials | None) -> None:
        self.asked.append(credentials.username if credentials is not None else "")
        if self.wants is not None and credentials != self.wants:
            raise RuntimeFailure("401 Unauthorized")
        self.present.add(name)


async def _wants(
    images: ImageManager, *credentials: RegistryCredentials, policy: str = "IfNotPresent"
) -> tuple[Image | BlockedStart, list[str]]:
    """What a pod gets in the end, and the Events that it is told by."""
    events, ended = list[ImageEvent](), asyncio.Event()

    async def ask() -> Image | BlockedStart:
        return await images.ensure_image("a:1", policy, credentials, retry=ended.set, record=events.append)

    found = await ask()
    if isinstance(found, BlockedStart) and found.reason == "ContainerCreating":
        await ended.wait()
        found = await ask()
    return found, [each.message for each in events]


async def test_an_image_that_a_secret_brought_is_pulled_again_for_a_pod_without_it(tmp_path: Path) -> None:
    jane = RegistryCredentials("jane", "secret", origin="default/pull/1")
    registry = Registry()
    images = ImageManager(registry, pulled=PulledImages(_kept(tmp_path)))
    assert isinstance((await _wants(images, jane))[0], Image)
    assert isinstance((await _wants(images, jane))[0], Image)
    assert registry.asked == ["jane"], "who had it may use it"
    refused, _ = await _wants(images)
    assert isinstance(refused, BlockedStart)
    assert refused.reason == "ErrImagePull"
    assert registry.asked == ["jane", ""]
    never, told = await _wants(images, policy="Never")
    assert isinstance(never, BlockedStart)
    assert never.reason == "ErrImageNeverPull"
    assert told == [
        'Container image "a:1" is present with pull policy of Never but does not have the proper credentials to access '
        "the image"
    ]


async def test_an_image_that_is_everybodys_is_pulled_once(tmp_path: Path) -> None:
    registry = Registry()
    registry.wants = None
    images = ImageManager(registry, pulled=PulledImages(_kept(tmp_path)))
    for _ in range(2):
        assert isinstance((await _wants(images))[0], Image)
    assert registry.asked == [""]
