import pytest

from node.kubelet.cri.runtime import Container, ContainerState, Image, ObservedPod
from node.kubelet.images.removal import ImageUse, find, prunable, removal
from podlab.errors import BadRequest, Conflict, NotFound

WEB = Image("sha256:aaaa1111", ("docker.io/library/web:1", "docker.io/library/web:2"), 10)
TOOL = Image("sha256:bbbb2222", ("ghcr.io/tool:1", "ghcr.io/tool@sha256:cc"), 20)
NAMELESS = Image("sha256:abcd3333", ("ghcr.io/old@sha256:dd",), 30)
PAUSE = Image("sha256:eeee4444", ("podlab.local/pause:1",), 1)
IMAGES = (WEB, TOOL, NAMELESS, PAUSE)


def use(*image_ids: str) -> ImageUse:
    runs = tuple(
        Container(f"c{at}", "s", "main", 0, ContainerState.EXITED, 0, image_id=image)
        for at, image in enumerate(image_ids)
    )
    return ImageUse([ObservedPod("u", "default", "p", containers=runs)], "podlab.local/pause:1")


def test_an_image_is_found_by_its_names_and_by_the_first_digits_of_its_id() -> None:
    assert find(IMAGES, "web:2") is WEB
    assert find(IMAGES, "docker.io/library/web:1") is WEB
    assert find(IMAGES, "bbbb") is TOOL
    assert find(IMAGES, "sha256:abcd3333") is NAMELESS
    with pytest.raises(NotFound, match="No such image: web:3"):
        find(IMAGES, "web:3")
    with pytest.raises(BadRequest, match="'Web': write"):
        find(IMAGES, "Web")


def test_a_name_that_looks_like_an_id_is_a_name_first() -> None:
    named = Image("sha256:ffff5555", ("docker.io/library/aaaa:latest",), 1)
    assert find((WEB, named), "aaaa") is named


def test_an_image_goes_with_its_last_name() -> None:
    assert removal(IMAGES, "web:1", use("sha256:aaaa1111")).names == ("docker.io/library/web:1",)
    assert not removal(IMAGES, "web:1", use()).whole
    assert removal(IMAGES, "ghcr.io/tool:1", use()).whole
    assert removal(IMAGES, "bbbb2222", use()).whole


def test_an_image_stays_that_something_is_made_of_by_id_or_by_digest() -> None:
    for made_of in (TOOL.id, "ghcr.io/tool@sha256:cc"):
        with pytest.raises(Conflict, match='container "main" of pod "default/p" is made of it'):
            removal(IMAGES, "ghcr.io/tool:1", use(made_of))
    with pytest.raises(Conflict, match="every pod's sandbox"):
        removal(IMAGES, "podlab.local/pause:1", use())


def test_an_id_of_several_names_is_refused() -> None:
    with pytest.raises(BadRequest, match="one by one"):
        removal(IMAGES, "aaaa1111", use())


def test_images_without_names_are_pruned_and_others_only_when_asked_for() -> None:
    assert prunable(IMAGES, use(), with_names=False) == [NAMELESS]
    assert prunable(IMAGES, use(NAMELESS.id), with_names=False) == []
    assert prunable(IMAGES, use(WEB.id), with_names=True) == [TOOL, NAMELESS]
