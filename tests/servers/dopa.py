"""The card check of the Department of Provincial Administration, from its public descriptions (THAI.md 2.3).

An ASP.NET service: WSDL at `?wsdl`, SOAP 1.1 and 1.2, doc/literal in http://tempuri.org/. The requests are validated by
the WSDL's own schema. `CheckCardByLaser(PID, FirstName, LastName, BirthDay, Laser)` with BirthDay YYYYMMDD of the
Buddhist era, 00 where the day or the month is unknown, and `CheckCardByCID(ChipNo, pid, bp1no)` answer IsError,
ErrorMessage, Code, Desc: 0 normal, 4 not normal (two sentences), 5 incomplete.

Not known from outside and assumed here: a person of one name is asked for with "-" as the family name (an empty one
is incomplete, 5); the laser code is in capitals; codes other than 0, 4 and 5 exist (`codes` gives one to a person).

The last digit of a made-up laser code (ZZ0 + 9 digits, THAI.md 6.9) may choose the answer, whoever asks:
4 data do not match · 5 incomplete · 7 no such laser code for this number · 8 a SOAP fault · 9 no answer. All others are
compared with the card; `laser_of(pid)` is the one that is on it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from tests.servers.authority import Authority
from tests.servers.ground import Answer, Call, Ground, standing

PATH = "/checkcardstatus/checkcardservice.asmx"
WSDL = (Path(__file__).parent / "dopa.wsdl").read_bytes()
TNS = "http://tempuri.org/"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
SCHEMA = etree.XMLSchema(etree.fromstring(WSDL).find(".//{http://www.w3.org/2001/XMLSchema}schema"))
MADE_UP_LASER = re.compile(r"ZZ0\d{9}")
BUDDHIST_ERA = 543

NORMAL = (0, "สถานะปกติ")
MISMATCH = (4, "สถานะไม่ปกติ => ข้อมูลไม่ตรง")
NO_LASER = (4, "สถานะไม่ปกติ => ไม่พบเลข Laser จาก PID นี้")
INCOMPLETE = (5, "ข้อมูลที่ใช้ในการตรวจสอบไม่ครบ")
BY_LAST_DIGIT = {"4": MISMATCH, "5": INCOMPLETE, "7": NO_LASER}

ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
BREAKS = frozenset({"", "fault", "not_xml", "wrong_schema", "no_result", "dtd", "other_operation", "status_202"})


def laser_of(pid: str) -> str:
    """The laser code on the made-up card of that number."""
    return f"ZZ0{pid[5:12]}00"


def chip_of(pid: str) -> str:
    """The number of its chip: 16 hexadecimal digits."""
    return f"99900000{pid[5:12]}0"


def request_of(pid: str) -> str:
    """The number of the request that it was made on, called bp1no here."""
    return f"9990{pid[5:12]}0"


def birthday(birth_date: str) -> str:
    """`YYYY[-MM[-DD]]` of the Christian era as this service wants it: "1933" is "24760000"."""
    year, month, day = [*birth_date.split("-"), "00", "00"][:3]
    return f"{int(year) + BUDDHIST_ERA:04}{month}{day}"


@dataclass(frozen=True)
class Held:
    """One card as the issuer knows it."""

    first: str
    last: str
    birthday: str
    laser: str
    chip: str
    request: str


@dataclass(frozen=True)
class Asked:
    """One question that was understood: the operation, its fields and the version of SOAP."""

    operation: str
    fields: dict[str, str]
    soap: str


@dataclass(kw_only=True)
class Dopa(Ground):
    """`cards` by number. `codes` answers for a number whatever was asked. `breaks` ruins every answer, see BREAKS."""

    cards: dict[str, Held] = field(default_factory=dict)
    codes: dict[str, tuple[int, str]] = field(default_factory=dict)
    breaks: str = ""
    asked: list[Asked] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Where to ask; with `?wsdl` behind it, the description."""
        return self.url + PATH

    def holds(self, pid: str, first: str, last: str, birth_date: str) -> Held:
        """Issue a card to a made-up person; `birth_date` is of the Christian era and may be partial."""
        card = Held(first, last, birthday(birth_date), laser_of(pid), chip_of(pid), request_of(pid))
        self.cards[pid] = card
        return card

    def answer(self, call: Call) -> Answer:
        """The description, or the answer to one question."""
        if call.path.lower() != PATH:
            return Answer(404, b"", "text/html")
        if call.method == "GET":
            return Answer(200, WSDL.replace(b"@@HERE@@", self.endpoint.encode()), "text/xml; charset=utf-8")
        soap = SOAP_12 if "application/soap+xml" in call.headers.get("Content-Type", "") else SOAP_11
        try:
            request = _opened(call.body, soap)
            operation = _operation(request, call, soap)
            fields = {etree.QName(child).localname: child.text or "" for child in request}
            with self.lock:
                self.asked.append(Asked(operation, fields, "1.2" if soap == SOAP_12 else "1.1"))
            return self._result(operation, self._code(operation, fields), soap)
        except Refused as refused:
            return _fault(soap, refused.who, refused.sentence)

    def _code(self, operation: str, fields: dict[str, str]) -> tuple[int, str]:
        if operation == "CheckCardByCID":
            return self._by_chip(**{name: fields.get(name, "") for name in ("ChipNo", "pid", "bp1no")})
        names = ("PID", "FirstName", "LastName", "BirthDay", "Laser")
        pid, first, last, born, laser = (fields.get(name, "").strip() for name in names)
        if not all((pid, first, last, born, laser)):
            return INCOMPLETE
        told = self._told(laser)
        if told or pid in self.codes:
            return told or self.codes[pid]
        card = self.cards.get(pid)
        if card is None or card.laser != laser:
            return NO_LASER
        return NORMAL if (first, last, born) == (card.first, card.last or "-", card.birthday) else MISMATCH

    def _told(self, laser: str) -> tuple[int, str] | None:
        if not MADE_UP_LASER.fullmatch(laser):
            return None
        if laser[-1] == "8":
            raise Refused("Server", "Server was unable to process request. ---> Timeout expired.")
        if laser[-1] == "9":
            self.closing.wait(self.hang_s)
        return BY_LAST_DIGIT.get(laser[-1])

    def _by_chip(self, ChipNo: str, pid: str, bp1no: str) -> tuple[int, str]:  # noqa: N803 -- the service's names
        if not all((ChipNo.strip(), pid.strip(), bp1no.strip())):
            return INCOMPLETE
        if pid in self.codes:
            return self.codes[pid]
        card = self.cards.get(pid)
        right = card is not None and (ChipNo.lower(), bp1no) == (card.chip, card.request)
        return NORMAL if right else MISMATCH

    def _result(self, operation: str, answer: tuple[int, str], soap: str) -> Answer:
        if self.breaks not in BREAKS:
            raise ValueError(f"no such break: {self.breaks}")
        if self.breaks == "fault":
            return _fault(soap, "Server", "Server was unable to process request. ---> Object reference not set.")
        if self.breaks == "not_xml":
            return Answer(200, b"<soap:Envelope><soap:Body>", _kind(soap))
        document = _sealed(_written(operation, answer, self.breaks), soap)
        if self.breaks == "dtd":
            document = ENTITIES + document.split(b"?>", 1)[1].replace(answer[1].encode(), b"&c;")
        return Answer(202 if self.breaks == "status_202" else 200, document, _kind(soap), IIS)


