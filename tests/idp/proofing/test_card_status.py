"""The issuer's service and the sandbox's: the same questions, the same answers; then what only a real one can do."""

import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from idp.ports import CardStatusUnavailable, NoCardStatus, RegistryPerson
from idp.proofing.sources import card_status
from idp.proofing.sources.card_status import DopaCardStatus, be_birth_day
from idp.proofing.sources.fake import SandboxRegistry
from idp.proofing.sources.fake_card_status import SandboxCardStatus, chip_of, request_of
from tests import leaks
from tests.idp.servers import serving
from tests.servers.authority import Authority
from tests.servers.dopa import Dopa, laser_of, open_dopa

SOMCHAI, ONE_NAME, YEAR_ONLY, DEAD = "3999000010035", "6999000010102", "3999000010141", "1999000010161"
LIMIT_S = 0.5


@dataclass
class Issuer:
    """An adapter, and its question about one person with some of it changed."""

    port: card_status.DopaCardStatus | SandboxCardStatus
    people: dict[str, RegistryPerson]

    def asked(self, of: str = SOMCHAI, **changed: str) -> str:
        """By what is printed on the card."""
        person = self.people[of]
        told = {
            "national_id": of,
            "given_name": person.given_name_th,
            "family_name": person.family_name_th,
            "birth_date": person.birth_date,
            "laser": laser_of(of),
        }
        return self.port.by_laser(**told | changed)

    def unavailable(self, ask: Callable[[], object]) -> str:
        """Why it was not."""
        with pytest.raises(CardStatusUnavailable) as failed:
            ask()
        return failed.value.code


@pytest.fixture
def people():
    return SandboxRegistry().people


@pytest.fixture
def dopa(people):
    """The real thing on loopback, which issued a card to everybody who lives."""
    with open_dopa(hang_s=5.0) as server:
        issue(server, people)
        yield server


def issue(server: Dopa, people: dict[str, RegistryPerson]) -> None:
    for national_id, person in people.items():
        if person.status == "alive":
            server.holds(national_id, person.given_name_th, person.family_name_th, person.birth_date)


@pytest.fixture
def real(dopa, people):
    with closing(DopaCardStatus(url=dopa.endpoint, timeout_s=LIMIT_S)) as port:
        yield Issuer(port, people)


@pytest.fixture(params=["real", "sandbox"])
def issuer(request, people):
    """Both keep the promise of the port."""
    if request.param == "real":
        return request.getfixturevalue("real")
    return Issuer(SandboxCardStatus(SandboxRegistry(), wait_s=0.01), people)


@pytest.mark.parametrize("national_id", [SOMCHAI, ONE_NAME, YEAR_ONLY])
def test_a_card_as_it_was_issued_is_good(issuer, national_id):
    """Code 0; also for one name, and where day and month are unknown (THAI.md 2.3)."""
    assert issuer.asked(national_id) == "good"


def test_more_spaces_than_the_card_has_do_not_matter(issuer):
    """A person types them, and a phone's keyboard adds one."""
    person = issuer.people[SOMCHAI]

    assert issuer.asked(given_name=f"  {person.given_name_th} ", family_name=f"{person.family_name_th}  ") == "good"


@pytest.mark.parametrize(
    "changed",
    [
        {"given_name": "ปิติ"},
        {"family_name": "ลองระบบ"},
        {"family_name": ""},
        {"birth_date": "1979-04-14"},
        {"birth_date": "1979"},
        {"laser": "ZZ0000000004"},
        {"laser": "ZZ0000000007"},
        {"laser": "JC0000000000"},
        {"national_id": "3999000010043"},
        {"given_name": "สม\x07ชาย"},
    ],
)
def test_whatever_differs_the_answer_is_the_same(issuer, changed):
    """Code 4, in both of its sentences: nobody learns which field it was."""
    assert issuer.asked(**changed) == "mismatch"


@pytest.mark.parametrize(
    "changed",
    [{"given_name": " "}, {"birth_date": ""}, {"birth_date": "13/04/2522"}, {"laser": ""}, {"laser": "ZZ0000000005"}],
)
def test_what_is_missing_is_said(issuer, changed):
    """Code 5, or seen before anybody is asked."""
    assert issuer.asked(**changed) == "incomplete"


def test_a_dead_persons_card_is_not_good(issuer):
    """Whoever holds it."""
    assert issuer.asked(DEAD) == "mismatch"


@pytest.mark.parametrize("last", ["8", "9"])
def test_an_issuer_that_fails_or_hangs_takes_no_card_for_good(issuer, last):
    """X16: no "assume verified"."""
    assert issuer.unavailable(lambda: issuer.asked(laser=f"ZZ000000000{last}"))


