"""Guards of consent, family, rights, grants and reports, for `make prove`: name, file, old text, new text, tests."""

from tests.prove_decision import DECIDED, by

HERE, PAGES = "tests/idp/", "tests/idp/web/"
FEATURES = HERE + "oauth/features/"


WITHDRAWAL, DELIVERIES = "tests/consent/test_withdrawal.py", HERE + "test_deliveries.py"
ASKED, OFFER = PAGES + "test_consent.py", PAGES + "test_offer.py"
RENEWING, NOTICES, ABROAD = HERE + "test_renewing.py", "tests/consent/test_notices.py", "tests/consent/test_abroad.py"
PROXY, FAMILY = FEATURES + "test_proxy.py", HERE + "test_family.py"
REPORTS, FHIR = HERE + "test_reports.py", PAGES + "test_fhir.py"
CASES, BREACH = "tests/consent/rights/test_cases.py", "tests/consent/rights/test_breach.py"
ERASURE, RIGHTS = HERE + "test_erasure.py", PAGES + "test_rights.py"
MANAGED, VISIT = FEATURES + "test_grant_management.py", FEATURES + "test_authorization_details.py"
LISTED = HERE + "relying/test_status.py"

TAKEN_BACK = (
    (
        "undo: in a minute",
        "consent/withdrawal.py",
        "now - withdrawal.withdrawn_at > UNDO_WITHIN or ",
        "",
        by(WITHDRAWAL),
    ),
    ("undo: the same words", "consent/withdrawal.py", "!= record.notice_version)", "is None)", by(WITHDRAWAL)),
    ("undo: who agreed", "consent/withdrawal.py", "record.actor_id != by or ", "", by(WITHDRAWAL)),
    (
        "a kind taken back takes its scopes",
        "consent/reach.py",
        "if kind not in of_scope",
        "if kind or of_scope",
        by(WITHDRAWAL),
    ),
    (
        "events: in order",
        "idp/outbox.py",
        "Letter.next_at <= now, _NONE_BEFORE)",
        "Letter.next_at <= now)",
        by(DELIVERIES),
    ),
    ("events: soon after", "idp/outbox.py", "min(pause, LONGEST_EVENT_PAUSE)", "pause", by(DELIVERIES)),
    (
        "silent: what was withdrawn is an answer",
        "idp/asking.py",
        "if silent and stands else asked",
        "if False else asked",
        by(HERE + "test_withdrawal.py"),
    ),
)
WORDS = (
    (
        "notice: a new wording asks again",
        "idp/renewing.py",
        "row.reworded and _reworded(session, row)",
        "False",
        by(ASKED),
    ),
    (
        "notice: a new value asks again",
        "idp/renewing.py",
        "row.values_mac is not None and _other_values(session, ring, row)",
        "False",
        by(ASKED),
    ),
    (
        "notice: a kind that is gone asks nobody",
        "idp/renewing.py",
        ' if mac.partition(":")[0] in kinds]',
        "]",
        by(ASKED),
    ),
    ("notice: a surer identity", "idp/renewing.py", " and now_at > Ial(at)", "", by(RENEWING)),
    (
        "abroad: what is new",
        "consent/abroad.py",
        'set((new or "").split()) - set((old or "").split())',
        "new != old",
        by(ABROAD),
    ),
    ("notice: how to undo", "consent/notices.py", "undo = (_UNDO[locale],) if asked else ()", "undo = ()", by(NOTICES)),
    (
        "values: a key of their owner",
        "idp/people.py",
        "own = hmac.digest(self._key(owner), b",
        "own = hmac.digest(b'x', b",
        by(RENEWING),
    ),
    ("offer: no for a year", "idp/web/offer.py", "cookies.read(cookies.NOT_NOW) == YES or ", "", by(OFFER)),
)
HANDS = (
    (
        "family: two parents are no pair",
        "consent/family/cosigning.py",
        "(self.capacity == SELF) != (choice.capacity == SELF) and self.signed_by",
        "self.signed_by",
        by(FAMILY),
    ),
    (
        "family: signed once",
        "consent/family/cosigning.py",
        ".where(_P.id == proposal_id, _P.settled_at.is_(None), _P.expires_at > now)",
        ".where(_P.id == proposal_id)",
        by("tests/consent/family/test_cosigning.py"),
    ),
    (
        "family: ended once",
        "consent/family/links.py",
        ".where(_G.id == link_id, _CONFIRMED, _G.ended_at.is_(None))",
        ".where(_G.id == link_id, _CONFIRMED)",
        by(FAMILY),
    ),
    (
        "family: one's own ward",
        "idp/proxies.py",
        "if link is None or link.guardian_id != guardian_id:",
        "if link is None:",
        by(PROXY),
    ),
    ("family: both", "idp/oauth/deciding.py", "if proxy.link.needed == Needed.both:", "if False:", by(PROXY)),
    (
        "family: not under one's name",
        "idp/on_behalf.py",
        "if acting is not None and one.verdict.permit and not signed_under(one, acting):",
        "if False:",
        by(PROXY),
    ),
    ("family: never silently", "idp/oauth/features/proxy.py", ' and "none" not in draft.sure["prompt"]', "", by(PROXY)),
)
GRANTS = (
    (
        "grant: moved by a replacement",
        "idp/oauth/tokens.py",
        " or slots.moved(claims, context.issuer, grant.place)",
        "",
        by(FEATURES + "test_status_list.py", "before_a_replacement"),
    ),
    (
        "visit: its last use",
        "idp/oauth/tokens.py",
        "        wanted = details.spend(context, grant.id, wanted, grant.details)",
        "        pass",
        by(VISIT, "ends_with_its_last_use"),
    ),
    (
        "grant: whose it is",
        "idp/oauth/management.py",
        'row is not None and row["subject_id"] == subject_id',
        "row is not None",
        by(MANAGED),
    ),
    (
        "grant: whose client",
        "idp/oauth/features/grant_management.py",
        "found.client_id != client_id or ",
        "",
        by(MANAGED),
    ),
    (
        "grant: merged with what it holds",
        "idp/oauth/features/grant_management.py",
        "        if action == management.MERGE:",
        "        if False:",
        by(MANAGED, "asks_along"),
    ),
    ("status list: ours", "idp/relying/status.py", 'if claims.get("sub") != uri or ', "if ", by(LISTED)),
)
SEEN = (
    ("report: its own sector", "idp/reports.py", " or not hmac.compare_digest(known, report.sub):", ":", by(REPORTS)),
    ("report: one story an id", "idp/reports.py", "if before != said:", "if False:", by(REPORTS)),
    ("report: its own facility", "idp/reports.py", "if entity != grant.recipient_id:", "if False:", by(REPORTS)),
    ("fhir: a number in a body alone", "idp/fhir/finding.py", "    if not in_body:", "    if False:", by(FHIR)),
    (
        "fhir: a standing refusal hides",
        "idp/fhir/search.py",
        "if verdict.reason is Reason.standing_refusal:",
        "if False:",
        by(FHIR),
    ),
    (
        "own interfaces: their clients",
        "idp/oauth/own.py",
        "if not may(client, scope):",
        "if False:",
        by(HERE + "oauth/test_own.py"),
    ),
)
OF_RIGHT = (
    (
        "rights: answered once",
        "consent/rights/cases.py",
        '    _move(session, case, RightsCase.state == "open", closed_at',
        "    _move(session, case, closed_at",
        by(CASES),
    ),
    (
        "rights: put off in time",
        "consent/rights/cases.py",
        "RightsCase.due_at > now)",
        "RightsCase.due_at > case.opened_at)",
        by(CASES),
    ),
    (
        "breach: unweighed is a risk",
        "consent/rights/breach.py",
        'case.risk != "none"',
        'case.risk not in ("none", None)',
        by(BREACH),
    ),
    ("erasure: a week", "idp/erasure.py", "(case.entered_at or case.opened_at) + REST", "case.opened_at", by(ERASURE)),
    (
        "erasure: no pseudonym stays",
        "idp/erasure.py",
        "    log.forget(session, subject_id)\n    session.expire_all()",
        "    session.expire_all()",
        by(ERASURE),
    ),
    (
        "rights: nobody's own case",
        "idp/rights.py",
        "if by in (case.subject_id, case.actor_id):",
        "if False:",
        by(RIGHTS, "of_their_own"),
    ),
)
CONSENT = (*DECIDED, *TAKEN_BACK, *WORDS, *HANDS, *GRANTS, *SEEN, *OF_RIGHT)
