"""An auditor finds one consent, reads its whole life, takes the log home, and proves it there (PDPA s.39; flow 3)."""

import base64
import json
import re
import subprocess
import sys
from urllib.parse import urljoin

import pytest

from tests.stories.waiting import eventually

WHY = "เรื่องร้องเรียน 12/2569"


@pytest.fixture
def withdrawn(live):
    """A citizen said yes at the portal, whose records were read; then they withdrew, and the portal tried again."""
    citizen, service = live.citizen(), live.service()
    asked = service.ask(scope=service.scope + " offline_access")
    tokens = service.tokens(citizen.walk(citizen.browser.get(asked.url)), asked)
    assert live.records(tokens["access_token"]).status_code == 200
    assert service.userinfo(tokens["access_token"]).status_code == 200
    consent_id = live.consent_id(citizen, "EHR-SHARE")
    live.withdraw(citizen, "EHR-SHARE")
    assert live.records(tokens["access_token"]).status_code == 401
    assert service.refresh(tokens["refresh_token"]).status_code == 400
    return consent_id


def look_up(live, auditor, consent_id):
    page = auditor.browser.get(f"{live.issuer}/audit/consent")
    return auditor.browser.submit(page, "consent-form", "show", consent=consent_id, reason=WHY)


def titles(page):
    """The events of the line, top to bottom."""
    return re.findall(r"\b(?:[a-z]+\.[a-z_]+|introspect(?:\.denied)?)\b", page.texts["line"])


def test_one_consent_is_one_line_of_time_from_the_notice_to_the_refusal(live, withdrawn):
    """Issue: notice, answer, tokens, uses, withdrawal, letter, refusal; every entry proved once it is sealed."""
    auditor = live.auditor()

    def told():
        page = look_up(live, auditor, withdrawn)
        found = titles(page)
        return (
            page if "letter.delivered" in found and "รอผนึก" not in page.texts["line"].replace(WHY, "")[:-400] else None
        )

    page = eventually(told, "the letter to the portal never showed in the line")
    found = titles(page)

    order = ["notice.published", "consent.given", "authz.granted", "token.issued", "introspect", "consent.withdrawn"]
    assert [found.index(event) for event in order] == sorted(found.index(event) for event in order), found
    assert found.index("consent.withdrawn") < found.index("letter.delivered")
    assert found.index("consent.withdrawn") < found.index("introspect.denied") < found.index("token.denied")
    assert {"token.revoked", "audit.searched"} <= set(found)
    assert "withdrawn" in page.texts["line"]
    assert "proved" in page.attributes


def test_the_log_is_taken_home_and_proved_there(live, withdrawn, tmp_path):
    """Issue: the file, the verifier from the page, an empty folder, a Python that sees nothing of ours."""
    auditor = live.auditor()
    page = auditor.browser.get(f"{live.issuer}/audit/export")
    note, form = page.texts["note"], page.forms["export-form"]
    fields = dict(form.fields) | {"reason": WHY}

    def taken():
        with auditor.browser.http.stream("POST", urljoin(page.url, form.action), data=fields) as answer:
            assert answer.status_code == 200
            content = b"".join(answer.iter_bytes())
        told = b"".join(base64.b64decode(one) for one in leaves(content))
        return content if withdrawn.encode() in told and b"consent.withdrawn" in told else None

    content = eventually(taken, "the withdrawal never came into the sealed log")

    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "verify.py").write_bytes(auditor.browser.http.get(f"{live.issuer}/audit/verify.py").content)
    (folder / "kept.txt").write_text(f"{note.rstrip()}\n", encoding="utf-8")
    key = json.loads(content.split(b"\n")[0])["keys"][-1]
    assert key in page.texts["keys"]

    def judged(content):
        (folder / "log.jsonl").write_bytes(content)
        command = [sys.executable, "-I", "verify.py", "log.jsonl", "--key", key, "--previous", "kept.txt", "--json"]
        done = subprocess.run(command, cwd=folder, env={}, capture_output=True, check=False, timeout=60)  # noqa: S603
        return done.returncode, json.loads(done.stdout)

    code, told = judged(content)
    assert (code, told["verdict"], told["keys_from"]) == (0, "ok", "you"), told

    lines = content.split(b"\n")
    at = 1 + told["size"] // 2
    lines[at] = lines[at].replace(b'"leaf":"AXsi', b'"leaf":"AXsj', 1)
    code, told = judged(b"\n".join(lines))
    assert (code, told["verdict"], told["first_bad_index"]) == (10, "altered", at - 1), told


def leaves(content):
    return [json.loads(line)["leaf"] for line in content.splitlines()[1:] if b'"leaf"' in line]
