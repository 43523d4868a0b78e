import pytest

from master.apiserver.rest import accept
from master.apiserver.rest.accept import Form
from podlab.errors import NotAcceptable

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("", Form.OBJECT),
        ("*/*", Form.OBJECT),
        ("application/vnd.kubernetes.protobuf,application/json", Form.OBJECT),
        (f"{TABLE},application/json", Form.TABLE),
        (f"{TABLE.replace('v1;', 'v1beta1;')},application/json", Form.OBJECT),
        (f"{TABLE};q=0.1,application/json", Form.OBJECT),
    ],
)
def test_the_first_form_that_we_have_is_taken(header: str, form: Form) -> None:
    assert accept.form(header) is form


@pytest.mark.parametrize("header", ["text/html", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"])
def test_forms_that_we_lack_are_refused(header: str) -> None:
    with pytest.raises(NotAcceptable, match="application/json"):
        accept.form(header)


@pytest.mark.parametrize(
    ("header", "version"),
    [(DISCOVERY, "v2"), (f"application/json,{DISCOVERY}", ""), (DISCOVERY.replace("v=v2", "v=v3"), ""), ("", "")],
)
def test_discovery_is_aggregated_for_those_who_prefer_it(header: str, version: str) -> None:
    assert accept.aggregated_discovery(header) == version
