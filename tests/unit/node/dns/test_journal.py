import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.dns import journal
from node.dns.record import Record

NAMES = st.sampled_from(["a", "b.c", "d"])
RECORDS = st.frozensets(st.sampled_from([Record("A", "10.0.0.1"), Record("TXT", "x"), Record("A", "10.0.0.2")]))


def test_a_line_has_the_name_and_all_of_its_records_in_wire_form() -> None:
    assert journal.line("a", [Record("TXT", "x"), Record("A", "10.0.0.1")]) == "+ 016100 1:0a000001 16:0178"
    assert journal.line("a", []) == "+ 016100"
    assert journal.line("a", None) == "- 016100"


def test_the_configuration_names_zones_and_whom_to_ask() -> None:
    text = journal.config(["a"], Record("SOA", "b c 1 2 3 4 5"), "p.a", {".": ["192.0.2.1@53"], "d": [], "e": ["x@1"]})
    soa = "016200016300" + "".join(f"0000000{n}" for n in range(1, 6))
    assert text.splitlines() == [
        f"zone 016100 {soa}",
        "pods 0170016100",
        "forward 00 192.0.2.1@53",
        "forward 016500 x@1",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@ x",
        "+ 016100\n",
        "@ x\n+ 016100\n+ 016200",
        "@ x\n+ 016100 1:0a60+ 016200 1:0a600002\n",
        "@ x\n+ 01610\n",
        "@ x\n+\n",
        "@ x\n\0\0\0\n+ 016100\n",
    ],
)
def test_of_a_file_with_half_a_line_nothing_is_believed(text: str) -> None:
    with pytest.raises(journal.Damaged):
        journal.replay(text)


@given(st.lists(st.tuples(NAMES, st.none() | RECORDS)), st.dictionaries(NAMES, RECORDS))
def test_the_difference_makes_of_any_file_what_is_wanted(
    written: list[tuple[str, frozenset[Record] | None]], wanted: dict[str, frozenset[Record]]
) -> None:
    text = "@ x\n" + "".join(f"{journal.line(name, records)}\n" for name, records in written)
    lines = {each.split(" ")[1]: each for each in (journal.line(name, records) for name, records in wanted.items())}
    more = list(journal.difference(journal.replay(text), lines))
    assert journal.replay(text + "".join(f"{each}\n" for each in more)) == lines
    assert list(journal.difference(lines, lines)) == []
