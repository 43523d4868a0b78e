"""Links in answers of proxied servers, which know nothing of the path that they are reached by. Pure.

As k8s.io/apimachinery/pkg/util/proxy: a link to an absolute path of the same server gets the proxy's path before it.
Others stay as they are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from master.apiserver.rest.proxy import names

# Which attributes of which elements are URLs: https://html.spec.whatwg.org/multipage/indices.html#attributes-3
_URLS = {
    "a": "href",
    "applet": "codebase",
    "area": "href",
    "audio": "src",
    "base": "href",
    "blockquote": "cite",
    "body": "background",
    "button": "formaction",
    "command": "icon",
    "del": "cite",
    "embed": "src",
    "form": "action",
    "frame": "longdesc src",
    "head": "profile",
    "html": "manifest",
    "iframe": "longdesc src",
    "img": "longdesc src usemap",
    "input": "src usemap formaction",
    "ins": "cite",
    "link": "href",
    "object": "classid codebase data usemap",
    "q": "cite",
    "script": "src",
    "source": "src",
    "video": "poster src",
}
_ATTRIBUTES = {element: frozenset(names.split()) for element, names in _URLS.items()}
# Elements whose content is text, whatever it looks like.
_TEXTS = frozenset({"iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"})
# Each of these matches wherever it begins, if need be to the end of the text: no text takes long to read.
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s/>][^\s/>=]*)(?P<is>\s*=\s*)(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s>"'][^\s>]*))"""
)
_TAG = re.compile(
    r"""<!--.*?(?:-->|\Z)"""
    r"""|<(?P<element>[a-zA-Z][^\s/>]*)"""
    r"""(?P<attributes>(?:[\s/]+|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+)*+)"""
    r"""(?:>|\Z)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Links:
    """`prefix` is the path of the proxy, without a slash at its end; `servers` are the server's host and port in
    its own words, and `host` is what the client calls this one."""

    prefix: str
    servers: frozenset[str]
    host: str

    def rewritten(self, link: str) -> str:
        """The link as a client of the proxy can follow it. One that cannot be read stays as it is."""
        try:
            parts = urlsplit(link)
        except ValueError:
            return link
        is_other = parts.netloc not in ("", self.host) and parts.netloc not in self.servers
        if is_other or not parts.path.startswith("/"):
            return link
        path = parts.path if parts.path.startswith(self.prefix) else names.joined(self.prefix, parts.path)
        scheme, host = (parts.scheme, parts.netloc) if parts.netloc == self.host else ("", "")
        return urlunsplit((scheme, host, path, parts.query, parts.fragment))

    def rewritten_html(self, text: str) -> str:
        """The text of a page with all its links rewritten, and nothing else changed."""
        return "".join(self._pieces(text))

    def _pieces(self, text: str) -> Iterator[str]:
        at = 0
        while (tag := _TAG.search(text, at)) is not None:
            yield text[at : tag.start()]
            element = (tag["element"] or "").lower()
            yield self._tag(tag, element)
            at = tag.end()
            if element in _TEXTS:
                end = re.compile(f"</{element}", re.IGNORECASE).search(text, at)
                stop = end.start() if end is not None else len(text)
                yield text[at:stop]
                at = stop
        yield text[at:]

    def _tag(self, tag: re.Match[str], element: str) -> str:
        attributes = _ATTRIBUTES.get(element)
        if attributes is None:
            return tag[0]
        start, end = tag.span("attributes")
        text = tag.string
        made = _ATTRIBUTE.sub(lambda one: self._attribute(one, attributes), text[start:end])
        return f"{text[tag.start() : start]}{made}{text[end : tag.end()]}"

    def _attribute(self, one: re.Match[str], wanted: frozenset[str]) -> str:
        if one["name"].lower() not in wanted:
            return one[0]
        value = html.unescape(next(text for text in (one["double"], one["single"], one["bare"]) if text is not None))
        made = self.rewritten(value)
        return one[0] if made == value else f'{one["name"]}{one["is"]}"{html.escape(made)}"'
