"""What SMS gateways tell us of themselves: receipts of delivery, signed with a secret that both sides have."""

import hashlib
import hmac

from flask import Blueprint, Response, g, request

from idp.contact import gateways, passages
from idp.web import gate
from idp.web.gate import Refused, Tx, Who, route

bp = Blueprint("hooks", __name__)
FINAL = {"delivered": True, "undelivered": False, "expired": False, "rejected": False}
LONGEST_KEY = 200
SIGNATURE = "X-Gateway-Signature"


@route(
    bp,
    f"/hooks/sms/<any({gateways.FIRST}, {gateways.SECOND}):gateway>",
    methods=("POST",),
    tx=Tx.WRITE,
    who=Who.CLIENT,
    json=True,
)
def receipt(gateway: str) -> Response:
    """`{"key": …, "status": …}` with `X-Gateway-Signature: sha256=<hex>`, the HMAC of the body; answered 204.

    So is what comes twice, late, or about no message of ours: a gateway stops telling then. A status on the way to a
    final one is passed over. Without a secret in the settings there is nothing here.
    """
    refuse_strangers()
    told = request.get_json(silent=True) if request.is_json else None
    key, status = (told.get("key"), told.get("status")) if isinstance(told, dict) else (None, None)
    if not isinstance(key, str) or not isinstance(status, str) or "\0" in key:
        raise Refused("bad_request", 400, detail="receipt")
    if status in FINAL and len(key) <= LONGEST_KEY:
        passages.receive(g.session, gateway=gateway, key=key, delivered=FINAL[status], code=status, now=g.now)
    return Response(status=204)


def refuse_strangers() -> None:
    """The signature over the very bytes that came, compared in constant time."""
    secret = gate.house().settings.sms_receipts_secret()
    if secret is None:
        raise Refused("not_found", 404)
    expected = "sha256=" + hmac.new(secret.encode(), request.get_data(), hashlib.sha256).hexdigest()
    given = request.headers.get(SIGNATURE, "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(given, expected.encode()):
        raise Refused("forbidden", 403, detail="signature")
