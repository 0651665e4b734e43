"""When a code is not sent at once: another proof is asked for, nobody is turned away, whatever the number."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from idp import worker
from idp.abuse import alarms, as_ranges, volume
from idp.contact import fake
from idp.proofing.sources.fake import SandboxRegistry
from idp.proofing.sources.fake_card_status import SandboxCardStatus
from idp.web import hurdle
from tests.fakes import HOUR, MINUTE, NOW, SoftAuthenticator
from tests.idp.web.conftest import build
from tests.idp.web.stage import SECRET, person
from tests.idp.web.visitor import ISSUER, SOMCHAI
from tests.stories.people import numbers

NOBODY = "1999000990017"
CROWD = numbers(9_100_000, 40)


@pytest.fixture
def alarm(site):
    """Somebody guesses at everybody: over the budget of this minute."""

    def over_budget():
        with site.work.sessions.writing() as session:
            for _ in range(alarms.MOST_A_MINUTE + 1):
                alarms.note_wrong(session, now=site.clock.now)

    return over_budget


@pytest.fixture
def small(monkeypatch):
    """A network may ask for four people, and for one more for each who arrived."""
    monkeypatch.setattr(volume, "NETWORK_FLOOR", 4)
    monkeypatch.setattr(volume, "NETWORK_TIMES", 1)


def post(site, number, *, address="198.51.100.7", visitor=None):
    """The page that is shown to whoever posts this number, from this address."""
    came = visitor or site.visitor()
    came.client.environ_base = {**came.client.environ_base, "REMOTE_ADDR": address}
    came.get(site.authorize_url(scope="openid"))
    came.send("login", national_id=number)
    return came


def newest(site):
    worker.run_once(site.work)
    with site.work.sessions.reading() as session:
        found = fake.inbox(session)
    return found[0].text.split()[0] if found else None


@pytest.mark.parametrize("number", [SOMCHAI, NOBODY])
def test_while_everybody_is_guessed_at_a_new_device_is_asked_for_another_proof(site, alarm, number):
    """RELIABILITY 3: a challenge is another proof, never a puzzle; nothing is sent."""
    alarm()

    came = post(site, number)

    assert (came.at.status, came.at.name) == (200, "another_proof")
    assert came.at.attributes["passkey"]["data-passkey"] == "sign-in"
    assert came.at.links["other-way"].endswith("/other-way")
    assert newest(site) is None
    at = came.at.url.removesuffix("/another-proof")
    assert came.get(at + "/code").name == "another_proof"
    assert came.get(at + "/other-way").name == "other_way"


def test_a_known_device_goes_on_with_a_longer_code(site, alarm):
    """Eight digits are a hundred times as many; six are again enough when it is calm."""
    came = post(site, SOMCHAI)
    came.send("code-form", code=newest(site))
    site.clock.tick(HOUR)
    alarm()

    came.client.delete_cookie("yinyom", domain="localhost")
    post(site, SOMCHAI, visitor=came)

    assert came.at.name == "code"
    code = newest(site)
    assert len(code) == 8
    assert came.send("code-form", code=code[:6]).status == 400
    assert came.send("code-form", code=code).name != "code"
    site.clock.tick(HOUR)
    post(site, SOMCHAI)
    assert len(newest(site)) == 6


def test_a_passkey_always_works(site, alarm):
    """ASVS 6.1.1: the path is guarded, never the person."""
    came = post(site, SOMCHAI)
    came.send("code-form", code=newest(site))
    came.get(site.authorize_url())
    came.get(came.at.links["set-passkey"])
    device, at = SoftAuthenticator(origin=ISSUER), came.at.url.removesuffix("/set-up/passkey")
    assert came.passkey(device, "register", at + "/passkey")["status"] == 200
    site.clock.tick(HOUR)
    alarm()

    stranger = post(site, SOMCHAI)
    at = stranger.at.url.removesuffix("/another-proof")
    said = stranger.passkey(device, "sign-in", at + "/passkey")

    assert stranger.at.name == "another_proof"
    assert said["status"] == 200


CARD = {"given_name": "สมชาย", "family_name": "ใจสมมติ", "year": "2522", "month": "4", "day": "13"}


@pytest.fixture
def issuer(site):
    """The sandbox's issuer of cards; Somchai's own card, a wrong one, one that gets no answer."""
    people = SandboxRegistry()
    ports = replace(site.app.extensions["yinyom"].ports, card_status=SandboxCardStatus(people))
    site.app.extensions["yinyom"] = replace(site.app.extensions["yinyom"], ports=ports)
    born = people.people[SOMCHAI].birth_date.split("-")
    year, month, day = int(born[0]) + 543, int(born[1]), int(born[2])
    return CARD | {"year": str(year), "month": str(month), "day": str(day)}


def at_card(site, number=SOMCHAI, **more):
    came = post(site, number, **more)
    came.get(came.at.links["card"])
    return came


def test_whoever_holds_the_card_gets_the_code_that_was_held_back(site, alarm, issuer):
    """RELIABILITY 3: another proof is card data, a second factor, or the counter."""
    alarm()
    came = at_card(site)

    came.send("card-form", **issuer, laser="ZZ0000000001")

    assert came.at.name == "code"
    assert came.send("code-form", code=newest(site)).name != "code"


def test_a_card_that_does_not_match_is_told_the_same_of_every_number_and_three_times_a_day(site, alarm, issuer):
    """Whether there is an account, or such a person at all, is not told; nor are strangers given more tries."""
    alarm()
    shown = {}
    for number in (SOMCHAI, NOBODY):
        came = at_card(site, number)
        seen = [came.send("card-form", **issuer | {"given_name": "ปิติ"}, laser="ZZ0000000001") for _ in range(4)]
        shown[number] = [(page.status, page.name, len(page.html)) for page in seen]

    assert shown[SOMCHAI] == shown[NOBODY]
    assert [status for status, *_ in shown[NOBODY]] == [400, 400, 400, 429]
    assert newest(site) is None


def test_an_issuer_that_does_not_answer_is_said_so_and_costs_no_try(site, alarm, issuer):
    """Nothing is sent without the proof; the other ways stay open."""
    alarm()
    came = at_card(site)
    for _ in range(4):
        came.send("card-form", **issuer, laser="ZZ0000000008")

    assert (came.at.status, came.at.name) == (503, "another_proof_card")
    assert came.send("card-form", **issuer, laser="ZZ0000000001").name == "code"


def test_one_network_asks_the_issuer_ten_times_an_hour(site, alarm, issuer):
    """RELIABILITY 3: 10 look-ups per address and hour."""
    alarm()

    seen = [at_card(site, number).send("card-form", **issuer, laser="ZZ0000000001").status for number in CROWD[:11]]

    assert seen == [400] * 10 + [429]
    assert at_card(site, address="198.51.100.8").send("card-form", **issuer, laser="ZZ0000000001").name == "code"


def test_one_network_asks_the_register_ten_times_an_hour_and_no_page_tells(site):
    """RELIABILITY 3: the eleventh newcomer, a number of nobody and an account see one page; its other ways go on."""
    strict = replace(site.work, settings=site.work.settings.model_copy(update={"sandbox": False}))
    for n, number in enumerate(CROWD[:12]):
        site.registry.people[number] = person(phone=f"010-000-07{n:02}")

    came = [post(site, number) for number in (*CROWD[:12], NOBODY, SOMCHAI)]
    while worker.run_once(strict):
        pass

    assert {(each.at.status, each.at.name, len(each.at.html)) for each in came} == {(200, "code", len(came[0].at.html))}
    with site.work.sessions.reading() as session:
        sent = fake.inbox(session, limit=100)
    assert len(sent) == 11
    assert came[11].get(came[11].at.links["without-sms"]).name == "other_way"


def test_the_card_is_not_asked_for_where_a_code_goes_out_anyway(site, issuer):
    """No page for who does not need it, and none without an issuer."""
    came = post(site, SOMCHAI)

    assert came.get(came.at.url.removesuffix("/code") + "/another-proof/card").name == "code"
    assert issuer


def test_what_cannot_be_sent_is_said_at_its_field(site, alarm, issuer):
    """Nobody is asked about half a form."""
    alarm()
    came = at_card(site)

    page = came.send("card-form", **issuer, laser="12345")

    assert (page.status, page.name) == (400, "another_proof_card")
    assert came.send("card-form", **issuer, laser="ZZ0000000001").name == "code"


def test_a_new_code_is_not_sent_either_when_the_alarm_begins_in_between(site, alarm):
    """Resending is no way around."""
    came = post(site, SOMCHAI)
    newest(site)
    site.clock.tick(2 * MINUTE)
    alarm()

    assert came.send("resend-form").name == "another_proof"


def test_a_browser_that_asks_for_many_people_is_asked_for_another_proof(site):
    """RELIABILITY 3: three in an hour; counted in the database, so that no process sees too few."""
    settings = site.work.settings.model_copy(update={"browser_numbers": 3})
    site.app.extensions["yinyom"] = replace(site.app.extensions["yinyom"], settings=settings)
    came = site.visitor()

    names = [post(site, number, visitor=came).at.name for number in CROWD[:5]]

    assert names == ["code", "code", "code", "another_proof", "another_proof"]
    assert post(site, CROWD[0], visitor=came).at.name == "code"
    site.clock.tick(HOUR)
    assert post(site, CROWD[6], visitor=came).at.name == "code"
    assert post(site, CROWD[7]).at.name == "code"


@pytest.mark.usefixtures("small")
def test_a_network_of_whom_nobody_arrives_is_asked_for_another_proof(site):
    """Another network is not touched, and the same person asked for again is one person."""
    names = [post(site, number).at.name for number in (*CROWD[:4], CROWD[0], CROWD[5])]

    assert names == ["code"] * 5 + ["another_proof"]
    assert post(site, CROWD[6], address="198.51.100.8").at.name == "code"
    site.clock.tick(2 * HOUR)
    assert post(site, CROWD[7]).at.name == "code"


@pytest.mark.usefixtures("small")
def test_each_person_who_arrives_lets_the_network_ask_for_more(site):
    """A workshop is one address, and most of them sign in."""
    came = post(site, SOMCHAI)
    came.send("code-form", code=newest(site))

    names = [post(site, number).at.name for number in CROWD[:5]]

    assert names == ["code"] * 4 + ["another_proof"]


@pytest.mark.usefixtures("small")
def test_a_registered_facility_is_counted_apart(site):
    """A hospital is one address."""
    settings = site.work.settings.model_copy(update={"facility_networks": (ip_network("198.51.100.0/24"),)})
    site.app.extensions["yinyom"] = replace(site.app.extensions["yinyom"], settings=settings)

    assert {post(site, number).at.name for number in CROWD[:8]} == {"code"}


@pytest.fixture
def systems(site, monkeypatch):
    """Two autonomous systems, by a file; each may ask for four people, and for one more for each who arrived."""
    monkeypatch.setattr(volume, "SYSTEM_FLOOR", 4)
    monkeypatch.setattr(volume, "NETWORK_TIMES", 1)
    rows = (
        "198.51.100.0\t198.51.100.255\t64500",
        "2001:db8::\t2001:db8:ffff::\t64500",
        "203.0.113.0\t203.0.113.255\t1",
    )
    site.app.extensions[hurdle.RANGES] = as_ranges.parse(rows)


@pytest.mark.usefixtures("systems")
def test_an_autonomous_system_of_whom_nobody_arrives_is_asked_for_another_proof(site):
    """RELIABILITY 3: an address for each person is no way around; another system is not touched."""
    addresses = [*(f"198.51.100.{n}" for n in range(1, 4)), *(f"2001:db8:{n}::1" for n in range(1, 4))]
    asked = (*CROWD[:4], CROWD[0], CROWD[5])

    names = [post(site, number, address=at).at.name for number, at in zip(asked, addresses, strict=True)]

    assert names == ["code"] * 5 + ["another_proof"]
    assert post(site, CROWD[6], address="203.0.113.9").at.name == "code"
    assert post(site, CROWD[7], address="192.0.2.9").at.name == "code"  # of no system: as without the file
    site.clock.tick(2 * HOUR)
    assert post(site, CROWD[8]).at.name == "code"


@pytest.mark.usefixtures("systems")
def test_each_person_who_arrives_lets_the_whole_system_ask_for_more(site):
    """A carrier is a few systems for everybody: its baseline is who arrives. Whoever is asked for more goes on."""
    came = post(site, SOMCHAI, address="198.51.100.9")
    came.send("code-form", code=newest(site))

    names = [post(site, number, address=f"198.51.100.{n}").at.name for n, number in enumerate(CROWD[:5], 1)]

    assert names == ["code"] * 4 + ["another_proof"]


@pytest.mark.usefixtures("systems")
def test_a_registered_facility_counts_for_no_system(site):
    """A hospital is counted apart, and uses up nobody's share of its carrier."""
    settings = site.work.settings.model_copy(update={"facility_networks": (ip_network("198.51.100.7/32"),)})
    site.app.extensions["yinyom"] = replace(site.app.extensions["yinyom"], settings=settings)

    assert {post(site, number).at.name for number in CROWD[:8]} == {"code"}
    assert {post(site, number, address="198.51.100.8").at.name for number in CROWD[:4]} == {"code"}


