from podlab.cli.images.commands import image_rows
from podlab.v1 import images_pb2 as pb


def answer(*images: pb.NodeImage) -> pb.ListImagesResponse:
    return pb.ListImagesResponse(images=images)


WEB = pb.NodeImage(
    id="sha256:0123456789abcdef",
    names=["docker.io/library/web:1", "r:5000/web:1", "r:5000/web@sha256:aa"],
    size_bytes=2_130_000,
)
OLD = pb.NodeImage(id="sha256:ff", names=["r:5000/web@sha256:bb"], size_bytes=512)


def test_a_row_is_a_name_with_the_nodes_that_have_it() -> None:
    assert image_rows({"n2": answer(WEB), "n1": answer(WEB, OLD)}) == [
        ("r:5000/web", "1", "0123456789ab", "2.13MB", "n1,n2"),
        ("r:5000/web", "<none>", "ff", "512B", "n1"),
        ("web", "1", "0123456789ab", "2.13MB", "n1,n2"),
    ]


def test_only_what_was_asked_for_is_shown() -> None:
    assert [row[0] for row in image_rows({"n1": answer(WEB, OLD)}, "web")] == ["web"]
    assert [row[1] for row in image_rows({"n1": answer(WEB, OLD)}, "r:5000/web:1")] == ["1"]
    assert image_rows({"n1": answer(WEB)}, "web:2") == []
