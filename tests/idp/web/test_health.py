"""/livez, /readyz and /metrics: what machines ask, and who may."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError

from idp.db import Sessions, translated
from tests.fakes import NOW

TOKEN = "t" * 32


def get(site, path, **headers):
    return site.app.test_client().get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
def down(monkeypatch):
    """The database is gone."""

    @contextmanager
    def broken(_sessions):
        with translated():
            raise OperationalError("x", {}, Exception("secret text"))
        yield

    monkeypatch.setattr(Sessions, "reading", broken)
    monkeypatch.setattr(Sessions, "writing", broken)


def test_a_ready_node_says_so(site, monkeypatch):
    """200 and no reasons."""
    monkeypatch.setattr("idp.vitals.clock_skew", lambda *_, **__: NOW - NOW)
    answer = get(site, "/readyz")
    assert (answer.status_code, answer.json) == (200, {"ready": True, "reasons": []})


def test_an_unready_node_says_why_in_short_codes(site, down):  # noqa: ARG001
    """No driver text, no address; alive all the same."""
    answer = get(site, "/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "reasons": ["database"]})
    assert get(site, "/livez").status_code == 200


def test_under_an_issuers_path_they_stand_at_the_root(secure_site):
    """Probes do not know the issuer."""
    assert get(secure_site, "/livez").status_code == 200
    assert get(secure_site, "/readyz").status_code in (200, 503)
    assert get(secure_site, "/metrics").status_code == 200


def test_metrics_count_requests_and_events(site, visitor):
    """Routes by rule; events by their audit name; gauges from the database."""
    visitor.get("/me")
    visitor.sign_in()

    told = get(site, "/metrics")

    assert told.content_type.startswith("text/plain; version=0.0.4")
    assert 'yinyom_requests_total{route="/interaction/<' in told.text
    assert 'yinyom_events_total{event="' in told.text
    assert "yinyom_database_up 1" in told.text
    assert "yinyom_letters_queued" in told.text
    assert 'yinyom_signing_key_age_seconds{alg="ES256",use="access_token"}' in told.text


def test_metrics_name_nobody(site, visitor, sessions):
    """No personal data: no id of a person, session or request stands in a label."""
    visitor.get("/me")
    visitor.sign_in()
    text = get(site, "/metrics").text
    assert str(site.citizen) not in text
    assert "3999000010035" not in text
    with sessions.reading():
        assert str(site.hospital) not in text


def test_metrics_go_on_while_the_database_is_down(site, down):  # noqa: ARG001
    """The counters are what one needs then."""
    text = get(site, "/metrics").text
    assert "yinyom_database_up 0" in text
    assert "yinyom_requests_total" in text


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "X_Real_IP", "Via"])
def test_metrics_are_not_for_whom_a_proxy_speaks(site, header):
    """A proxy on this machine must not open them to the world; there is nothing there."""
    assert get(site, "/metrics", **{header: "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.1", "", "unix:"])
def test_metrics_are_not_for_other_machines(site, address):
    """Loopback only."""
    answer = site.app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 404


def test_with_a_token_file_the_token_alone_opens(site, tmp_path, monkeypatch):
    """From anywhere with it, from nowhere without."""
    (tmp_path / "metrics").write_text(TOKEN + "\n")
    settings = site.work.settings.model_copy(update={"metrics_token_file": tmp_path / "metrics"})
    monkeypatch.setitem(site.app.extensions, "yinyom", replace(site.app.extensions["yinyom"], settings=settings))

    assert get(site, "/metrics").status_code == 404
    assert get(site, "/metrics", Authorization=f"Bearer {TOKEN}x").status_code == 404
    assert get(site, "/metrics", Authorization="Bearer ").status_code == 404
    assert get(site, "/metrics", Authorization=f"Bearer {TOKEN}").status_code == 200