def test_a_chip_is_asked_about_by_its_number(issuer):
    """`CheckCardByCID`, which a counter asks."""

    def asked(national_id=SOMCHAI, **changed):
        told = {"chip_number": chip_of(national_id), "request_number": request_of(national_id)}
        return issuer.port.by_chip(national_id=national_id, **told | changed)

    assert asked() == "good"
    assert asked(chip_number=chip_of(SOMCHAI).upper()) == "good"
    assert asked(chip_number=chip_of(ONE_NAME)) == "mismatch"
    assert asked(request_number="1") == "mismatch"
    assert asked(DEAD) == "mismatch"
    assert asked(chip_number="") == asked(request_number="") == "incomplete"


def test_without_an_issuer_no_card_is_good(people):
    """The default of `Ports`."""
    issuer = Issuer(NoCardStatus(), people)

    assert issuer.unavailable(issuer.asked) == "no_issuer"
    chip = {"chip_number": "1", "request_number": "1"}
    assert issuer.unavailable(lambda: issuer.port.by_chip(national_id=SOMCHAI, **chip)) == "no_issuer"


@pytest.mark.parametrize(
    ("birth_date", "written"),
    [
        ("1979-04-13", "25220413"),
        ("1988-02-29", "25310229"),
        ("1933", "24760000"),
        ("1933-05", "24760500"),
        ("0457", "10000000"),
        ("", None),
        ("1979-4-13", None),
        ("1979-04-13T00", None),
        ("๑๙๗๙", None),
    ],
)
def test_a_birth_date_is_written_as_the_issuer_wants_it(birth_date, written):
    """Buddhist era, 00 for what is not known (THAI.md 2.3)."""
    assert be_birth_day(birth_date) == written


def test_the_question_holds_what_was_typed_and_no_more(real, dopa):
    """PDPA s.22: five fields, in the order of the description."""
    real.asked(ONE_NAME)

    (question,) = dopa.asked
    assert (question.operation, question.soap) == ("CheckCardByLaser", "1.1")
    assert question.fields == {
        "PID": ONE_NAME,
        "FirstName": real.people[ONE_NAME].given_name_th,
        "LastName": "-",
        "BirthDay": be_birth_day(real.people[ONE_NAME].birth_date),
        "Laser": laser_of(ONE_NAME),
    }


@pytest.mark.parametrize(
    "breaks", ["fault", "not_xml", "wrong_schema", "no_result", "dtd", "other_operation", "status_202"]
)
def test_an_answer_that_is_none_takes_no_card_for_good(real, dopa, breaks):
    """X16: wrong XML, a fault, a bomb of entities, another operation's answer."""
    dopa.breaks = breaks

    assert real.unavailable(real.asked)


@pytest.mark.parametrize("mood", ["down", "twice", "reset", "refuse", "page", "cut", "flood", "busy", "moved"])
def test_a_broken_wire_takes_no_card_for_good(real, dopa, mood):
    """X16; a redirect is not followed, an answer without an end is not read."""
    dopa.mood = mood

    assert real.unavailable(real.asked) not in ("", "timeout")
    assert {call.path for call in dopa.calls} <= {"/checkcardstatus/checkcardservice.asmx"}


@pytest.mark.parametrize("code", [(1, ""), (99, "สถานะไม่ทราบ"), (-1, "")])
def test_a_code_that_nobody_knows_takes_no_card_for_good(real, dopa, code):
    """Nor does it call the card bad."""
    dopa.codes[SOMCHAI] = code

    assert real.unavailable(real.asked) == f"code_{code[0]}"


@dataclass
class Said:
    """What an answer may hold."""

    Code: object = 0
    IsError: object = "false"


@pytest.mark.parametrize(
    "said", [Said(IsError="true"), Said(IsError="maybe"), Said(IsError=None), Said(Code=None), Said(Code="0"), None]
)
def test_an_answer_that_contradicts_itself_says_nothing(said):
    """Code 0 of an error is no good card."""
    with pytest.raises(CardStatusUnavailable):
        card_status.judged(said)


@pytest.mark.parametrize("mood", ["hang", "late", "drip"])
def test_an_issuer_that_hangs_makes_one_person_wait_and_nobody_else(real, dopa, mood):
    """X16: the circuit opens after one time limit, which is less than 5 s."""
    dopa.mood = mood

    assert real.unavailable(real.asked) == "timeout"
    assert [real.unavailable(real.asked) for _ in range(3)] == ["circuit_open"] * 3
    assert len(dopa.calls) == 1
    assert card_status.TIMEOUT_S < 5