def test_without_the_file_nobody_is_counted_by_system(site, monkeypatch):
    """Nothing changes."""
    monkeypatch.setattr(volume, "SYSTEM_FLOOR", 1)

    assert {post(site, number).at.name for number in CROWD[:4]} == {"code"}


@pytest.mark.usefixtures("small")
def test_what_a_header_claims_is_no_address(site):
    """Key by the connection, never by X-Forwarded-For (RELIABILITY 3)."""
    names = []
    for n, number in enumerate(CROWD[:6]):
        came = site.visitor()
        came.client.environ_base = {**came.client.environ_base, "HTTP_X_FORWARDED_FOR": f"203.0.113.{n}"}
        names.append(post(site, number, visitor=came).at.name)

    assert names == ["code"] * 4 + ["another_proof"] * 2


def test_whoever_was_not_sent_there_is_sent_on(site):
    """No dead end for who types the address."""
    came = post(site, SOMCHAI)

    assert came.get(came.at.url.removesuffix("/code") + "/another-proof").name == "code"


@pytest.fixture
def few(settings, sessions, clock, ring):
    """A server that lets a client ask for three tokens a minute."""
    return build(settings.model_copy(update={"token_rate": 3}), sessions, clock, ring)


def test_a_client_that_asks_for_tokens_too_often_waits(few):
    """RFC 6585 section 4: 429 with Retry-After, for this client from this network alone."""
    client = few.app.test_client()

    def ask(name, address="198.51.100.7"):
        asked = {"grant_type": "client_credentials", "client_id": name, "client_secret": "x"}
        return client.post("/oauth/token", data=asked, environ_overrides={"REMOTE_ADDR": address})

    assert [ask("portal").status_code for _ in range(4)] == [401, 401, 401, 429]
    told = ask("portal")
    assert (told.json["error"], told.headers["Cache-Control"]) == ("temporarily_unavailable", "no-store")
    assert 1 <= int(told.headers["Retry-After"]) <= 60
    assert ask("holder").status_code == 401
    assert ask("portal", "198.51.100.8").status_code == 401
    few.clock.tick(2 * MINUTE)
    assert ask("portal").status_code == 401