IIS = (("Cache-Control", "private, max-age=0"), ("X-AspNet-Version", "4.0.30319"), ("X-Powered-By", "ASP.NET"))


class Refused(Exception):  # noqa: N818 -- an answer of the service
    """A SOAP fault."""

    def __init__(self, who: str, sentence: str) -> None:
        super().__init__(sentence)
        self.who = who
        self.sentence = sentence


def _opened(document: bytes, soap: str) -> etree._Element:
    """The question in an envelope of that version, valid by the schema."""
    try:
        envelope = etree.fromstring(document, PARSER)
    except etree.XMLSyntaxError as error:
        raise Refused("Client", f"Server was unable to read request. ---> {error.msg}") from error
    if envelope.getroottree().docinfo.doctype:
        raise Refused("Client", "For security reasons DTD is prohibited in this XML document.")
    if envelope.tag != f"{{{soap}}}Envelope":
        raise Refused("VersionMismatch", "Possible SOAP version mismatch.")
    body = envelope.find(f"{{{soap}}}Body")
    if body is None or len(body) != 1:
        raise Refused("Client", "The SOAP body holds one element.")
    if not SCHEMA.validate(body[0]) or etree.QName(body[0]).localname not in ("CheckCardByLaser", "CheckCardByCID"):
        raise Refused("Client", "Server was unable to read request. ---> There is an error in the XML document.")
    return body[0]


