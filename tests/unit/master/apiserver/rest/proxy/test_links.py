"""Links in answers of proxied servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.rest.proxy.links import Links

PREFIX = "/api/v1/namespaces/x/services/web:80/proxy"
LINKS = Links(PREFIX, frozenset({"10.0.0.1:8080"}), "localhost:8001")


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("/page", f"{PREFIX}/page"),
        ("/page/?a=b#c", f"{PREFIX}/page/?a=b#c"),
        ("/", f"{PREFIX}/"),
        ("/a/../b", f"{PREFIX}/b"),
        ("http://10.0.0.1:8080/page", f"{PREFIX}/page"),
        ("//10.0.0.1:8080/page", f"{PREFIX}/page"),
        ("http://localhost:8001/page", f"http://localhost:8001{PREFIX}/page"),
        (f"{PREFIX}/page", f"{PREFIX}/page"),
        ("page", "page"),
        ("../page", "../page"),
        ("", ""),
        ("#top", "#top"),
        ("https://elsewhere.example/page", "https://elsewhere.example/page"),
        ("mailto:a@b", "mailto:a@b"),
        ("http://[::1/page", "http://[::1/page"),
    ],
)
def test_a_link_to_the_server_leads_through_the_proxy(link: str, wanted: str) -> None:
    assert LINKS.rewritten(link) == wanted


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ('<a href="/rewriteme">test</a>', f'<a href="{PREFIX}/rewriteme">test</a>'),
        ("<A CLASS=x HREF='/y' >t</A>", f'<A CLASS=x HREF="{PREFIX}/y" >t</A>'),
        ("<img src=/y.png longdesc=/z>", f'<img src="{PREFIX}/y.png" longdesc="{PREFIX}/z">'),
        ('<link href = "/a?b&amp;c"/>', f'<link href = "{PREFIX}/a?b&amp;c"/>'),
        ('<a name="/y" data-href="/y">', '<a name="/y" data-href="/y">'),
        ('<p href="/y">&nbsp;<br/></p >', '<p href="/y">&nbsp;<br/></p >'),
        ('<!-- <a href="/y"> --><!DOCTYPE html>', '<!-- <a href="/y"> --><!DOCTYPE html>'),
        (
            '<script src="/s">if (a<b) "<a href=\'/y\'>"</script>',
            f'<script src="{PREFIX}/s">if (a<b) "<a href=\'/y\'>"</script>',
        ),
        ('<title><a href="/y"></title><a href="/y">', f'<title><a href="/y"></title><a href="{PREFIX}/y">'),
        ("<a title=it's href=/y>", f'<a title=it\'s href="{PREFIX}/y">'),
        ("1 < 2, a<b and <3", "1 < 2, a<b and <3"),
        ('<a href="/unclosed', '<a href="/unclosed'),
        ("", ""),
    ],
)
def test_links_of_a_page_are_rewritten_and_nothing_else(page: str, wanted: str) -> None:
    assert LINKS.rewritten_html(page) == wanted


@given(st.text(alphabet="<>ahref=\"'/ -!script\n", max_size=200))
def test_a_page_without_absolute_links_stays_as_it_is(page: str) -> None:
    relative = page.replace("/", "")
    assert LINKS.rewritten_html(relative) == relative


@given(st.text(alphabet="<>a href=\"'/-!", max_size=200))
def test_what_is_rewritten_stays_so(page: str) -> None:
    once = LINKS.rewritten_html(page)
    assert LINKS.rewritten_html(once) == once


@pytest.mark.parametrize("piece", ["<!--", "<a ", '<a "', "<a href=", "<a href='", "<", "<a x=y ", "<script>", "</"])
def test_no_page_takes_long(piece: str) -> None:
    page = piece * (400_000 // len(piece))
    assert len(LINKS.rewritten_html(page)) == len(page)
