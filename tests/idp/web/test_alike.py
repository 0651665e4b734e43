"""Asking for another code tells nothing about the number either (DECISIONS 2); the stories compare the other steps."""

import re

from idp import worker
from tests.fakes import MINUTE
from tests.idp.web.visitor import SOMCHAI

NOBODY = "1999000990017"
RANDOM = re.compile(r"[A-Za-z0-9_-]{32,}|[0-9a-f]{16}|\b[A-Z]{4}\b")


def resent(site, number):
    """What a visitor is shown who asks again at once, and again after a while."""
    visitor = site.visitor()
    visitor.get(site.authorize_url(scope="openid"))
    visitor.send("login", national_id=number)
    worker.run_once(site.work)
    shown = []
    for wait in (0, 1, 1, 16):
        site.clock.tick(wait * MINUTE)
        visitor.get(visitor.at.url)
        form = next((name for name, one in visitor.at.forms.items() if one.action.endswith("/resend")), None)
        if form is not None:
            visitor.send(form)
        worker.run_once(site.work)
        page = visitor.at
        text = RANDOM.sub("?", page.html.replace(number, "ID"))
        shown.append((page.status, page.name, form, sorted(page.headers), len(text)))
    return shown


def test_asking_for_another_code_looks_alike_for_somebody_and_for_nobody(site):
    """Status, page, headers and length: at once, in time, too often, and after the pause."""
    assert site.registry.people == {}
    started = site.clock.now

    somebody = resent(site, SOMCHAI)
    site.clock.now = started
    nobody = resent(site, NOBODY)

    assert somebody == nobody
    assert {200, 429} <= {status for status, *_ in somebody}, somebody
