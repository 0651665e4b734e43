"""Tell the issuer what was really opened, so that the person reads it (IHE BALP; `POST {issuer}/audit/v1/AuditEvent`).

A report is a file in a folder before the answer leaves the holder, and goes away when the issuer has taken it: neither
a crash nor an issuer that is down loses one, and a repeat is known by its id. It holds no name, no value and no id of a
record: the person stands in it by the `sub` of the token, the data by its kind.
"""

import json
import logging
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from idp.relying.keys import Clock, wall_clock
from idp.relying.verify import VerifiedToken

TIMEOUT = httpx.Timeout(5.0)
PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
REFUSED_FOR_GOOD = frozenset({400, 403, 409, 413, 422})
OPENED, DENIED = "0", "4"  # FHIR AuditEvent.outcome
HCODE = "https://terms.sil-th.org/id/th-moph-hcode"

logger = logging.getLogger("yinyom.reporter")


class Reporter:
    """Reports of one holder. Threads may share it; `start` begins the thread that sends."""

    def __init__(
        self,
        issuer: str,
        holder: str,
        client_id: str,
        client_secret: str,
        *,
        folder: Path,
        clock: Clock = wall_clock,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.issuer, self.holder, self.folder = issuer, holder, folder
        self._clock = clock
        self._client = httpx.Client(timeout=TIMEOUT, auth=(client_id, client_secret), transport=transport)
        self._stop, self._posted = threading.Event(), threading.Event()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def opened(self, token: VerifiedToken, *types: str, unit: str = "", outcome: str = OPENED) -> None:
        """Keep the report of one read of these FHIR types (or, with DENIED, of a try that was refused).

        A token that opens nobody's record, or that names no grant, has nothing to tell. `unit` is a code of the
        issuer's list. Raises: OSError when the report cannot be kept: then the data should not leave either.
        """
        grant_id = token.claims.get("grant_id")
        if token.patient is None or not isinstance(grant_id, str) or not types:
            return
        event = self._event(token, grant_id, types, unit=unit, outcome=outcome)
        waiting = self.folder / f"{event['id']}.part"
        waiting.write_text(json.dumps(event), encoding="utf-8")
        waiting.rename(waiting.with_suffix(".json"))
        self._posted.set()

    def start(self) -> None:
        """Send what waits, now and whenever there is more, until the process ends."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Stop sending; what waits is sent by the next process with this folder."""
        self._stop.set()
        self._posted.set()

    def send(self) -> bool:
        """Send what waits, oldest first; False when the issuer could not be asked, or was not well."""
        for path in sorted(self.folder.glob("*.json"), key=lambda one: one.stat().st_mtime_ns):
            try:
                answer = self._client.post(
                    f"{self.issuer}/audit/v1/AuditEvent",
                    content=path.read_bytes(),
                    headers={"Content-Type": "application/fhir+json"},
                )
            except httpx.HTTPError:
                return False
            if answer.status_code in REFUSED_FOR_GOOD:
                logger.error("a report was refused: %s", answer.status_code)
                path.rename(path.with_suffix(".refused"))  # kept for whoever looks after this service
            elif answer.is_success:
                path.unlink()
            else:
                return False
        return True

    def _run(self) -> None:
        pause = PAUSE_S
        while not self._stop.is_set():
            sent = False
            with suppress(OSError):
                sent = self.send()
            pause = PAUSE_S if sent else min(LONGEST_PAUSE_S, pause * 2)
            if sent:
                self._posted.wait(LONGEST_PAUSE_S)
            else:
                self._stop.wait(pause)
            self._posted.clear()

    def _event(
        self, token: VerifiedToken, grant_id: str, types: Sequence[str], *, unit: str, outcome: str
    ) -> Mapping[str, Any]:
        at = datetime.fromtimestamp(self._clock(), UTC)
        agent: dict[str, Any] = {"requestor": True, "policy": [f"{self.issuer}/grants/{grant_id}"]}
        jti = token.claims.get("jti")
        if isinstance(jti, str):
            agent["policy"].append(f"urn:ietf:params:oauth:jti:{jti}")  # BALP, OAuth access token use, minimal
        if token.hcode:
            agent["who"] = {"identifier": {"system": HCODE, "value": token.hcode}}
        if unit:
            agent["role"] = [{"coding": [{"system": f"{self.issuer}/units", "code": unit}]}]
        return {
            "resourceType": "AuditEvent",
            "id": str(uuid.uuid4()),
            "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
            "action": "R",
            "recorded": at.isoformat(timespec="milliseconds"),
            "outcome": outcome,
            "agent": [agent],
            "source": {"observer": {"identifier": {"value": self.holder}}},
            "entity": [
                {"what": {"identifier": {"value": token.patient}}, "role": {"code": "1"}},
                *({"what": {"type": kind}, "role": {"code": "4"}} for kind in types),
            ],
        }
