"""A whole story, and then everything that it left behind, searched without the key file (issue 3, "It holds").

Left out by name, each because it is the sandbox's stand-in for somebody else's system:
`people.tsv` is the population registry; `tour.json` and the start page name the people to try; the inbox stands for
their phones (its table is searched all the same: it masks the phone and holds no name). What a signed-in person's own
page shows them, and what a token lets a service fetch, is the purpose of the server and not searched.
"""

import base64
import json
import os
import subprocess
import sys

import httpx
from sqlalchemy import inspect, select, text

from consent.db import SealedBytes
from idp.migrations.models import metadata
from tests import leaks
from tests.stories.test_counter import launched, opened
from tests.stories.waiting import eventually
from tests.stories.wire import Wire
from tests.stories.world import ROOT

MANEE, AMINAH, SOMCHAI, WEERA = "2999000010053", "1999000010152", "3999000010043", "1999000010080"
PATIENT = "8999000010125"  # whose only ways are those of this story: Manee also works at the counter, with a passkey
DECEASED = "1999000010161"
STAND_INS = {"people.tsv", "tour.json"}
FULL = "openid profile email phone address offline_access"
DASHED = "2-9990-00010-05-3"


def test_nothing_that_a_story_leaves_behind_names_anybody(live):
    """Issue 3: 0 IDs, names, phones, e-mails, addresses, birth dates; in clear, encoded, hashed without key."""
    wire = Wire(back_to=live.world.callback)
    texts = tell(live, wire)
    searched = tables(live) | operators_files(live) | files_of(live)
    searched["addresses, headers, cookies"] = "\n".join(wire.lines).encode()
    searched |= {f"text {number}": text.encode() for number, text in enumerate(texts)}
    searcher = leaks.Searcher(people(live))

    found = {place: sorted(said)[:5] for place, data in searched.items() if (said := searcher.found(data))}

    assert found == {}
    assert {"table letter", "table audit_entry", "web.log", "log.export"} <= {name.split("/")[-1] for name in searched}
    assert len(searched["addresses, headers, cookies"]) > 10_000


def test_equal_values_are_never_sealed_equally(live):
    """DECISIONS 6: a copy of the database does not even say who shares a name or an address; these two share both."""
    for person in (live.citizen(), live.citizen()):
        person.open("/me/consents")
    sealed = [value for column in sealed_columns() for value in column_of(live, column) if value]  # empty: let go

    assert len(sealed) > 100
    assert len(set(sealed)) == len(sealed)


def test_the_length_of_what_is_sealed_singles_nobody_out(live):
    """DECISIONS 6: each value of a person is as long as everybody's, from a name of four letters to an address."""
    people_s = [column for column in sealed_columns() if column.table.name in ("subject", "national_id")]

    lengths = {str(column): {len(value) for value in column_of(live, column)} for column in people_s}

    assert {name: sizes for name, sizes in lengths.items() if len(sizes) != 1} == {}


# --- the story ------------------------------------------------------------------------------------------------------


def tell(live, wire):
    """All of it; the texts that somebody else may read come back, to be searched as well."""
    manee, tokens = consents_and_withdraws(live, wire)
    others_sign_in(live, wire)
    numbers_that_lead_nowhere(live, wire)
    at_the_counter(live, wire)
    bad_input(live, wire)
    spoken = [json.dumps(tokens["introspected"]), payload(tokens["access_token"]), tokens["refresh_token"]]
    return spoken + receipts_of(live, manee) + staff_at_work(live, wire)


def consents_and_withdraws(live, wire):
    """PIN; every claim; fetch, UserInfo, introspection, refresh; the portal; withdrawal and its letters."""
    manee, service = citizen(live, wire, PATIENT), live.service(scope=f"{FULL} {live.service().scope}")
    wire.record(service.http)
    asked = service.ask()
    page = manee.walk(manee.browser.get(asked.url), until="code")
    for _ in range(2):
        page = manee.browser.submit(page, "code-form", code="000000")
    page = manee.browser.submit(page, "code-form", code=live.code_for(manee, page))
    tokens = service.tokens(manee.walk(page), asked)
    assert service.userinfo(tokens["access_token"]).json()["phone_number"].startswith("+66")
    tokens["introspected"] = service.introspect(tokens["access_token"])
    assert live.records(tokens["access_token"]).status_code == 200
    assert service.refresh(tokens["refresh_token"]).status_code == 200
    manee.browser.stops = ()
    page = manee.walk(manee.browser.get(live.portal + "/sign-in"))
    manee.browser.submit(page, next(name for name, form in page.forms.items() if form.action.endswith("/history")))
    for path in ("/me", "/me/access", "/me/security"):
        assert manee.browser.get(live.issuer + path).status == 200
    done = live.withdraw(manee, "EHR-SHARE")
    eventually(lambda: "รับทราบ" in manee.browser.get(done.url).text or None, "the portal never acknowledged")
    return manee, tokens


