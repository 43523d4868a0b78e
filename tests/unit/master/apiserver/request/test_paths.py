from dataclasses import replace

import pytest
from podlab_testing import builtin_kinds

from master.apiserver.request.paths import Place, parse
from podlab.errors import NotFound
from podlab.kinds import builtin


@pytest.mark.parametrize(
    ("path", "kind", "namespace", "name", "subresource"),
    [
        ("/api/v1/pods", "Pod", "", "", ""),
        ("/api/v1/namespaces", "Namespace", "", "", ""),
        ("/api/v1/namespaces/a", "Namespace", "", "a", ""),
        ("/api/v1/namespaces/a/status", "Namespace", "", "a", "status"),
        ("/api/v1/namespaces/a/pods/", "Pod", "a", "", ""),
        ("/api/v1/namespaces/a/pods/b/log", "Pod", "a", "b", "log"),
        ("/apis/apps/v1/namespaces/a/deployments/b/scale", "Deployment", "a", "b", "scale"),
        ("/api/v1/nodes/n/status", "Node", "", "n", "status"),
    ],
)
def test_a_path_names_a_place(path: str, kind: str, namespace: str, name: str, subresource: str) -> None:
    of = builtin_kinds.named(kind)
    place = Place(of, namespace, name, subresource, resource=builtin.catalog().resource(of))
    assert parse(path, builtin.catalog()) == place


PODS, SERVICES = "/api/v1/namespaces/a/pods", "/api/v1/namespaces/a/services"


@pytest.mark.parametrize(
    ("path", "name", "proxied"),
    [
        (f"{PODS}/b/proxy", "b", ""),
        (f"{PODS}/b/proxy/", "b", "/"),
        (f"{PODS}/https:b:443/proxy/c//d/", "https:b:443", "/c//d/"),
        (f"{SERVICES}/b:web/proxy/proxy/proxy", "b:web", "/proxy/proxy"),
        ("/api/v1/nodes/n:80/proxy/namespaces/a/pods", "n:80", "/namespaces/a/pods"),
    ],
)
def test_what_follows_a_proxy_is_somebody_elses_path(path: str, name: str, proxied: str) -> None:
    place = parse(path, builtin.catalog())
    assert (place.name, place.subresource, place.path) == (name, "proxy", proxied)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/pods", "/api/v1/namespaces/a", "/api/v1/namespaces/a/pods/b", "/apis/apps/v1/namespaces/a/deployments"],
)
def test_old_clients_say_in_the_path_that_they_watch(path: str) -> None:
    head, version, rest = path.partition("/v1/")
    assert parse(f"{head}{version}watch/{rest}", builtin.catalog()) == replace(
        parse(path, builtin.catalog()), watched=True
    )


@pytest.mark.parametrize(
    "path",
    [
        "/", "/api", "/api/v2/pods", "/apis/apps/v1", "/apis/apps/v1/pods", "/api/v1/namespaces/a/nodes",
        "/api/v1/namespaces/a/pods/b/log/c", "/api/v1/pods/b", "/api/v1/namespaces//pods", "/api/v1/watch",
        "/api/v1/namespaces/a/configmaps/b/scale", "/api/v1/watch/namespaces/a/pods/b/log",
        "/apis/metrics.k8s.io/v1beta1/watch/nodes", f"{PODS}//proxy/x", "/api/v1/namespaces//pods/b/proxy/x",
        "/api/v1/configmaps/b/proxy/x", f"{PODS}/b//proxy", "/api/v1/pods/b/proxy/x",
        "/apis/authorization.k8s.io/v1/watch/subjectaccessreviews",
    ],
)  # fmt: skip
def test_other_paths_are_not_found(path: str) -> None:
    with pytest.raises(NotFound, match="could not find the requested resource"):
        parse(path, builtin.catalog())
