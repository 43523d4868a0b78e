"""Shapes will also be read off the schemas of custom kinds: one module alone knows that messages have them."""

from __future__ import annotations

from podlab_testing.source_code import imports, modules


def test_only_one_module_of_shapes_knows_protobuf() -> None:
    ours = [name for name in modules() if name.startswith("podlab.shapes.")]
    assert "podlab.shapes.messages" in ours
    knowing = {
        name
        for name in ours
        for used in imports(name)
        if used.startswith("google.")
        or used.endswith("_pb2")
        or used in ("podlab.api.serializer.encoding", "podlab.api.serializer.scalars")
    }
    assert knowing == {"podlab.shapes.messages"}
