import httpx
import pytest
import zeep
from zeep.transports import Transport

from tests.servers import dopa as dopa_server
from tests.servers.authority import Authority
from tests.servers.dopa import SOAP_11, SOAP_12, TNS, laser_of, open_dopa

HTTP = httpx.Client()  # one for all: each would read the certificates anew

SOMCHAI = "3999000010035"
BUNMEE = "3999000010141"
LA = "6999000010102"


@pytest.fixture
def dopa():
    with open_dopa(hang_s=5.0) as made:
        made.holds(SOMCHAI, "สมชาย", "ใจสมมติ", "1979-04-13")
        made.holds(BUNMEE, "บุญมี", "จำลองชัย", "1933")
        made.holds(LA, "หล้า", "", "1985-01-01")
        yield made


def by_laser(pid=SOMCHAI, first="สมชาย", last="ใจสมมติ", born="25220413", laser=None):
    return {
        "PID": pid,
        "FirstName": first,
        "LastName": last,
        "BirthDay": born,
        "Laser": laser_of(pid) if laser is None else laser,
    }


def envelope(operation, fields, soap=SOAP_12):
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = f'<{operation} xmlns="{TNS}">{inside}</{operation}>'
    return f'<?xml version="1.0"?><s:Envelope xmlns:s="{soap}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def ask(dopa, operation, fields, soap=SOAP_12, body=None, **headers):
    kind = "application/soap+xml; charset=utf-8" if soap == SOAP_12 else "text/xml; charset=utf-8"
    action = {} if soap == SOAP_12 else {"SOAPAction": f'"{TNS}{operation}"'}
    return HTTP.post(
        dopa.endpoint,
        content=body or envelope(operation, fields, soap),
        headers={"Content-Type": kind} | action | headers,
    )


def code(answer):
    return int(answer.text.split("<Code>")[1].split("</Code>")[0])


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
def test_a_card_that_is_good_is_code_0_in_both_versions_of_soap(dopa, soap):
    answer = ask(dopa, "CheckCardByLaser", by_laser(), soap)

    assert answer.status_code == 200
    assert code(answer) == 0
    assert "<IsError>false</IsError>" in answer.text
    assert "สถานะปกติ" in answer.text
    assert dopa.asked[0].fields["BirthDay"] == "25220413"


def test_a_client_that_nobody_here_wrote_reads_the_description_and_asks(dopa):
    client = zeep.Client(f"{dopa.endpoint}?wsdl", transport=Transport(timeout=5))

    good = client.service.CheckCardByLaser(**by_laser())
    wrong = client.service.CheckCardByLaser(**by_laser(last="ลองระบบ"))

    assert (good.IsError, good.Code, good.Desc) == (False, 0, "สถานะปกติ")
    assert (wrong.IsError, wrong.Code, wrong.Desc) == (True, 4, "สถานะไม่ปกติ => ข้อมูลไม่ตรง")


@pytest.mark.parametrize(
    ("fields", "expected", "sentence"),
    [
        (by_laser(first="ปิติ"), 4, "ข้อมูลไม่ตรง"),
        (by_laser(born="19790413"), 4, "ข้อมูลไม่ตรง"),
        (by_laser(laser="ZZ0999999990"), 4, "ไม่พบเลข Laser"),
        (by_laser(pid="1999000010071", first="ปิติ", last="ลองระบบ"), 4, "ไม่พบเลข Laser"),
        (by_laser(laser=""), 5, "ไม่ครบ"),
        (by_laser(first=" "), 5, "ไม่ครบ"),
        (by_laser(BUNMEE, "บุญมี", "จำลองชัย", "24760000"), 0, "สถานะปกติ"),
        (by_laser(BUNMEE, "บุญมี", "จำลองชัย", "24760101"), 4, "ข้อมูลไม่ตรง"),
        (by_laser(LA, "หล้า", "-", "25280101"), 0, "สถานะปกติ"),
        (by_laser(LA, "หล้า", "", "25280101"), 5, "ไม่ครบ"),
    ],
)
def test_each_difference_has_its_code(dopa, fields, expected, sentence):
    answer = ask(dopa, "CheckCardByLaser", fields)

    assert code(answer) == expected
    assert sentence in answer.text


