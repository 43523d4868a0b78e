import pytest

from podlab.console import guard

HOST = "127.0.0.1:7480"
OWN = f"http://{HOST}"


@pytest.mark.parametrize("host", ["127.0.0.1:7480", "localhost:7480", "[::1]:7480"])
def test_loopback_is_answered_by_each_of_its_names(host: str) -> None:
    assert guard.foreign_host(host, 7480) == ""


@pytest.mark.parametrize("host", ["", "evil.example:7480", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:7480"])
def test_a_name_that_somebody_lets_point_here_is_refused(host: str) -> None:
    assert host in guard.foreign_host(host, 7480)


def test_the_page_itself_reads_and_writes() -> None:
    fetched = {"Host": HOST, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}
    assert guard.foreign_origin("GET", fetched) == ""
    assert guard.foreign_origin("DELETE", {**fetched, "Origin": OWN}) == ""
    assert guard.foreign_origin("GET", {"Host": HOST, "Origin": OWN, "Upgrade": "websocket"}) == ""


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("POST", {"Origin": "null"}),
        ("DELETE", {"Origin": "http://127.0.0.1:8080"}),
        ("GET", {"Origin": "http://evil.example"}),
        ("GET", {"Upgrade": "WebSocket"}),
        ("GET", {"Upgrade": "websocket", "Origin": "http://evil.example"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"}),
        ("GET", {"Sec-Fetch-Site": "same-site"}),
        ("GET", {"Sec-Fetch-Dest": "document"}),
        ("GET", {"Sec-Fetch-Dest": "script"}),
        ("GET", {"Sec-Fetch-Dest": "iframe"}),
    ],
)
def test_others_do_not(method: str, headers: dict[str, str]) -> None:
    assert guard.foreign_origin(method, {"Host": HOST, **headers}) != ""
