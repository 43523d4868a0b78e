"""The images of this node, for people who look after them: what `podlab image` asks a kubelet for.

CRI lists, pulls and removes; the rest containerd does itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path

import grpc

from node.kubelet.cri import conversion
from node.kubelet.cri.containerd import CALL_TIMEOUT_S, NAMESPACE, connect, failure
from node.kubelet.cri.runtime import Image, RegistryCredentials, Runtime, ShownImage
from node.kubelet.images import pushing
from node.kubelet.images.ctr import Ctr, CtrError
from node.kubelet.images.removal import ImageUse, Removal, find, prunable, removal
from podlab.api.values import imagenames
from podlab.errors import BadRequest, InternalError
from podlab.foreign.containerd.v1 import content_pb2, content_pb2_grpc, snapshots_pb2, snapshots_pb2_grpc
from podlab.foreign.cri.v1 import api_pb2 as cri
from podlab.foreign.cri.v1 import api_pb2_grpc

# `ctr images import` prints one such line for each image.
_MARK = "unpacking "


class ImageStore:
    """Raises RuntimeFailure where containerd fails, and what of Kubernetes' errors a caller is to see."""

    def __init__(self, runtime: Runtime, endpoint: str, certs: Path = pushing.CERTS) -> None:
        """`certs` is where containerd is told of registries."""
        self._runtime = runtime
        self._certs = certs
        self._ctr = Ctr(endpoint)
        self._channel = connect(endpoint)
        self._cri = api_pb2_grpc.RuntimeServiceStub(self._channel)
        self._content = content_pb2_grpc.ContentStub(self._channel)
        self._snapshots = snapshots_pb2_grpc.SnapshotsStub(self._channel)

    async def close(self) -> None:
        await self._channel.close()

    async def listed(self) -> list[tuple[Image, bool]]:
        """Each image, and whether something is made of it."""
        use = await self._use()
        return [(image, bool(use.reason(image))) for image in await self._runtime.images()]

    async def missing(self, digests: Sequence[str]) -> list[str]:
        """Of these blobs, those that are not here."""
        return [digest for digest in digests if not await self._has(digest)]

    async def take(self, chunks: AsyncIterator[bytes]) -> list[str]:
        """The names of the images in an archive, which are here then. Raises BadRequest with containerd's reason."""
        try:
            output = await self._ctr.run("images", "import", "-", chunks=chunks)
        except CtrError as error:
            raise BadRequest(f"the archive cannot be imported: {error}") from error
        lines = output.splitlines()
        return [line.removeprefix(_MARK).partition(" ")[0] for line in lines if line.startswith(_MARK)]

    async def archive(self, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """An OCI archive with these images, which Docker loads too. Raises NotFound before the first byte."""
        images = await self._runtime.images()
        full = [name if name in (image := find(images, name)).names else _first_tag(image, name) for name in names]
        try:
            async with contextlib.aclosing(self._ctr.read("images", "export", "-", *full)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except CtrError as error:
            raise InternalError(f"the image cannot be exported: {error}") from error

    async def pull(self, name: str, credentials: RegistryCredentials | None) -> Image:
        """Raises BadRequest for what is no name."""
        full = _full(name)
        await self._runtime.pull(full, credentials)
        return find(await self._runtime.images(), full)

    async def push(self, name: str, credentials: RegistryCredentials | None) -> str:
        """The digest that the registry has now. Raises NotFound, BadRequest with the reason."""
        image = find(await self._runtime.images(), name)
        full = _first_tag(image, name)
        try:
            return await pushing.push(self._ctr, full, credentials, self._certs)
        except CtrError as error:
            raise BadRequest(f"image {name} cannot be pushed: {error}") from error

    async def tag(self, name: str, new_name: str) -> None:
        """Raises NotFound, BadRequest."""
        target = _full(new_name)
        image = find(await self._runtime.images(), name)
        source = next(iter(image.names), image.id)
        if source == target:
            return
        try:
            await self._ctr.run("images", "tag", "--force", source, target)
        except CtrError as error:
            raise InternalError(f"image {name} cannot be named {new_name}: {error}") from error

    async def remove(self, name: str) -> Removal:
        """Raises NotFound, Conflict, BadRequest."""
        wanted = removal(await self._runtime.images(), name, await self._use())
        if wanted.whole:
            await self._runtime.remove_image(wanted.image.id)
            return wanted
        try:
            await self._ctr.run("images", "remove", "--sync", *wanted.names)
        except CtrError as error:
            raise InternalError(f"{name} cannot be removed: {error}") from error
        return wanted

    async def prune(self, *, with_names: bool) -> list[Image]:
        """What was removed."""
        gone = prunable(await self._runtime.images(), await self._use(), with_names=with_names)
        for image in gone:
            await self._runtime.remove_image(image.id)
        return gone

    async def container_files(self, container_id: str) -> ShownImage:
        """How what a container's processes see is mounted, image and what they wrote in one, to be read only."""
        try:
            status = await self._cri.Status(cri.StatusRequest(verbose=True), timeout=CALL_TIMEOUT_S)
            snapshotter = conversion.snapshotter(status.info)
            request = snapshots_pb2.MountsRequest(snapshotter=snapshotter, key=container_id)
            found = await self._snapshots.Mounts(request, metadata=NAMESPACE, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise failure(error) from error
        return conversion.unwritable(conversion.shown_image(found.mounts))

    async def _has(self, digest: str) -> bool:
        try:
            request = content_pb2.InfoRequest(digest=digest)
            await self._content.Info(request, metadata=NAMESPACE, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT):
                return False
            raise failure(error) from error
        return True

    async def _use(self) -> ImageUse:
        return ImageUse((await self._runtime.pods()).values(), await self._runtime.sandbox_image())


def _full(name: str) -> str:
    try:
        return imagenames.normalized(name)
    except ValueError as error:
        raise BadRequest(f"image name: Invalid value: {error}") from error


def _first_tag(image: Image, name: str) -> str:
    """What an image that was found is called in full. Raises BadRequest when it has no name to be found by."""
    full = imagenames.normalized(name) if imagenames.is_reference(name) else name
    called = next((each for each in (full, *image.names) if each in image.names), "")
    if not called:
        raise BadRequest(f"image {name} has no name: give it one with `podlab image tag`")
    return called