@pytest.mark.parametrize(("digit", "expected"), [("4", 4), ("5", 5), ("7", 4)])
def test_the_last_digit_of_a_made_up_laser_code_chooses_the_answer(dopa, digit, expected):
    answer = ask(dopa, "CheckCardByLaser", by_laser(laser=laser_of(SOMCHAI)[:-1] + digit))

    assert code(answer) == expected
    assert ("ไม่พบเลข Laser" in answer.text) is (digit == "7")


def test_the_digit_8_is_a_fault_and_9_no_answer(dopa):
    fault = ask(dopa, "CheckCardByLaser", by_laser(laser=laser_of(SOMCHAI)[:-1] + "8"))
    with pytest.raises(httpx.ReadTimeout):
        HTTP.post(
            dopa.endpoint,
            content=envelope("CheckCardByLaser", by_laser(laser=laser_of(SOMCHAI)[:-1] + "9")),
            headers={"Content-Type": "application/soap+xml"},
            timeout=0.3,
        )

    assert fault.status_code == 500
    assert "soap:Receiver" in fault.text


@pytest.mark.parametrize(("request_number", "expected"), [("999000010030", 0), ("000000000000", 4), ("", 5)])
def test_a_chip_is_checked_by_its_number_and_the_number_of_its_request(dopa, request_number, expected):
    chip = dopa.cards[SOMCHAI].chip.upper()

    answer = ask(dopa, "CheckCardByCID", {"ChipNo": chip, "pid": SOMCHAI, "bp1no": request_number})

    assert dopa.cards[SOMCHAI].request == "999000010030"
    assert code(answer) == expected


def test_codes_that_nobody_described_can_be_told(dopa):
    dopa.codes[SOMCHAI] = (9, "บัตรถูกยกเลิก")

    assert code(ask(dopa, "CheckCardByLaser", by_laser())) == 9


@pytest.mark.parametrize(
    ("body", "soap", "word"),
    [
        (b"<not xml", SOAP_12, "soap:Sender"),
        (b"<not xml", SOAP_11, "soap:Client"),
        (envelope("CheckCardByLaser", {"Laser": "x", "PID": "y"}), SOAP_12, "soap:Sender"),
        (envelope("CheckCardByMagic", {}), SOAP_12, "soap:Sender"),
        (envelope("CheckCardByLaser", by_laser(), SOAP_11), SOAP_12, "VersionMismatch"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]>' + envelope("CheckCardByLaser", by_laser()).split(b"?>")[1], SOAP_12, "DTD"),
    ],
)
def test_a_request_that_the_schema_does_not_know_is_a_fault(dopa, body, soap, word):
    answer = ask(dopa, "CheckCardByLaser", {}, soap, body=body)

    assert answer.status_code == 500
    assert word in answer.text
    assert dopa.asked == []


def test_soap_1_1_says_what_it_wants_in_a_header_too(dopa):
    answer = ask(dopa, "CheckCardByLaser", by_laser(), SOAP_11, SOAPAction='"urn:else"')

    assert answer.status_code == 500
    assert "SOAPAction" in answer.text


@pytest.mark.parametrize("breaks", sorted(dopa_server.BREAKS - {"", "status_202"}))
def test_every_break_is_one_that_a_strict_client_notices(dopa, breaks):
    """An answer that is read all the same holds no code."""
    client = zeep.Client(f"{dopa.endpoint}?wsdl", transport=Transport(timeout=5))
    dopa.breaks = breaks

    try:
        answer = client.service.CheckCardByLaser(**by_laser())
    except (zeep.exceptions.Error, ValueError):
        return

    assert answer is None or not isinstance(answer.Code, int)


def test_the_department_may_want_to_see_a_client_certificate(tmp_path):
    authority = Authority(tmp_path)
    ours = authority.issue("yinyom")

    with open_dopa(authority=authority, client_certificate=True) as dopa:
        answer = httpx.get(f"{dopa.endpoint}?wsdl", verify=authority.client_context(ours))
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{dopa.endpoint}?wsdl", verify=authority.client_context())

    assert dopa.endpoint.encode() in answer.content
