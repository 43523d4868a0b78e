"""The page of a placement."""

from datetime import UTC, datetime
from html.parser import HTMLParser

from podlab.cli.scheduling.page import page
from podlab.v1.scheduler_pb2 import Explanation

NOW = datetime(2030, 1, 1, tzinfo=UTC)
VOID = {"meta", "input"}


class Reader(HTMLParser):
    """Tags are closed in order; cells are counted by row."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[int] = []
        self.text = ""
        self.picks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name in ("src", "href") for name, _ in attrs), "nothing comes from elsewhere"
        self.picks += [value or "" for name, value in attrs if name == "data-words"]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_shows_every_node() -> None:
    told = Explanation(
        namespace="default",
        name="web",
        node_name="n1",
        filters=["NodeName", "<Mine>"],
        scores=[{"name": "A", "weight": 2}, {"name": "B", "weight": 1}],
        nodes=[
            {"node_name": "n1", "raw": [1, 2], "normalized": [50, 100], "total": 200},
            {"node_name": "n2", "refused_by": 1, "reasons": ["<b>no</b>"]},
        ],
    )
    reader = Reader()
    reader.feed(page(told, NOW))
    assert reader.open == []
    assert reader.rows[-3:] == [5, 5, 5]
    assert "<Mine>: <b>no</b>" in reader.text


def test_a_reason_picks_the_nodes_that_gave_it() -> None:
    told = Explanation(
        namespace="default",
        name="web",
        filters=["NodePorts", "NodeName"],
        nodes=[
            {"node_name": "n1", "refused_by": 0, "reasons": ['no "free" ports']},
            {"node_name": "n2", "refused_by": 1, "reasons": ["another name"]},
        ],
    )
    reader = Reader()
    reader.feed(page(told, NOW))
    assert reader.picks == ["NodeName: another name", 'NodePorts: no "free" ports']
    assert all(words in reader.text for words in reader.picks)


def test_nodes_that_are_as_good_as_the_chosen_one_are_marked() -> None:
    nodes = [{"node_name": name, "total": 7} for name in ("n1", "n2")]
    told = Explanation(namespace="default", name="web", node_name="n2", tied=["n1", "n2"], nodes=nodes)
    reader = Reader()
    reader.feed(page(told, NOW))
    assert "fits, as good" in reader.text
