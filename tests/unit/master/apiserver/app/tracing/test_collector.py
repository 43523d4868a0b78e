from __future__ import annotations

import pytest

from master.apiserver.app.tracing.collector import parse
from podlab.settings import SettingsError


@pytest.mark.parametrize(
    ("endpoint", "target"),
    [
        ("http://collector:4317", ("collector:4317", False)),
        ("http://192.0.2.1", ("192.0.2.1:4317", False)),
        ("https://collector.example:443/", ("collector.example:443", True)),
        ("http://[2001:db8::1]:4317", ("[2001:db8::1]:4317", False)),
    ],
)
def test_an_endpoint_is_an_address_with_or_without_tls(endpoint: str, target: tuple[str, bool]) -> None:
    assert parse(endpoint) == target


@pytest.mark.parametrize("endpoint", ["collector:4317", "grpc://c:1", "http://", "http://c:port", "http://c/v1/traces"])
def test_another_form_is_refused_with_an_example(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="give http://HOST:4317"):
        parse(endpoint)
