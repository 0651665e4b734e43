"""A record holder: a resource server with synthetic FHIR records. It shows all that a holder needs of us.

Each route is one line of `require`: the token is proven offline, then the issuer is asked live, and only while it
cannot be reached does the token's own minute of life decide. A citizen's own token and that of a clinician who treats
them in a visit open the same record.
"""

from collections import Counter
from collections.abc import Callable
from threading import Lock

from flask import Flask, Response, abort, g, jsonify, request

from idp.demo import fhir
from idp.relying import Reporter, Verifier, require, require_record


def create_holder(verifier: Verifier, *, base: str, reporter: Reporter | None = None) -> Flask:
    """The WSGI application. `base` is where it is reached, for the links inside bundles.

    With a `reporter` each read is told to the issuer: kept for it before the record leaves.
    """
    app = Flask("holder", static_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    reads: Counter[str] = Counter()
    lock = Lock()

    def counted(answer: Response, *types: str) -> Response:
        checked = g.token.checked
        if reporter is not None:
            reporter.opened(g.token, *types)
        with lock:
            reads[checked] += 1
        answer.headers["X-Checked"] = checked
        answer.headers["Cache-Control"] = "no-store"
        return answer

    for kind in fhir.TYPES:
        _add_routes(app, kind, verifier, counted, base=base)

    @app.get("/entitlement")
    @require(verifier, "moph.entitlement.read")
    def entitlement() -> Response:
        return counted(jsonify(scheme="UCS", name_th="หลักประกันสุขภาพแห่งชาติ (ตัวอย่าง)"))

    @app.get("/state")
    def state() -> Response:
        return jsonify(reads=dict(reads))

    @app.get("/livez")
    def livez() -> Response:
        return Response("ok\n", mimetype="text/plain")

    return app


def _add_routes(app: Flask, kind: str, verifier: Verifier, counted: Callable[..., Response], *, base: str) -> None:
    @require_record(verifier, f"{kind}.s")
    def search() -> Response:
        if request.args.get("patient", g.token.patient) not in (g.token.patient, f"Patient/{g.token.patient}"):
            abort(404)  # somebody else's record is not found, never forbidden
        return counted(jsonify(fhir.bundle(fhir.resources(kind, g.token.patient), base=f"{base}/fhir")), kind)

    @require_record(verifier, f"{kind}.r")
    def read(resource_id: str) -> Response:
        found = [r for r in fhir.resources(kind, g.token.patient) if r["id"] == resource_id]
        if not found:
            abort(404)
        return counted(jsonify(found[0]), kind)

    app.add_url_rule(f"/fhir/{kind}", f"search_{kind}", search)
    app.add_url_rule(f"/fhir/{kind}/<resource_id>", f"read_{kind}", read)