def others_sign_in(live, wire):
    """A code app and a refusal, a passkey, and a newcomer whom only the registry knew."""
    aminah = citizen(live, wire, AMINAH, way="totp", otherwise=False)
    aminah.walk(aminah.browser.get(live.service().ask().url))
    aminah.connect_app()
    assert len(aminah.print_codes()) == 10
    somchai = citizen(live, wire, SOMCHAI, way="passkey")
    somchai.walk(somchai.browser.get(live.service().ask().url))
    assert somchai.open("/me/security").name == "me_security"
    weera = citizen(live, wire, WEERA)
    service = live.service(scope="openid profile")
    asked = service.ask()
    assert service.tokens(weera.walk(weera.browser.get(asked.url)), asked)["id_token"]


def numbers_that_lead_nowhere(live, wire):
    """Nobody's number, a dead man's, and wrong codes for both."""
    for number in (live.nobody(), DECEASED):
        someone = citizen(live, wire, number)
        page = someone.walk(someone.browser.get(live.service().ask().url), until="code")
        for _ in range(3):
            page = someone.browser.submit(page, "code-form", code="123456")
        assert someone.browser.submit(page, "resend-form" if "resend-form" in page.forms else "code-form").status < 500


def at_the_counter(live, wire):
    """A card is read, a visit opens, and the doctor's application fetches for it."""
    clerk, doctor = live.staff("clerk"), live.staff("doctor")
    for person in (clerk, doctor):
        wire.record(person.browser.http)
    visit = opened(live, clerk, AMINAH)
    assert visit.name == "desk_visit"
    assert launched(live, doctor, visit.url).status == 200


def bad_input(live, wire):
    """A national ID, a phone and a name where none belongs. What the test itself wrote is not recorded."""
    careless = live.citizen()
    browser, service = wire.record(careless.browser.http, asked=False), live.service()
    odd = {
        "state": MANEE,
        "nonce": MANEE,
        "login_hint": MANEE,
        "ui_locales": "th",
        "acr_values": MANEE,
        "extra": DASHED,
    }
    page = careless.walk(careless.browser.get(service.ask(**odd).url))
    assert page.status == 0
    for name in ("client_id", "redirect_uri", "scope", "response_type", "prompt", "max_age", "resource", "claims"):
        browser.get(service.ask(**{name: f"{MANEE} สมชาย"}).url)
    for path in (f"/me?number={MANEE}", f"/me/consents/{MANEE}", f"/{MANEE}", f"/sign-in?next=/me?number={MANEE}"):
        browser.get(live.issuer + path, headers={"Referer": f"{live.issuer}/{MANEE}", "User-Agent": f"Mozilla {MANEE}"})
        httpx.get(live.issuer + path, cookies={"yinyom": MANEE, "yinyom-browser": DASHED, "yinyom-lang": MANEE})
    browser.post(f"{live.issuer}/oauth/authorize", data={"national_id": MANEE, "login_hint": MANEE})
    for endpoint in ("token", "introspect", "revoke"):
        fields = {"grant_type": MANEE, "client_id": MANEE, "username": "สมชาย ใจสมมติ", "token": MANEE, "code": MANEE}
        browser.post(f"{live.issuer}/oauth/{endpoint}", data=fields)
        browser.post(f"{live.issuer}/oauth/{endpoint}", data={"token": MANEE}, auth=(MANEE, "010-000-0053"))
        service.post(endpoint, {"grant_type": "refresh_token", "refresh_token": MANEE, "token": MANEE, "scope": MANEE})
    browser.get(f"{live.issuer}/oauth/userinfo", headers={"Authorization": f"Bearer {MANEE}"})
    browser.get(f"{live.issuer}/verify?receipt={MANEE}&code={MANEE}")
    httpx.get(f"{live.portal}/callback?code={MANEE}&state={MANEE}&iss={MANEE}")
    httpx.get(f"{live.world.holder}/fhir/Condition?patient={MANEE}", headers={"Authorization": f"Bearer {MANEE}"})


