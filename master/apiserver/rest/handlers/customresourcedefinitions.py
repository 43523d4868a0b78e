"""Kinds of one's own: there are none, and their list says so.

kubectl looks through that list before it tells that a kind is unknown, and fails where there is no list.
"""

from __future__ import annotations

from aiohttp import web

from master.apiserver.rest.content import negotiation, responses

_API_VERSION = "apiextensions.k8s.io/v1"
PATH = f"/apis/{_API_VERSION}/customresourcedefinitions"


def listed(request: web.BaseRequest) -> web.Response:
    """The list. Raises NotAcceptable."""
    negotiation.form(request.headers.get("Accept", ""), negotiation.PLAIN)
    return responses.items("CustomResourceDefinitionList", _API_VERSION, {"resourceVersion": "1"}, [])
