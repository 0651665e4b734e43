"""The shipped catalogue, proved by its own checker and read without loss."""

from datetime import timedelta
from pathlib import Path

import pytest

import consent
from consent import purposes, rows
from consent.errors import CatalogueFault, NotAllowed, NotFound
from tests.consent import catalogue_check

FOLDER = Path(consent.__file__).parent / "catalogue"
PURPOSES = (FOLDER / "purposes.tsv").read_text(encoding="utf-8")
CATEGORIES = (FOLDER / "data_categories.tsv").read_text(encoding="utf-8")


def test_the_shipped_catalogue_has_no_fault(capsys, monkeypatch):
    """consent/catalogue/README.md: `check.py` proves both tables."""
    monkeypatch.setattr(catalogue_check, "faults", [])

    assert catalogue_check.main(FOLDER) == 0, capsys.readouterr().out


def test_the_checker_sees_a_fault(tmp_path, monkeypatch, capsys):
    """A checker that never fails proves nothing."""
    monkeypatch.setattr(catalogue_check, "faults", [])
    (tmp_path / "purposes.tsv").write_text(PURPOSES.replace("\tC26\t-\tY\t", "\tC26\t-\tN\t"), encoding="utf-8")
    (tmp_path / "data_categories.tsv").write_text(CATEGORIES, encoding="utf-8")

    assert catalogue_check.main(tmp_path) == 1
    assert "explicit is Y exactly when basis is C26" in capsys.readouterr().out


def test_every_row_is_read():
    """One purpose per line, in the order of the table."""
    lines = PURPOSES.splitlines()[1:]

    assert [row.code for row in purposes.all()] == [line.split("\t")[0] for line in lines]


def test_a_row_is_read_cell_by_cell():
    """The columns of the catalogue's README, on one row that uses most of them."""
    row = purposes.get("EHR-SHARE")

    assert row.kind is purposes.Kind.CITIZEN_CONSENT
    assert row.asks
    assert row.scopes[0] == "patient/Encounter.rs"
    assert row.staff_scopes[-1] == "user/AllergyIntolerance.rs"
    assert row.system_scopes == ()
    assert row.basis_when == (("same_controller", "TREAT"),)
    assert (row.max_life, row.default_life) == (timedelta(days=365), timedelta(hours=24))
    assert (row.max_uses, row.ends_on, row.per_visit) == (None, "visit", True)
    assert (row.citizen_ial, row.citizen_aal, row.staff_ial, row.staff_aal) == ("1.3", "2.1", "2.1", "2.2")
    assert (row.witnessed_at_counter, row.offline_s, row.refresh) == (True, 60, True)
    assert "EHR-SENS" in row.never_with
    assert row.name.in_("th") == "ให้ที่นี่ดูประวัติจากที่อื่น"
    assert row.name.in_("en") == "Share history with a facility"
    assert row.name.in_("lo") == row.name.th
    assert purposes.get("NOTIFY").cross_border
    assert purposes.get("PID").max_uses == 1


def test_what_does_not_exist_is_not_found():
    """Unknown codes are refused the same way everywhere."""
    with pytest.raises(NotFound):
        purposes.get("NOPE")
    with pytest.raises(NotFound):
        purposes.category("nope")
    assert purposes.category("diagnoses").s26


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SIGNIN\tlawful_notice", "SIGNIN\tperhaps"),
        ("\tP90D\tPT12H\t", "\tP90D\t12H\t"),
        ("own_app=PUB", "some_app=PUB"),
        ("CONTACT\t", "SIGNIN\t"),
        ("openid profile", "openid profil"),
        ("pairwise_id name", "pairwise_id nickname"),
        ("\tunverified\n", "\n"),
        ("code\tkind", "code\tsort"),
    ],
)
def test_a_broken_catalogue_stops_the_start(old, new):
    """Nobody is asked for a consent by half a row."""
    with pytest.raises(CatalogueFault):
        rows.read(PURPOSES.replace(old, new, 1), CATEGORIES)


@pytest.mark.parametrize(
    ("code", "wanted", "given"),
    [
        ("SIGNIN", None, timedelta(hours=12)),
        ("EHR-SHARE", None, timedelta(hours=24)),
        ("EHR-SHARE", timedelta(days=7), timedelta(days=7)),
        ("EHR-SHARE", timedelta(days=4000), timedelta(days=365)),
    ],
)
def test_an_answer_lives_as_long_as_chosen_up_to_the_ceiling(code, wanted, given):
    """Catalogue rule 6."""
    assert purposes.get(code).life(wanted) == given


@pytest.mark.parametrize(
    ("code", "wanted"), [("SIGNIN", timedelta(0)), ("SIGNIN", -timedelta(days=1)), ("DIRECTORY", None)]
)
def test_an_answer_cannot_end_before_it_begins(code, wanted):
    """Catalogue rule 6; public rows have no life to give."""
    with pytest.raises(NotAllowed) as refusal:
        purposes.get(code).life(wanted)
    assert refusal.value.code == "life"
