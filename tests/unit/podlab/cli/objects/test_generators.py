"""Objects made from a few words."""

from pathlib import Path

import pytest

from podlab.cli.failures import CommandError
from podlab.cli.objects import generators


def test_a_deployment_names_its_containers_after_the_images() -> None:
    made = generators.deployment("web", "default", ["reg.local:5000/team/My_app:1.0", "nginx@sha256:1"], 2, 80, ["run"])
    containers = made.spec.template.spec.containers
    assert [(one.name, list(one.command)) for one in containers] == [("my-app", ["run"]), ("nginx", ["run"])]
    assert [port.containerPort for port in containers[0].ports] == [80]
    assert dict(made.spec.selector.matchLabels) == dict(made.spec.template.metadata.labels) == {"app": "web"}


@pytest.mark.parametrize("images", [["a:1", "b/a:2"], ["reg/:1"]])
def test_images_that_give_no_container_names_are_refused(images: list[str]) -> None:
    with pytest.raises(CommandError, match="write a manifest"):
        generators.deployment("web", "default", images, 1, None, ())


def test_entries_come_from_words_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("t")
    (tmp_path / "binary").write_bytes(b"\xff")
    made = generators.config_map("c", "default", ["a=1=2", "empty="], [str(tmp_path), f"key={tmp_path / 'text'}"])
    assert dict(made.data) == {"a": "1=2", "empty": "", "text": "t", "key": "t"}
    assert dict(made.binaryData) == {"binary": b"\xff"}
    assert dict(generators.secret("s", "default", "Opaque", ["a=b"], []).data) == {"a": b"b"}


@pytest.mark.parametrize(
    ("literals", "message"),
    [
        (["a"], "expected KEY=VALUE"),
        (["a=1", "a=2"], "given twice"),
        (["a b=1"], "is no valid key"),
        (["=1"], "no valid key"),
    ],
)
def test_entries_that_make_no_sense_are_refused(literals: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        generators.config_map("c", "default", literals, [])
