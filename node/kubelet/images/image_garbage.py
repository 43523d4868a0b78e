"""Which unused images go, and when. Pure; the rules are Kubernetes'.

https://kubernetes.io/docs/concepts/architecture/garbage-collection/#containers-images
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from node.kubelet.cri.runtime import Image
from node.kubelet.settings import ImageGcSettings

INVALID_CAPACITY = "invalid capacity 0 on image filesystem"


@dataclass(frozen=True)
class ImageRecord:
    """What is known of an image. Times are seconds of a monotonic clock; of one that never was used, 0."""

    image: Image
    first_seen: float
    last_used: float = 0.0


Records = Mapping[str, ImageRecord]
"""By the image's id."""


def updated(before: Records, images: Iterable[Image], used: Collection[str], now: float) -> Records:
    """The records of the images that are there at `now`. `used` are names and ids of those that pods use."""
    found: dict[str, ImageRecord] = {}
    for image in images:
        record = replace(before.get(image.id, ImageRecord(image, now)), image=image)
        found[image.id] = replace(record, last_used=now) if is_used(image, used) else record
    return found


def is_used(image: Image, used: Collection[str]) -> bool:
    """`used` may have the short names that Docker's registry is meant by."""
    return image.id in used or any(short in used for name in image.names for short in _short_names(name))


def _short_names(name: str) -> Iterator[str]:
    """The name, and those by which it may be called as well."""
    for prefix in ("", "docker.io/", "docker.io/library/"):
        if name.startswith(prefix):
            yield name.removeprefix(prefix)
            yield name.removeprefix(prefix).removesuffix(":latest")


def bytes_to_free(settings: ImageGcSettings, available: int, capacity: int) -> int:
    """How much is to go of the images' filesystem; 0 while less of it is in use than the high threshold."""
    if 100 - available * 100 // capacity < settings.high_percent:
        return 0
    return max(0, capacity * (100 - settings.low_percent) // 100 - available)


def unused(records: Records, now: float, minimum_age_s: float) -> list[Image]:
    """The images that may go, the longest unused first, of equals the one that came first."""
    free = [each for each in records.values() if each.last_used < now and now - each.first_seen >= minimum_age_s]
    return [each.image for each in sorted(free, key=lambda each: (each.last_used, each.first_seen))]


def too_few(wanted_bytes: int, freed_bytes: int) -> str:
    """Kubernetes' message when unused images are not enough."""
    return (
        "Failed to garbage collect required amount of images. "
        f"Attempted to free {wanted_bytes} bytes, but only found {freed_bytes} bytes eligible to free."
    )
