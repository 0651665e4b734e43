"""The consent page of a village health volunteer: it says one day, and the record ends by then (catalogue rule 5)."""

from datetime import timedelta

from idp.directory.models import LegalEntity
from idp.oauth import clients
from tests.idp.web.stage import CALLBACK, SECRET
from tests.idp.web.test_consent import asking, newest


def test_a_volunteer_is_allowed_for_one_day_and_the_page_says_so(site, visitor):
    """The life that is shown is the life that is recorded, and no year is offered."""
    with site.work.sessions.writing() as session:
        names = {"name_th": "อสม. ตัวอย่าง", "name_en": "Example volunteers"}
        house = LegalEntity(kind="volunteer", controller_contact="v@example.test", dpo_contact="", **names)
        session.add(house)
        session.flush()
        clients.register(
            session,
            client_id="vhv",
            kind="web",
            legal_entity_id=house.id,
            purposes={"SIGNIN": ["openid"], "APPT": ["patient/Appointment.rs"]},
            redirect_uris=[CALLBACK],
            secret=SECRET,
            now=site.clock(),
            **names,
        )
    page = asking(site, visitor, "openid patient/Appointment.rs", lang="en", client_id="vhv")
    tomorrow = (site.clock() + timedelta(days=1, hours=7)).date()  # in Bangkok

    assert f"{tomorrow.day} {tomorrow:%B %Y}" in page.texts["ask-APPT"]
    assert str(tomorrow.year + 1) not in page.texts["ask-APPT"]
    visitor.send("consent-form", "allow", purpose="APPT")
    record = newest(site, "APPT")
    assert record.expires_at - record.given_at == timedelta(days=1)