def test_a_slow_issuer_is_waited_for(real, dopa):
    """As long as it stays within the limit."""
    dopa.mood, dopa.slow_s = "slow", LIMIT_S / 4

    assert real.asked() == "good"


def test_an_issuer_that_fails_quickly_is_left_alone_after_three_times_and_asked_again_later(people, dopa):
    """X16: half-open: one asks, and all is as before."""
    now = [0.0]
    with closing(DopaCardStatus(url=dopa.endpoint, timeout_s=LIMIT_S)) as port:
        issuer = Issuer(port, people)
        port.breaker = card_status.Breaker("card-status", clock=lambda: now[0])
        dopa.mood = "down"
        codes = [issuer.unavailable(issuer.asked) for _ in range(4)]
        dopa.mood = "good"
        now[0] += 2

        assert codes == ["status_500"] * 3 + ["circuit_open"]
        assert [issuer.asked(), issuer.asked()] == ["good", "good"]


def test_a_mismatch_is_an_answer_and_opens_no_circuit(real):
    """Else a guesser could keep everybody else from proving themselves."""
    for _ in range(6):
        assert real.asked(laser="ZZ0000000004") == "mismatch"

    assert real.asked() == "good"


def test_the_issuer_is_shown_our_certificate_and_must_prove_its_own(people, tmp_path):
    """Mutual TLS, both ways."""
    authority = Authority(tmp_path)
    pair = authority.issue("our-server")
    both = tmp_path / "client.pem"
    both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    with ExitStack() as stack:
        dopa = stack.enter_context(open_dopa(authority=authority, client_certificate=True))
        issue(dopa, people)

        def issuer(**files):
            return Issuer(stack.enter_context(closing(DopaCardStatus(url=dopa.endpoint, **files))), people)

        assert issuer(ca_file=authority.bundle, client_file=both).asked() == "good"
        bare, trusting_nobody = issuer(ca_file=authority.bundle), issuer(client_file=both)
        assert bare.unavailable(bare.asked) == trusting_nobody.unavailable(trusting_nobody.asked) == "no_answer"

    assert {call.presented for call in dopa.calls} == {"our-server"}


def told_of(ask: Callable[[], object]) -> str:
    """What a log would hold of a failure, trace and all."""
    try:
        return str(ask())
    except CardStatusUnavailable as failure:
        return "".join(traceback.format_exception(failure))


@pytest.mark.parametrize("breaks", ["", "fault", "not_xml", "wrong_schema"])
def test_nothing_of_a_person_reaches_a_log_or_an_error(real, dopa, breaks, caplog):
    """ASVS 16.2.5: zeep would write question and answer into its debug log."""
    caplog.set_level("DEBUG")
    dopa.breaks = breaks
    with capture_logs() as lines:
        told = told_of(real.asked)

    assert not leaks.found_in(told + repr(lines) + caplog.text)


ENVELOPE = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    '<CheckCardByLaserResponse xmlns="http://tempuri.org/"><CheckCardByLaserResult>'
    "<IsError>false</IsError><Code>{}</Code></CheckCardByLaserResult></CheckCardByLaserResponse>"
    "</soap:Body></soap:Envelope>"
)


def said(people, body):
    """An issuer that says the same to everybody, and its adapter's failure or verdict as a log would hold it."""
    with serving(default=200, body=body.encode()) as server, closing(DopaCardStatus(url=server.url)) as port:
        return told_of(Issuer(port, people).asked)


def test_a_document_type_is_refused_with_and_without_entities(people):
    """OWASP XXE: what is not parsed cannot lead anywhere."""
    assert said(people, ENVELOPE.format("0")) == "good"
    assert "bad_answer_DTDForbidden" in said(people, "<!DOCTYPE a>" + ENVELOPE.format("0"))


@pytest.mark.parametrize("body", ["<a>{}", ENVELOPE], ids=["no XML", "no number"])
def test_an_answer_that_quotes_the_person_is_quoted_nowhere(people, body, caplog):
    """ASVS 16.2.5: the library's errors and its log hold what the issuer said."""
    caplog.set_level("DEBUG")

    told = said(people, body.format(f"{SOMCHAI} {people[SOMCHAI].given_name_th}"))

    assert "CardStatusUnavailable" in told
    assert not leaks.found_in(told + caplog.text)


def test_the_library_is_loaded_at_the_first_question():
    """A process that never asks pays nothing: `idp --help`, the worker, most pages."""
    code = "import sys, idp.wiring; print(sorted({'zeep', 'requests', 'lxml'} & set(sys.modules)))"
    told = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert told.stdout == "[]\n"
