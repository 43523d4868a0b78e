"""Kinds of one's own: there are none, and their list says so.

kubectl looks through that list before it tells that a kind is unknown, and fails where there is no list.
"""

from __future__ import annotations

from aiohttp import web

from master.apiserver.rest import accept, answers

_API_VERSION = "apiextensions.k8s.io/v1"
PATH = f"/apis/{_API_VERSION}/customresourcedefinitions"


def listed(request: web.BaseRequest) -> web.Response:
    """The list. Raises NotAcceptable."""
    accept.form(request.headers.get("Accept", ""), accept.PLAIN)
    return answers.items("CustomResourceDefinitionList", _API_VERSION, {"resourceVersion": "1"}, [])
