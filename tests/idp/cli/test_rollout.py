"""`idp rollout`: provinces are opened and closed by an operator, now or from a day on."""

import pytest


def lines(idp):
    told = idp("rollout", "list")
    assert told.exit_code == 0, told.output
    rows = [line.split("\t") for line in told.output.splitlines() if "\t" in line]
    return {row[0]: row for row in rows}


def test_all_provinces_are_open_until_somebody_says_otherwise(with_hospital):
    """The hospital of the tests is in Phrae."""
    listed = lines(with_hospital)

    assert len(listed) == 77
    assert {row[2] for row in listed.values()} == {"open"}
    assert listed["54"] == ["54", "1", "open", "-", "-", "1", "Phrae", "แพร่"]


def test_a_province_is_closed_and_opened_again(with_hospital):
    """At once, by any of its names."""
    assert "1 province closed from" in with_hospital("rollout", "close", "แพร่").output
    assert lines(with_hospital)["54"][2] == "closed"
    assert lines(with_hospital)["55"][2] == "open"

    assert "1 province open from" in with_hospital("rollout", "open", "Phrae").output
    assert lines(with_hospital)["54"][2] == "open"


def test_a_whole_zone_begins_on_a_day_in_bangkok(with_hospital):
    """THAI 1a row 4: zones join after the pilot provinces."""
    with_hospital("rollout", "close", "all")

    said = with_hospital("rollout", "open", "zone:1", "แพร่", "45", "--from", "2099-01-07")

    assert said.output == "9 provinces open from 2099-01-07 00:00 on.\n"
    assert lines(with_hospital)["54"][2:5:2] == ["closed", "2099-01-07 00:00"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("open", "Atlantis"), "no province or zone Atlantis"),
        (("close", "แพร่", "zone:99"), "no province or zone zone:99"),
        (("open", "แพร่", "--from", "2020-01-01"), "has begun already"),
        (("open",), "PROVINCE"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence_and_nothing_is_written(with_hospital, asked, words):
    """What was is not rewritten."""
    said = with_hospital("rollout", *asked)

    assert said.exit_code != 0
    assert words in said.output
    assert {row[3] for row in lines(with_hospital).values()} == {"-"}


def test_a_facility_in_no_province_is_named(with_hospital):
    """The roll-out cannot reach it, so somebody should know."""
    names = ("--name-th", "ข", "--name-en", "b", "--kind", "hospital", "--hcode", "99124", "--province", "Atlantis")
    contacts = ("--controller-contact", "c", "--dpo-contact", "d", "--licence-until", "2099-12-31")
    assert with_hospital("entity", "add", *names, *contacts).exit_code == 0

    assert "99124" in with_hospital("rollout", "list").stderr
