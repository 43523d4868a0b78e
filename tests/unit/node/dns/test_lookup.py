import pytest

from node.dns.lookup import candidates

SEARCHES = ["a.svc.x", "svc.x"]


@pytest.mark.parametrize(
    ("name", "options", "asked"),
    [
        ("web", ["ndots:5"], ["web.a.svc.x", "web.svc.x", "web"]),
        ("web.b", ["ndots:5"], ["web.b.a.svc.x", "web.b.svc.x", "web.b"]),
        ("web.b", [], ["web.b", "web.b.a.svc.x", "web.b.svc.x"]),
        ("web", [], ["web.a.svc.x", "web.svc.x", "web"]),
        ("a.b.c.d.e.f", ["ndots:5"], ["a.b.c.d.e.f", "a.b.c.d.e.f.a.svc.x", "a.b.c.d.e.f.svc.x"]),
        ("web.", ["ndots:5"], ["web"]),
        ("web", ["ndots:x"], ["web.a.svc.x", "web.svc.x", "web"]),
    ],
)
def test_names_are_asked_for_in_the_order_of_resolv_conf(name: str, options: list[str], asked: list[str]) -> None:
    assert candidates(name, SEARCHES, options) == asked


def test_without_a_search_path_a_name_is_asked_for_as_it_is() -> None:
    assert candidates("web", [], ["ndots:5"]) == ["web"]
