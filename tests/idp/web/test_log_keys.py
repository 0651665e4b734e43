"""Which key of the log to trust: the papers of a complaint name it, and a second way to the same fingerprint."""

import io
import re
import shlex
import zipfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.audit import checkpoint, verify
from idp import log_keys, worker
from tests.idp.web.test_rights import asked, posted, somchai

__all__ = ["somchai"]
ADDRESS = "https://idp.example.test/log/keys.txt"


def papers_of(visitor):
    """The pack about a consent, opened."""
    case_id = asked(visitor, "complaint", words="x", record=str(visitor.record))
    answer = posted(visitor, "papers-form", f"/me/rights/{case_id}")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    return {name: archive.read(name) for name in archive.namelist()}


def test_s73_the_papers_name_a_key_that_can_be_compared(site, somchai, tmp_path):
    """The command that they print verifies the entries with the key named, at whoever has nothing of ours."""
    worker.Sealing()(site.work)
    papers = papers_of(somchai)
    told = papers["verify/log-keys.txt"].decode()
    (fingerprint,) = re.findall(r"SHA-256 ([0-9a-f ]{79})", told)
    file = tmp_path / "entries.jsonl"
    file.write_bytes(papers[log_keys.FILE])

    (command,) = [line for line in told.splitlines() if line.startswith("idp log verify")]
    words = shlex.split(command)[3:]

    assert words[0] == log_keys.FILE
    assert words[0] in papers
    assert verify.main([str(file), *words[1:]]) == 0
    assert verify.check(file.read_text().splitlines(), keys=words[2:3]).keys_from == "you"
    assert fingerprint == checkpoint.fingerprint(site.work.rings.at(site.clock()).log_keys()[0])
    assert "verify/log-keys.txt" in papers["complaint.txt"].decode()


def test_a_forger_with_another_key_is_found_by_the_key_that_is_named(site, somchai, tmp_path):
    """A file is judged by the key in hand, not by the one that it brings along."""
    worker.Sealing()(site.work)
    file = tmp_path / "entries.jsonl"
    file.write_bytes(papers_of(somchai)[log_keys.FILE])
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    origin = site.app.extensions["yinyom"].settings.log_origin

    assert verify.main([str(file), "--key", checkpoint.verifier_key(origin, stranger)]) != 0


def test_the_same_keys_stand_at_a_public_address(site, somchai):
    """Anybody reads and keeps them, without a cookie; the papers say where."""
    answer = site.app.test_client().get("/log/keys.txt")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "public" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    assert papers_of(somchai)["verify/log-keys.txt"] == answer.data
    assert f"{site.app.extensions['yinyom'].settings.issuer}/log/keys.txt" in answer.text


def test_every_key_is_trusted_that_ever_signed():
    """PURE: after a rotation old entries are verified by the old key, new ones by the new."""
    text = log_keys.drawn([("a+1+x", "aa"), ("a+2+y", "bb")], address=ADDRESS, contact="โทร. 02-000-0000")

    assert "idp log verify log/entries.jsonl --key 'a+1+x' --key 'a+2+y'" in text
    assert "  SHA-256 bb" in text
    assert "โทร. 02-000-0000" in text
