"""The Images gRPC service: the node's images, and the file systems of its containers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from node.kubelet.cri.runtime import Container, Image, RegistryCredentials, Runtime, RuntimeFailure
from node.kubelet.images.container_export import ContainerExport
from node.kubelet.images.image_store import ImageStore
from node.kubelet.server.finding import container_named, pod_named
from node.kubelet.volume.mounter import MountError
from node.kubelet.worker.pod_workers import PodWorkers
from podlab.api.values import imagenames
from podlab.errors import ApiError, BadRequest, InternalError, ServicerContext, abort
from podlab.v1 import images_pb2 as pb
from podlab.v1 import images_pb2_grpc

_FAILURES = (ApiError, RuntimeFailure, MountError, OSError)


class ImagesServicer(images_pb2_grpc.ImagesServicer):
    """Serves `podlab.v1.Images` for this node."""

    def __init__(self, pods: PodWorkers, runtime: Runtime, store: ImageStore, export: ContainerExport) -> None:
        self._pods = pods
        self._runtime = runtime
        self._store = store
        self._export = export

    async def ListImages(  # noqa: N802 - gRPC's name
        self, request: pb.ListImagesRequest, context: ServicerContext
    ) -> pb.ListImagesResponse:
        try:
            found = await self._store.listed()
        except _FAILURES as error:
            await abort(context, _as_api_error(error))
        return pb.ListImagesResponse(images=[_told(image, in_use=in_use) for image, in_use in found])

    async def MissingBlobs(  # noqa: N802 - gRPC's name
        self, request: pb.MissingBlobsRequest, context: ServicerContext
    ) -> pb.MissingBlobsResponse:
        try:
            return pb.MissingBlobsResponse(digests=await self._store.missing(request.digests))
        except _FAILURES as error:
            await abort(context, _as_api_error(error))

    async def ImportImage(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[pb.ImportImageRequest], context: ServicerContext
    ) -> pb.ImportImageResponse:
        try:
            names = await self._store.take(request.chunk async for request in request_iterator)
        except _FAILURES as error:
            await abort(context, _as_api_error(error))
        return pb.ImportImageResponse(image_names=names)

    async def ExportImage(  # noqa: N802 - gRPC's name
        self, request: pb.ExportImageRequest, context: ServicerContext
    ) -> AsyncIterator[pb.ExportImageResponse]:
        try:
            if not request.image_names:
                raise BadRequest("image_names: Required value: name the images to export")
            async with contextlib.aclosing(self._store.archive(request.image_names)) as chunks:
                async for chunk in chunks:
                    yield pb.ExportImageResponse(chunk=chunk)
        except _FAILURES as error:
            await abort(context, _as_api_error(error))

    async def PullImage(  # noqa: N802 - gRPC's name
        self, request: pb.PullImageRequest, context: ServicerContext
    ) -> pb.PullImageResponse:
        try:
            image = await self._store.pull(request.image_name, _login(request.login))
        except RuntimeFailure as error:
            await abort(context, BadRequest(f"image {request.image_name} cannot be pulled: {error}"))
        except _FAILURES as error:
            await abort(context, _as_api_error(error))
        return pb.PullImageResponse(image_id=image.id, size_bytes=image.size_bytes)

    async def PushImage(  # noqa: N802 - gRPC's name
        self, request: pb.PushImageRequest, context: ServicerContext
    ) -> pb.PushImageResponse:
        try:
            return pb.PushImageResponse(digest=await self._store.push(request.image_name, _login(request.login)))
        except _FAILURES as error:
            await abort(context, _as_api_error(error))

    async def TagImage(  # noqa: N802 - gRPC's name
        self, request: pb.TagImageRequest, context: ServicerContext
    ) -> pb.TagImageResponse:
        try:
            await self._store.tag(request.image_name, request.new_name)
        except _FAILURES as error:
            await abort(context, _as_api_error(error))
        return pb.TagImageResponse()

    async def RemoveImage(  # noqa: N802 - gRPC's name
        self, request: pb.RemoveImageRequest, context: ServicerContext
    ) -> pb.RemoveImageResponse:
        try:
            done = await self._store.remove(request.image_name)
        except _FAILURES as error:
            await abort(context, _as_api_error(error))
        names = [name for name in done.names if imagenames.is_tag(name)]
        return pb.RemoveImageResponse(untagged=names, deleted=done.image.id if done.whole else "")

    async def PruneImages(  # noqa: N802 - gRPC's name
        self, request: pb.PruneImagesRequest, context: ServicerContext
    ) -> pb.PruneImagesResponse:
        try:
            gone = await self._store.prune(with_names=request.all)
        except _FAILURES as error:
            await abort(context, _as_api_error(error))
        return pb.PruneImagesResponse(removed=[_told(image, in_use=False) for image in gone])

    async def ExportContainer(  # noqa: N802 - gRPC's name
        self, request: pb.ExportContainerRequest, context: ServicerContext
    ) -> AsyncIterator[pb.ExportContainerResponse]:
        try:
            run = await self._latest_run(request)
            files = await self._store.container_files(run.id)
            async with contextlib.aclosing(self._export.read(files)) as chunks:
                async for chunk in chunks:
                    yield pb.ExportContainerResponse(chunk=chunk)
        except _FAILURES as error:
            await abort(context, _as_api_error(error))

    async def _latest_run(self, request: pb.ExportContainerRequest) -> Container:
        """Running or ended. Raises NotFound, BadRequest, RuntimeFailure."""
        pod = pod_named(self._pods, request.namespace, request.pod)
        name = container_named(pod, request.container).name
        run = (await self._runtime.pod(pod.metadata.uid)).latest(name)
        if run is None:
            raise BadRequest(f'container "{name}" of pod "{request.pod}" is not there yet')
        return run


def _login(login: pb.RegistryLogin) -> RegistryCredentials | None:
    return RegistryCredentials(login.username, login.password) if login.username else None


def _told(image: Image, *, in_use: bool) -> pb.NodeImage:
    return pb.NodeImage(id=image.id, names=image.names, size_bytes=image.size_bytes, in_use=in_use)


def _as_api_error(error: Exception) -> ApiError:
    return error if isinstance(error, ApiError) else InternalError(str(error))