def test_no_rate_is_no_limit(settings, sessions, clock, ring):
    """A setting of nothing counts nobody out."""
    site = build(settings.model_copy(update={"token_rate": 0}), sessions, clock, ring)
    client = site.app.test_client()
    asked = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "x"}

    assert {client.post("/oauth/token", data=asked).status_code for _ in range(20)} == {401}


def test_the_windows_of_a_server_are_as_its_settings_say(settings):
    """Without Redis each process allows its share; nothing is connected before the first count."""
    alone = hurdle.windows_of(settings.model_copy(update={"workers": 4}))
    shared = hurdle.windows_of(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0", "processes": 8}))

    assert alone.add("n", window=HOUR, now=NOW).share == 4
    assert shared.add("n", window=HOUR, now=NOW).share == 8


def test_one_person_asked_for_too_often_is_asked_for_another_proof_long_after(site, monkeypatch):
    """RELIABILITY 3: the pause grows with each question beyond the limit."""
    monkeypatch.setattr(volume, "PAIR_MOST", 2)
    came = site.visitor()
    names = [post(site, SOMCHAI, visitor=came).at.name for _ in range(13)]
    assert names == ["code"] * 2 + ["another_proof"] * 11

    site.clock.tick(25 * HOUR)  # two windows of 12 hours are over; eleven excesses rest for 31
    assert post(site, SOMCHAI, visitor=came).at.name == "another_proof"
    assert post(site, SOMCHAI, address="203.0.113.9").at.name == "code"
    site.clock.tick(8 * HOUR)
    assert post(site, SOMCHAI, visitor=came).at.name == "code"


def test_a_network_that_types_many_phones_is_asked_for_another_proof(site, monkeypatch):
    """RELIABILITY 3, toll fraud: no network spends what all have together; a facility's is not counted."""
    monkeypatch.setattr(volume, "TYPED_FLOOR", 2)

    def typed(n, address="198.51.100.7"):
        came = post(site, CROWD[n], address=address)
        came.get(came.at.links["other-phone"])
        came.send("phone-form", phone=f"010-000-07{n:02}", of_age="yes")
        return came.at.name

    assert [typed(n) for n in range(4)] == ["code", "code", "another_proof", "another_proof"]
    assert typed(5, address="203.0.113.9") == "code"
    house = site.app.extensions["yinyom"]
    registered = house.settings.model_copy(update={"facility_networks": (ip_network("198.51.100.0/24"),)})
    site.app.extensions["yinyom"] = replace(house, settings=registered)
    assert typed(6) == "code"


def test_questions_and_reports_have_their_rate_too(few):
    """RFC 6585 section 4: whoever floods a person's list, or asks about everybody, waits; other clients do not."""
    client, basic = few.app.test_client(), ("holder", SECRET)
    for path in ("/consent/v1/decide", "/audit/v1/AuditEvent"):
        answers = [client.post(path, json={}, auth=basic) for _ in range(4)]
        assert 429 not in {one.status_code for one in answers[:3]}, [one.status_code for one in answers]
        assert answers[3].status_code == 429
        assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert client.post("/audit/v1/AuditEvent", json={}, auth=basic).json["issue"][0]["code"] == "throttled"
