"""Tables as kubectl prints them."""

from podlab_testing import builtin_kinds

from podlab.cli.objects import printing
from podlab.cli.options import Output
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.namespace_pb2 import Namespace


def config_map(name: str, namespace: str = "default", **labels: str) -> ConfigMap:
    return ConfigMap(metadata={"name": name, "namespace": namespace, "labels": labels})


def test_columns_are_three_spaces_apart_without_spaces_at_the_end() -> None:
    assert printing.aligned([["NAME", "AGE"], ["a-long-name", ""], ["b", "1\n2"]]) == [
        "NAME          AGE",
        "a-long-name",
        "b             1\\n2",
    ]


def test_a_table_may_show_namespace_kind_and_labels() -> None:
    rows = printing.Rows(
        builtin_kinds.named("ConfigMap"), wide=False, with_namespace=True, with_labels=True, with_kind=True
    )
    assert [line.split() for line in rows.lines([config_map("a", a="1", b="2")], headers=True)] == [
        ["NAMESPACE", "NAME", "DATA", "AGE", "LABELS"],
        ["default", "configmap/a", "0", "<unknown>", "a=1,b=2"],
    ]


def test_the_rows_of_a_watch_keep_the_columns_of_the_first() -> None:
    rows = printing.Rows(builtin_kinds.named("ConfigMap"), wide=False, with_namespace=False)
    (first,) = rows.lines([config_map("a-long-name")], headers=False)
    (second,) = rows.lines([config_map("b")], headers=False)
    assert first.index("0") == second.index("0")


def test_objects_are_written_in_each_form() -> None:
    team = Namespace(metadata={"name": "team"})
    assert printing.objects_text([team], Output.NAME, as_list=True) == "namespace/team\n"
    assert printing.objects_text([team], Output.YAML, as_list=False).startswith("apiVersion: v1\nkind: Namespace\n")
    assert '"kind": "List"' in printing.objects_text([team], Output.JSON, as_list=True)
