"""Which images, and which of their names, may go. Pure.

Docker's manner: a name is taken away, and the image goes with its last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node.kubelet.cri.runtime import Image, ObservedPod
from podlab.api.values import imagenames
from podlab.errors import BadRequest, Conflict, NotFound

_FEWEST_DIGITS = 4  # of an id that is cut short
_ID = "sha256:"


@dataclass(frozen=True)
class Removal:
    """`names` go; with `whole` the image itself, and all names that it has."""

    image: Image
    names: tuple[str, ...]
    whole: bool


class ImageUse:
    """Which images containers are made of, ended ones too, and why an image may not go."""

    def __init__(self, pods: Iterable[ObservedPod], sandbox_image: str) -> None:
        """`sandbox_image` is what every pod's first process is made of."""
        self._by_image: dict[str, str] = {}
        for pod in pods:
            for container in pod.containers:
                told = f'container "{container.name}" of pod "{pod.namespace}/{pod.name}" is made of it'
                self._by_image.setdefault(container.image_id, told)
        self._by_image[sandbox_image] = "the runtime makes every pod's sandbox of it"

    def reason(self, image: Image) -> str:
        """Empty: nothing is made of it. Runtimes name a container's image by id or by digest."""
        return next((told for name in (image.id, *image.names) if (told := self._by_image.get(name, ""))), "")


def find(images: Sequence[Image], name: str) -> Image:
    """By name, or by id, which may be cut short. Raises NotFound; BadRequest for what can be neither."""
    full = imagenames.normalized(name) if imagenames.is_reference(name) else name
    for image in images:
        if full in image.names or name in image.names:
            return image
    digits = name.removeprefix(_ID)
    found = [image for image in images if image.id.removeprefix(_ID).startswith(digits)]
    if len(digits) >= _FEWEST_DIGITS and len(found) == 1:
        return found[0]
    if not imagenames.is_reference(name) and not name.startswith(_ID):
        raise BadRequest(f"image name: Invalid value: {name!r}: write [REGISTRY/]NAME[:TAG] in small letters, or an id")
    raise NotFound(f"No such image: {name}", kind="images", name=name)


def removal(images: Sequence[Image], name: str, use: ImageUse) -> Removal:
    """Raises NotFound; Conflict when the image would go that something is made of; BadRequest for an id of several."""
    image = find(images, name)
    tags = [each for each in image.names if imagenames.is_tag(each)]
    by_name = _named(image, name)
    if not by_name and len(tags) > 1:
        raise BadRequest(f"image {name} has several names: remove {', '.join(tags)} one by one")
    if by_name and any(each != by_name for each in tags):
        return Removal(image, (by_name,), whole=False)
    if why := use.reason(image):
        raise Conflict.of("images", name, f"{why}: delete what uses it first")
    return Removal(image, image.names, whole=True)


def _named(image: Image, name: str) -> str:
    """The name of the image's that was meant; empty when it was its id."""
    full = imagenames.normalized(name) if imagenames.is_reference(name) else name
    return next((each for each in image.names if each in (full, name)), "")


def prunable(images: Iterable[Image], use: ImageUse, *, with_names: bool) -> list[Image]:
    """Those that nothing is made of; without `with_names` only those whose names other images have taken."""
    return [
        image
        for image in images
        if not use.reason(image) and (with_names or not any(imagenames.is_tag(name) for name in image.names))
    ]
