import pytest

from master.apiserver.rest.content import negotiation
from master.apiserver.rest.content.negotiation import Representation
from podlab.errors import NotAcceptable

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("", Representation.OBJECT),
        ("*/*", Representation.OBJECT),
        ("application/vnd.kubernetes.protobuf,application/json", Representation.OBJECT),
        (f"{TABLE},application/json", Representation.TABLE),
        (f"{TABLE.replace('v1;', 'v1beta1;')},application/json", Representation.OBJECT),
        (f"{TABLE};q=0.1,application/json", Representation.OBJECT),
        (METADATA, Representation.METADATA),
        ("application/yaml", Representation.OBJECT),
        (
            f"application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{METADATA}",
            Representation.METADATA,
        ),
        (METADATA.replace("Metadata;", "MetadataList;") + ",*/*", Representation.OBJECT),
    ],
)
def test_the_first_form_that_we_have_is_taken(header: str, form: Representation) -> None:
    assert negotiation.accepted(header, protobuf=False).form is form


@pytest.mark.parametrize("header", ["text/html", METADATA.replace("Metadata;", "MetadataList;"), "a/b;as=Table"])
def test_forms_that_we_lack_are_refused(header: str) -> None:
    with pytest.raises(NotAcceptable, match="application/json"):
        negotiation.accepted(header)


def test_lists_have_forms_of_their_own_and_streams_are_no_yaml() -> None:
    assert (
        negotiation.accepted(METADATA.replace("Metadata;", "MetadataList;"), negotiation.OF_LIST).form
        is Representation.METADATA_LIST
    )
    for header, known, streamed in (
        (METADATA, negotiation.OF_LIST, False),
        ("application/yaml", negotiation.OF_OBJECT, True),
    ):
        with pytest.raises(NotAcceptable):
            negotiation.accepted(header, known, streamed=streamed)


@pytest.mark.parametrize(
    ("header", "yaml"),
    [
        ("application/yaml", True), ("application/json, application/yaml", False), ("*/*", False), ("", False),
        ("text/html,application/yaml", True), ("application/json;q=0.5,application/yaml", True),
    ],
)  # fmt: skip
def test_yaml_is_for_those_who_prefer_it(header: str, yaml: bool) -> None:
    assert negotiation.prefers_yaml(header) is yaml


@pytest.mark.parametrize(
    ("header", "version"),
    [(DISCOVERY, "v2"), (f"application/json,{DISCOVERY}", ""), (DISCOVERY.replace("v=v2", "v=v3"), ""), ("", "")],
)
def test_discovery_is_aggregated_for_those_who_prefer_it(header: str, version: str) -> None:
    assert negotiation.aggregated_discovery(header) == version
