"""Whether a card is good, asked of its issuer over SOAP: `CheckCardByLaser` and `CheckCardByCID` (THAI.md 2.3).

The description lies beside this file and is never fetched. An answer counts only if it is one that the description
knows, in time, and says one of three things; everything else is "not available", and no card is taken for good then
(X16). A document type, an entity, a name that leads elsewhere, more than 64 KiB: not available. zeep and lxml are
loaded at the first question, because few processes ever ask one.
"""

import logging
import re
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from idp.breaker import Breaker
from idp.fetcher import MOST_BYTES, ONE_EACH, Cut
from idp.ports import CardStatusUnavailable, CardVerdict, FetchFailed

WSDL = Path(__file__).with_name("card_status.wsdl")
BINDING = "{http://tempuri.org/}CardStatusSoap"
TIMEOUT_S = 4.0  # one who waits to the end opens the circuit in less than 5 s
LASER = re.compile(r"[A-Z]{2}[0-9]{10}")
BIRTH_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
BUDDHIST_ERA = 543
NO_FAMILY_NAME = "-"
VERDICTS: dict[int, CardVerdict] = {0: "good", 4: "mismatch", 5: "incomplete"}
NO_ERROR = ("false", "0")
OK = 200


class DopaCardStatus:
    """`idp.ports.CardStatus` over the issuer's service; with a client certificate if it wants one."""

    def __init__(
        self, *, url: str, client_file: Path | None = None, ca_file: Path | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        trust = ssl.create_default_context(cafile=ca_file)
        if client_file is not None:
            trust.load_cert_chain(client_file)
        self._wire = Wire(
            url, httpx.Client(timeout=timeout_s, verify=trust, trust_env=False, limits=ONE_EACH), timeout_s
        )
        self.breaker = Breaker("card-status")

    def by_laser(
        self, *, national_id: str, given_name: str, family_name: str, birth_date: str, laser: str
    ) -> CardVerdict:
        """Ask by what is printed on both sides. Raises: CardStatusUnavailable."""
        born = be_birth_day(birth_date)
        given, family = " ".join(given_name.split()), " ".join(family_name.split()) or NO_FAMILY_NAME
        if not given or born is None or LASER.fullmatch(laser) is None:
            return "incomplete"
        if not (given.isprintable() and family.isprintable()):
            return "mismatch"  # nor could XML carry it
        return self._ask(
            "CheckCardByLaser", PID=national_id, FirstName=given, LastName=family, BirthDay=born, Laser=laser
        )

    def by_chip(self, *, national_id: str, chip_number: str, request_number: str) -> CardVerdict:
        """Ask by the chip's number. Raises: CardStatusUnavailable."""
        if not (chip_number.isalnum() and request_number.isalnum()):
            return "incomplete"
        return self._ask("CheckCardByCID", ChipNo=chip_number, pid=national_id, bp1no=request_number)

    def reach(self) -> None:
        """Only see that something answers there; nobody is asked about. Raises: CardStatusUnavailable."""
        try:
            self._wire.client.head(self._wire.url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CardStatusUnavailable("no_answer") from error

    def close(self) -> None:
        """Let go of the connections."""
        self._wire.client.close()

    def _ask(self, operation: str, **fields: str) -> CardVerdict:
        if not self.breaker.admits():
            raise CardStatusUnavailable("circuit_open")
        try:
            verdict = judged(answer(self._wire, operation, fields))
        except CardStatusUnavailable as failure:
            self.breaker.failed(timed_out=failure.code == "timeout")
            raise
        self.breaker.worked()
        return verdict


@dataclass(frozen=True)
class Reply:
    """An HTTP answer as zeep wants to read it; what kind it says it is does not count."""

    status_code: int
    content: bytes
    encoding: str = "utf-8"

    @property
    def headers(self) -> dict[str, str]:
        """XML, and no parts, no attachments."""
        return {"Content-Type": "text/xml"}


@dataclass(frozen=True)
class Wire:
    """The one way out, in one time limit for all of it."""

    url: str
    client: httpx.Client
    timeout_s: float

    def post(self, message: bytes, headers: dict[str, str]) -> Reply:
        """Post one question. Raises: CardStatusUnavailable."""
        cut = Cut()
        asked: dict[str, Any] = {"content": message, "headers": headers, "extensions": {"trace": cut.follow}}
        try:
            with cut.after(self.timeout_s), self.client.stream("POST", self.url, **asked) as reply:
                return Reply(reply.status_code, _read(reply))
        except (httpx.TimeoutException, FetchFailed) as error:
            raise CardStatusUnavailable("timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CardStatusUnavailable("no_answer") from error


def answer(wire: Wire, operation: str, fields: dict[str, str]) -> Any:
    """What the service said, read by its description. Raises: CardStatusUnavailable."""
    try:
        client = description()(wire)
        return getattr(client.create_service(BINDING, wire.url), operation)(**fields)
    except CardStatusUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever zeep and lxml make of a broken answer; it may quote the question
        raise CardStatusUnavailable(f"bad_answer_{type(error).__name__}") from None


def judged(result: Any) -> CardVerdict:
    """PURE: the verdict of an answer. Raises: CardStatusUnavailable for one that says nothing, or two things."""
    code, is_error = getattr(result, "Code", None), getattr(result, "IsError", None)
    verdict = VERDICTS.get(code) if isinstance(code, int) else None
    if verdict is None:
        raise CardStatusUnavailable(f"code_{code}" if isinstance(code, int) else "no_result")
    if verdict == "good" and str(is_error).strip() not in NO_ERROR:
        raise CardStatusUnavailable("contradiction")
    return verdict


def be_birth_day(birth_date: str) -> str | None:
    """PURE: `YYYY[-MM[-DD]]` of the Christian era as the issuer writes it: "1933" is "24760000". None: no such date."""
    found = BIRTH_DATE.fullmatch(birth_date)
    if found is None:
        return None
    year, month, day = found.groups(default="00")
    return f"{int(year) + BUDDHIST_ERA:04}{month}{day}"


@cache
def description() -> Any:
    """What makes a zeep client over a wire; zeep is loaded here."""
    from zeep import Client, Settings  # noqa: PLC0415 -- 0.2 s and 15 MB that most processes never need
    from zeep.transports import Transport  # noqa: PLC0415
    from zeep.wsdl.utils import etree_to_string  # noqa: PLC0415

    logging.getLogger("zeep").setLevel(logging.CRITICAL + 1)  # it writes questions and answers into its log
    strict = Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, force_https=False)

    class Carrier(Transport):
        """zeep's transport over our wire: it fetches nothing and writes no question into a log."""

        def __init__(self, wire: Wire) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self._wire = wire

        def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> Reply:  # noqa: ARG002 -- zeep's
            return self._wire.post(etree_to_string(envelope), headers)  # type: ignore[no-untyped-call]

    def made(wire: Wire) -> Any:
        return Client(str(WSDL), transport=Carrier(wire), settings=strict)  # type: ignore[no-untyped-call]

    return made


def _read(reply: httpx.Response) -> bytes:
    if reply.status_code != OK:
        raise CardStatusUnavailable(f"status_{reply.status_code}")
    body = b""
    for chunk in reply.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise CardStatusUnavailable("too_long")
    return body
