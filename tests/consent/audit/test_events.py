"""The closed list of events."""

import pytest

from consent.audit import events
from consent.audit.events import EVENTS, FOR_CITIZENS
from consent.errors import CatalogueFault

HEAD = "\t".join(events.COLUMNS)


def test_every_event_has_a_title_in_both_languages():
    """THAI 1c: what a citizen may see must be readable."""
    for event in EVENTS.values():
        assert any("ก" <= letter <= "๙" for letter in event.title("th"))
        assert event.title("en").isascii()


def test_every_event_is_for_an_auditors_eyes():
    """THAI 1c: auditors see every family."""
    assert all("auditor" in event.seen_by for event in EVENTS.values())


def test_citizens_see_what_was_done_with_their_data_and_not_the_auditors_work():
    """PDPA s.30: the person may know; the log's own searches are for a second auditor."""
    assert {"consent.given", "consent.withdrawn", "disclosure.recorded", "introspect", "userinfo.read"} <= {
        *FOR_CITIZENS
    }
    assert not {"audit.searched", "client.registered", "token.refreshed"} & {*FOR_CITIZENS}


@pytest.mark.parametrize(
    "text",
    [
        "event\tfamily\n",
        f"{HEAD}\na.b\tfamily\tauditor\tก\n",
        f"{HEAD}\na.b\tfamily\tneighbour\tก\tA\n",
        f"{HEAD}\na.b\tfamily\tauditor\t\tA\n",
        f"{HEAD}\na.b\tf\tauditor\tก\tA\na.b\tf\tauditor\tก\tA\n",
    ],
)
def test_a_broken_list_stops_the_start(text):
    """Nothing may be logged under half a definition."""
    with pytest.raises(CatalogueFault):
        events.read(text)
