"""How one who can answer is asked."""

from __future__ import annotations

import pytest

from master.apiserver.egress import ways
from master.apiserver.egress.destinations import Address, Backend, PodPort, ServiceReference
from podlab.errors import BadRequest

WEB = ServiceReference("x", "web")


@pytest.mark.parametrize(
    ("backend", "service", "scheme", "url", "host", "name"),
    [
        (PodPort("x", "a.b", 8080), None, "http", "http://a.b.x:8080/p?q", "a.b.x:8080", "a.b.x"),
        (PodPort("x", "a", 8443), WEB, "https", "https://a.x:8443/p?q", "web.x.svc", "web.x.svc"),
        (PodPort("x", "a", 80), WEB, "http", "http://a.x/p?q", "web.x.svc:443", "web.x.svc"),
        (
            Address("10.0.0.1", 81),
            ServiceReference("x", "w", "y"),
            "http",
            "http://10.0.0.1:81/p?q",
            "w.x.svc",
            "w.x.svc",
        ),
        (Address("fd00::1", 443), None, "https", "https://[fd00::1]/p?q", "[fd00::1]", "fd00::1"),
    ],
)
def test_it_is_known_by_its_own_address_and_called_as_the_service(
    backend: Backend, service: ServiceReference | None, scheme: str, url: str, host: str, name: str
) -> None:
    way = ways.to_backend(backend, scheme, "/p?q", service=service)
    assert (str(way.url), way.host, way.server_name) == (url, host, name)
    assert way.pod == (backend if isinstance(backend, PodPort) else None)


def test_a_url_keeps_its_own_path_and_what_is_encoded() -> None:
    way = ways.to_url("https://hook.example:8443/a%2Fb", "?timeout=10s")
    assert str(way.url) == way.shown == "https://hook.example:8443/a%2Fb?timeout=10s"
    assert (way.host, way.server_name, way.place) == ("hook.example:8443", "hook.example", "hook.example:8443")


@pytest.mark.parametrize(
    "text", ["", "hook", "ftp://hook/", "https://", "http://h:99999/", "https:///p", "http://[::1"]
)
def test_what_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="is not a URL"):
        ways.to_url(text)


def test_messages_name_the_service() -> None:
    assert ways.shown(WEB, "https", "/p") == "https://web.x.svc:443/p"
    assert ways.shown("https://hook/", "https", "") == "https://hook/"
