from __future__ import annotations

import pytest

from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.webhookclients import check_service, check_url

_FORM = "; desired format: https://host[/path]"
URLS: list[tuple[str, list[str]]] = [
    ("https://example.com", []),
    ("https://10.0.0.1:8443/a/b", []),
    ("https://[::1]:8443/a", []),
    ("http://example.com", [f"Invalid value: \"http\": 'https' is the only allowed URL scheme{_FORM}"]),
    ("https://", [f'Invalid value: "": host must be provided{_FORM}']),
    (
        "example.com/path",
        [
            f"Invalid value: \"\": 'https' is the only allowed URL scheme{_FORM}",
            f'Invalid value: "": host must be provided{_FORM}',
        ],
    ),
    ("https://me:word@example.com", ['Invalid value: "me:word": user information is not permitted in the URL']),
    ("https://example.com/#a", ['Invalid value: "a": fragments are not permitted in the URL']),
    ("https://example.com/?a=b", ['Invalid value: "a=b": query parameters are not permitted in the URL']),
    (":nothing", [f'Required value: url must be a valid URL: parse ":nothing": missing protocol scheme{_FORM}']),
    (
        "https://example.com:port/",
        [
            'Required value: url must be a valid URL: parse "https://example.com:port/": invalid port ":port" after '
            f"host{_FORM}"
        ],
    ),
    (
        "https://a\tb/",
        [
            'Required value: url must be a valid URL: parse "https://a\\tb/": net/url: invalid control character in '
            f"URL{_FORM}"
        ],
    ),
]
_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
PATHS: list[tuple[str | None, list[str]]] = [
    (None, []),
    ("", []),
    ("/", []),
    ("/a/b.c/", []),
    ("//", ['s.path: Invalid value: "//": segment[0] may not be empty']),
    ("/a//b", ['s.path: Invalid value: "/a//b": segment[1] may not be empty']),
    ("/A", [f's.path: Invalid value: "/A": segment[0]: {_SUBDOMAIN}']),
    ("aa", ["s.path: Invalid value: \"aa\": must start with a '/'"]),
]


@pytest.mark.parametrize(("url", "faults"), URLS)
def test_addresses_hold_host_port_and_path_alone(url: str, faults: list[str]) -> None:
    found = Findings()
    check_url(found, "url", url)
    assert [str(cause) for cause in found.causes] == [f"url: {fault}" for fault in faults]


@pytest.mark.parametrize(("path", "faults"), PATHS)
def test_paths_of_services_are_made_of_names(path: str | None, faults: list[str]) -> None:
    found = Findings()
    check_service(found, "s", namespace="n", name="a", port=443, path=path)
    assert [str(cause) for cause in found.causes] == faults


def test_a_service_is_named_with_its_namespace_and_a_port() -> None:
    found = Findings()
    check_service(found, "s", namespace="", name="", port=0, path=None)
    assert [str(cause) for cause in found.causes] == [
        "s.name: Required value: service name is required",
        "s.namespace: Required value: service namespace is required",
        "s.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
    ]
