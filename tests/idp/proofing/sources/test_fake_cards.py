"""The sandbox's reader: everybody's card by its place in the drawer, and no number of a person in a form."""

from datetime import date

import pytest

from idp.ports import CardReader, CardUnreadable, NoReader
from idp.proofing.sources.fake import SandboxRegistry
from idp.proofing.sources.fake_cards import SandboxReader


@pytest.fixture
def reader() -> CardReader:
    """The drawer of the sandbox's own people."""
    return SandboxReader(SandboxRegistry())


def test_every_card_of_the_drawer_can_be_read(reader):
    """The chip says who; the slot's key is no number of anybody."""
    people = list(SandboxRegistry().people)

    read = [reader.read(slot.key).national_id for slot in reader.slots()]

    assert read == people
    assert not any(number in slot.key + slot.label_th + slot.label_en for slot in reader.slots() for number in people)


def test_one_card_has_run_out(reader):
    """A desk must be able to try that too."""
    cards = [reader.read(slot.key) for slot in reader.slots()]

    assert [card.national_id for card in cards if card.expires_on < date(2026, 1, 1)] == ["3999000010043"]


@pytest.mark.parametrize("said", ["", "0", "-1", "21", "99999999999999999999", "๑", "x", "3999000010035", "1.0"])
def test_nothing_else_is_a_card(reader, said):
    """What a browser sends is a stranger's word."""
    with pytest.raises(CardUnreadable):
        reader.read(said)


def test_without_a_reader_there_is_no_card():
    """An installation that connects none opens no visit."""
    assert NoReader().slots() == ()
    with pytest.raises(CardUnreadable):
        NoReader().read("1")


def test_a_card_is_told_by_name_and_year_in_the_calendar_of_its_language():
    """PAGES: Thai pages count in the Buddhist era."""
    somchai = SandboxReader(SandboxRegistry(None)).slots()[0]

    assert (somchai.label_th, somchai.label_en) == ("นาย สมชาย ใจสมมติ · 2522", "Mr. Somchai Jaisommut · 1979")
