"""What columns of custom kinds show."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.kinds.custom.columns import PrinterColumn, table

NOW = datetime(2030, 1, 1, tzinfo=UTC)
CONTENT = {
    "spec": {"text": "a", "count": 3, "share": 1.5, "on": True, "list": [1, {"a": 2}], "when": "2029-12-31T23:00:00Z"}
}


@pytest.mark.parametrize(
    ("type_", "path", "text", "cell"),
    [
        ("string", ".spec.text", "a", "a"),
        ("string", ".spec.count", "3", "3"),
        ("string", ".spec.on", "true", "true"),
        ("string", ".spec.list", '[1,{"a":2}]', '[1,{"a":2}]'),
        ("integer", ".spec.count", "3", 3),
        ("integer", ".spec.share", "1", 1),
        ("integer", ".spec.text", "<none>", None),
        ("number", ".spec.share", "1.5", 1.5),
        ("boolean", ".spec.on", "true", True),
        ("boolean", ".spec.count", "<none>", None),
        ("date", ".spec.when", "60m", "60m"),
        ("date", ".spec.text", "<invalid>", "<invalid>"),
        ("date", ".spec.count", "<none>", None),
        ("string", ".spec.missing", "<none>", None),
    ],
)
def test_a_cell_is_of_its_columns_type(type_: str, path: str, text: str, cell: object) -> None:
    made = table([PrinterColumn("Some Column", type_, path, priority=1)])
    item = Custom(api_version="g/v1", kind="K", content=orjson.dumps(CONTENT))
    item.metadata.name = "my"
    assert made.row(item, True, NOW) == ["my", text]
    assert made.columns(wide=False) == ["NAME"]
    assert made.untold["SOME COLUMN"](text) == cell


def test_the_age_alone_is_shown_where_nothing_is_said() -> None:
    made = table(())
    item = Custom()
    item.metadata.name = "my"
    item.metadata.creationTimestamp.seconds = int(NOW.timestamp()) - 120
    assert made.row(item, False, NOW) == ["my", "2m"]
    assert made.words["AGE"].name == "Age"
