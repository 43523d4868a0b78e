import pytest

from master.apiserver.rest import tables


@pytest.mark.parametrize(
    ("header", "title"),
    [
        ("NAME", "Name"), ("CLUSTER-IP", "Cluster-IP"), ("NOMINATED NODE", "Nominated Node"),
        ("UP-TO-DATE", "Up-to-date"), ("PORT(S)", "Port(s)"), ("IP", "IP"), ("OS-IMAGE", "OS-Image"),
        ("ADDRESSTYPE", "AddressType"),
    ],
)  # fmt: skip
def test_columns_are_spelt_as_kubernetes_spells_them(header: str, title: str) -> None:
    assert tables.title(header) == title
