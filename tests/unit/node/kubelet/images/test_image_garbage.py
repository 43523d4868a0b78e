"""Which unused images go."""

from __future__ import annotations

import pytest

from node.kubelet.cri.runtime import Image
from node.kubelet.images import image_garbage
from node.kubelet.images.image_garbage import Records
from node.kubelet.settings import ImageGcSettings

OLD, NEW, USED = (
    Image(f"sha256:{name}", (f"docker.io/library/{name}:latest",), 100) for name in ("old", "new", "used")
)


def _records() -> Records:
    found = image_garbage.updated({}, [OLD, USED, NEW], {"new"}, now=10)
    found = image_garbage.updated(found, [OLD, USED, NEW], {"used"}, now=500)
    return image_garbage.updated(found, [OLD, USED, NEW], {"used"}, now=1000)


def test_the_longest_unused_goes_first_and_what_is_used_stays() -> None:
    assert image_garbage.unused(_records(), 1000, 120) == [OLD, NEW]


def test_a_young_image_is_kept() -> None:
    records = image_garbage.updated(_records(), [OLD, USED, NEW, Image("sha256:b", (), 1)], {"used"}, now=1100)
    assert image_garbage.unused(records, 1100, 120) == [OLD, NEW]


def test_what_is_gone_is_forgotten() -> None:
    assert set(image_garbage.updated(_records(), [USED], (), now=1100)) == {USED.id}


@pytest.mark.parametrize(
    "name", ["used", "used:latest", "library/used", "docker.io/library/used:latest", "sha256:used"]
)
def test_an_image_is_known_by_every_name_that_a_pod_may_give_it(name: str) -> None:
    assert image_garbage.is_used(USED, {name})


def test_nothing_is_to_go_below_the_high_threshold() -> None:
    settings = ImageGcSettings()
    assert image_garbage.bytes_to_free(settings, available=160, capacity=1000) == 0
    assert image_garbage.bytes_to_free(settings, available=150, capacity=1000) == 50, "until the low one is reached"
