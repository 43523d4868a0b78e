from podlab.spans import keys


def test_an_endpoint_is_known_by_namespace_service_and_address() -> None:
    assert keys.endpoint("default", "web", "10.244.0.2") == "default/web:10.244.0.2"
    assert keys.endpoint("default", "web", "") == "default/web:"
