"""The officer's page of data holders: who reports, who fell silent by its own rhythm, who never spoke."""

from idp import silence
from tests.fakes import HOUR
from tests.idp.fhir.reports import HOLDER
from tests.idp.test_silence import hourly
from tests.idp.web.test_rights import as_officer, officer, somchai

__all__ = ["officer", "somchai"]


def rhythm(site, *, until):
    """A month of reports every hour, as the worker has heard them; it is later now."""
    with site.work.sessions.writing() as session:
        hourly(session, days=30, until=until)
        silence.listen(session, now=until)


def row(page):
    """The line of the holder: its state's class is in it."""
    return next(part for part in page.html.split("<tr ") if HOLDER in part)


def test_s30_the_officer_sees_who_fell_silent_and_since_when(site, officer):
    """PDPA s.30: what nobody reports is in nobody's list, so somebody must notice and ask."""
    rhythm(site, until=site.clock())
    page = officer.get("/dpo/holders")
    assert (page.status, page.name) == (200, "dpo_holders")
    assert "holder-speaking" in row(page)
    assert "silent" not in page.attributes
    assert "6 ชั่วโมง" in row(page)

    site.clock.tick(7 * HOUR)
    page = as_officer(site, number="3999000010051", phone="010-000-0051").get("/dpo/holders")

    assert "holder-silent" in row(page)
    assert "silent" in page.attributes


def test_before_anybody_spoke_nobody_is_called_silent(officer):
    """A new holder is listed, and that is all."""
    page = officer.get("/dpo/holders")

    assert "holder-never" in page.html
    assert "silent" not in page.attributes


def test_nobody_but_the_officer_sees_it(somchai):
    """A role of its own (PDPA s.41)."""
    assert somchai.client.get("/dpo/holders").status_code == 303
