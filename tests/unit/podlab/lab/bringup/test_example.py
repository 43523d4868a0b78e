import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from podlab.lab.bringup import example
from podlab.lab.errors import LabError


class Hello(BaseHTTPRequestHandler):
    """Fails once, as a Service does whose endpoints are not known yet, and then answers."""

    failed = False

    def do_GET(self) -> None:
        code = 200 if Hello.failed else 503
        Hello.failed = True
        self.send_response(code)
        self.end_headers()
        self.wfile.write(b"hello from n1\n")

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    Hello.failed = False
    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_every_address_is_asked_until_it_answers(port: int) -> None:
    assert example.wait_for_answers(["127.0.0.1"], port, timeout_s=10.0) == {"127.0.0.1": "hello from n1"}


def test_a_node_s_own_pod_is_waited_for_but_not_for_ever(port: int) -> None:
    Hello.failed = True
    url = f"http://127.0.0.1:{port}/"
    assert example.answer_from("n1", url, "hello from a on n1, version 1", timeout_s=0.0).startswith("hello from a")
    assert example.answer_from("n2", url, "hello from a on n1, version 1", timeout_s=0.2) == "hello from n1"


def test_an_address_that_never_answers_is_named_with_its_cause(port: int) -> None:
    with pytest.raises(LabError, match=rf"127\.0\.0\.2:{port}: .*refused"):
        example.wait_for_answers(["127.0.0.1", "127.0.0.2"], port, timeout_s=0.2)


def test_a_proxy_of_the_environment_is_not_asked_for_the_cluster(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert example.wait_for_answers(["127.0.0.1"], port, timeout_s=10.0) == {"127.0.0.1": "hello from n1"}
