"""Settings that cannot be used are refused by field, value and remedy."""

from pathlib import Path
from typing import Any

import pytest

from master.store.etcd.access import ClientTls, access

TLS = ClientTls(Path("ca.pem"))


def test_endpoints_may_be_urls_or_addresses() -> None:
    assert access(["http://10.0.0.1:2379", "etcd-2:2379"]).endpoints == ("10.0.0.1:2379", "etcd-2:2379")
    assert access(["https://[fd00::1]:2379/"], tls=TLS).endpoints == ("[fd00::1]:2379",)


@pytest.mark.parametrize(
    ("endpoints", "more", "told"),
    [
        ([], {}, "endpoints: none is given"),
        (["10.0.0.1"], {}, r"endpoints\[0\]: '10.0.0.1' is no endpoint; write it as"),
        (["a:1", "b:99999"], {}, r"endpoints\[1\]: 'b:99999'"),
        (["a:1", "a:1"], {}, "named twice"),
        (["https://a:1"], {}, r"endpoints\[0\]: 'https://a:1' does not fit to tls; give tls.ca"),
        (["http://a:1"], {"tls": TLS}, "write https://"),
        (["a:1"], {"prefix": "podlab"}, "prefix: 'podlab' must begin with a slash"),
        (["a:1"], {"prefix": "/"}, "prefix: '/'"),
        (["a:1"], {"user": "podlab"}, "user: a name needs a password"),
        (
            ["a:1"],
            {"tls": ClientTls(Path("ca"), cert=Path("cert"))},
            r"tls\.key: it is missing",
        ),
        (["a:1"], {"most_operations": 1}, "max_txn_ops: 1 is too few"),
        (["a:1"], {"most_request_bytes": 1000}, "max_request_bytes: 1000"),
    ],
)
def test_what_cannot_be_used_is_refused(endpoints: list[str], more: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        access(endpoints, **more)


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(access(["a:1"], user="podlab", password="hidden"))