def _written(operation: str, answer: tuple[int, str], breaks: str) -> etree._Element:
    """The answer as the description says, unless it is to be broken."""
    if breaks == "other_operation":
        operation = "CheckCardByCID" if operation == "CheckCardByLaser" else "CheckCardByLaser"
    body = etree.Element(f"{{{TNS}}}{operation}Response", nsmap={None: TNS})
    result = etree.SubElement(body, f"{{{TNS}}}{operation}Result")
    code, sentence = answer
    told = [("IsError", str(code != 0).lower()), ("ErrorMessage", ""), ("Code", str(code)), ("Desc", sentence)]
    if breaks == "wrong_schema":
        told = [("IsError", "maybe"), ("Code", "normal"), ("Desc", sentence)]
    for name, value in told:
        etree.SubElement(result, f"{{{TNS}}}{name}").text = value
    if breaks == "no_result":
        body.remove(result)
    return body


def _operation(request: etree._Element, call: Call, soap: str) -> str:
    """What is asked for; SOAP 1.1 says it in a header too."""
    name: str = etree.QName(request).localname
    if soap == SOAP_11 and call.headers.get("SOAPAction", "").strip('"') != TNS + name:
        raise Refused("Client", "Server did not recognize the value of HTTP Header SOAPAction.")
    return name


def _sealed(body: etree._Element, soap: str) -> bytes:
    envelope = etree.Element(f"{{{soap}}}Envelope", nsmap={"soap": soap})
    etree.SubElement(envelope, f"{{{soap}}}Body").append(body)
    document: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return document


def _fault(soap: str, who: str, sentence: str) -> Answer:
    fault = etree.Element(f"{{{soap}}}Fault")
    if soap == SOAP_11:
        etree.SubElement(fault, "faultcode").text = f"soap:{who}"
        etree.SubElement(fault, "faultstring").text = sentence
        etree.SubElement(fault, "detail")
    else:
        word = {"Client": "Sender", "Server": "Receiver"}.get(who, who)
        code = etree.SubElement(fault, f"{{{soap}}}Code")
        etree.SubElement(code, f"{{{soap}}}Value").text = f"soap:{word}"
        reason = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
        reason.text = sentence
        reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    return Answer(500, _sealed(fault, soap), _kind(soap), IIS)


def _kind(soap: str) -> str:
    return "application/soap+xml; charset=utf-8" if soap == SOAP_12 else "text/xml; charset=utf-8"


@contextmanager
def open_dopa(
    *, authority: Authority | None = None, client_certificate: bool = False, **told: object
) -> Iterator[Dopa]:
    """The service for the length of the block; `told` are its switches."""
    with standing(Dopa(**told), authority=authority, client_certificate=client_certificate) as dopa:
        yield dopa
