"""The records of processing come from what is registered."""

from dataclasses import replace

from consent import purposes
from consent.purposes import Bilingual, Kind
from consent.rights import ropa
from consent.rights.retention import RULES
from consent.rights.ropa import Service

HOSPITAL = Service(
    client_id="portal",
    name=Bilingual("พอร์ทัล", "Portal"),
    controller=Bilingual("โรงพยาบาล", "Hospital"),
    controller_kind="hospital",
    own_app=False,
    contact="c@example.test",
    dpo_contact="dpo@example.test",
    agreement="DPA-7/2569",
    purposes={"SIGNIN": ("openid",), "EHR-SHARE": ("patient/Encounter.rs",)},
)


def test_s39_every_purpose_of_every_service_is_a_line_with_what_the_law_wants():
    """PDPA s.39: data, purpose, controller, retention, rights, use without consent, refusals, security."""
    service = replace(HOSPITAL, purposes={purpose.code: () for purpose in purposes.all()})

    lines = ropa.lines([service])
    rows = ropa.table(lines, refusals={("access", "another_law"): 2}, locale="th")

    assert [line.purpose for line in lines] == [purpose.code for purpose in purposes.all()]
    for row in rows:
        told = dict(zip(ropa.COLUMNS, row, strict=True))
        for column in ("controller", "contact", "dpo_contact", "purpose", "title", "basis", "rights", "security"):
            assert told[column], column
        assert told["refused_requests"] == "access:another_law=2"
        assert told["evidence_days"] != "-" or purposes.get(told["purpose"]).evidence_kept is None


def test_s39_a_use_without_consent_is_marked():
    """PDPA s.27, s.39(6): what rests on a law, not on a yes; the person's own rights are neither."""
    service = replace(HOSPITAL, purposes={purpose.code: () for purpose in purposes.all()})
    for line in ropa.lines([service]):
        kind = purposes.get(line.purpose).kind
        if kind in (Kind.RIGHT, Kind.PUBLIC):
            assert not line.without_consent
        else:
            assert line.without_consent == (line.basis not in ("C19", "C26")), line.purpose


def test_the_basis_is_that_of_this_controller():
    """Catalogue rule 3: conditions of the row, as the server itself decides."""
    for own in (True, False):
        (line,) = ropa.lines([replace(HOSPITAL, own_app=own, purposes={"SIGNIN": ()})])
        assert line.basis == ("PUB" if own else "CON")


def test_a_suspended_service_stays_in_the_records_and_says_so():
    """What was processed does not vanish with the client."""
    lines = ropa.lines([replace(HOSPITAL, active=False)])
    rows = [dict(zip(ropa.COLUMNS, row, strict=True)) for row in ropa.table(lines, refusals={}, locale="en")]
    assert {row["registered"] for row in rows} == {"suspended"}


def test_s39_s41_the_agreement_and_the_officer_of_each_controller_are_in_the_records():
    """PDPA s.39, s.40, s.41: contract and officer; none on file shows as a dash."""
    for agreement, shown in (("DPA-7/2569", "DPA-7/2569"), ("", "-")):
        lines = ropa.lines([replace(HOSPITAL, agreement=agreement)])
        rows = [dict(zip(ropa.COLUMNS, row, strict=True)) for row in ropa.table(lines, refusals={}, locale="en")]
        assert {(row["agreement"], row["dpo_contact"]) for row in rows} == {(shown, "dpo@example.test")}


def test_no_cell_is_a_formula():
    """OWASP: CSV injection; names of services come from their registration."""
    evil = replace(HOSPITAL, name=Bilingual("=HYPERLINK(1)", "@x"), contact="+66 1")
    for locale in ("th", "en"):
        for row in ropa.table(ropa.lines([evil]), refusals={}, locale=locale):
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@")) and len(cell) > 1]


def test_our_own_keeping_is_in_the_records_as_the_worker_obeys_it():
    """One table for the worker, the notice and the records."""
    assert [row[0] for row in ropa.own_table(locale="th")] == [rule.code for rule in RULES]