def receipts_of(live, manee):
    """The person's receipts as they may hand them on, and what a stranger sees who checks one."""
    records = {
        url.split("/")[5].split("?")[0] for url in (page.url for page in manee.browser.seen) if "/consents/" in url
    }
    given = [f"{live.issuer}/me/consents/{record}/receipt" for record in sorted(records)]
    texts = [manee.browser.http.get(url + ending).text for url in given for ending in ("", ".json", ".jws")]
    signed = next(text for text in texts if text.startswith("ey"))
    stranger = live.citizen()
    page = stranger.browser.get(f"{live.issuer}/verify")
    form = next(name for name, one in page.forms.items() if "jws" in one.inputs)
    answer = stranger.browser.submit(page, form, jws=signed)
    assert answer.status == 200
    return [*texts, *(payload(text) for text in texts if text.startswith("ey")), answer.html]


def staff_at_work(live, wire):
    """The auditor signs in, searches and reads; what their pages show is for people who may know no names."""
    auditor = live.auditor()
    wire.record(auditor.browser.http)
    form = auditor.browser.get(f"{live.issuer}/audit")
    refused = auditor.browser.submit(form, "audit-form", "search", reason=f"who is {DASHED}")
    found = auditor.browser.submit(form, "audit-form", "search", reason="ตรวจตามรอบ")
    assert refused.attributes.get("error-summary") is not None
    assert found.name == "audit"
    return [found.html]


def citizen(live, wire, number, **likes):
    """One of the cast, on the wire."""
    person = live.citizen(number, **likes)
    wire.record(person.browser.http)
    return person


def payload(token):
    """What stands in the parts of a token."""
    parts = [part + "=" * (-len(part) % 4) for part in token.split(".")[:2]]
    return " ".join(base64.urlsafe_b64decode(part).decode("utf-8", "replace") for part in parts)


# --- everything that is left ----------------------------------------------------------------------------------------


def people(live):
    """The cast, those whom this process invented, and numbers that nobody has."""
    rows = list(leaks.people((ROOT / "idp/demo/people.tsv").read_text(encoding="utf-8")))
    return [*rows, {"national_id": live.nobody()}, {"national_id": MANEE[:-1] + "0"}]


def tables(live):
    """Every column of every table, through SQL."""
    found = {}
    with live.world.sessions.reading() as session:
        for name in inspect(session.get_bind()).get_table_names():
            rows = session.execute(text(f'SELECT * FROM "{name}"'))  # noqa: S608 -- a name from the catalogue
            found[f"table {name}"] = b"\n".join(as_bytes(value) for row in rows for value in row)
    return found


def as_bytes(value):
    """A value as it would lie in a file."""
    return bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode()


def files_of(live):
    """Every file of the folder, the database's own files and logs included; not the stand-ins, not the key."""
    folder = live.world.folder.path.parent
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in STAND_INS and path != live.world.folder.kek_file
    }


def operators_files(live):
    """What the operator's commands write and say: a log export, a backup, and their own words."""
    export, backup = live.world.temporary / "log.export", live.world.temporary / "backup"
    asked = (["log", "export", str(export)], ["backup", "create", str(backup)], ["doctor"], ["client", "list"])
    found = {"said by commands": "".join(command(live, *arguments) for arguments in asked).encode()}
    if not live.world.settings.database_url.startswith("sqlite"):  # a SQLite backup lies open in its file
        command_line = ["pg_restore", "-f", "-", str(backup)]
        found["backup"] = subprocess.run(command_line, capture_output=True, check=True).stdout  # noqa: S603 -- ours
    return found


def command(live, *arguments):
    """`idp …` with the settings of the running server; what it said."""
    _, env = live.world.commands()["worker"]
    line = [sys.executable, "-m", "idp.cli", *arguments]
    done = subprocess.run(line, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 -- ours
    assert done.returncode == 0 or arguments == ("doctor",), done.stderr
    return done.stdout + done.stderr


def sealed_columns():
    """Every column that holds ciphertext."""
    tables = metadata().sorted_tables
    return [column for table in tables for column in table.columns if isinstance(column.type, SealedBytes)]


def column_of(live, column):
    """What stands in a column, nothing aside."""
    with live.world.sessions.reading() as session:
        return [bytes(value) for value in session.scalars(select(column).where(column.is_not(None)))]
