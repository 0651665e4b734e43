"""Guards of refusals, rights, FHIR, papers and of those who act for others, for `make prove`."""

from tests.prove_decision import by

FHIR, FHIR_PAGE = "tests/idp/fhir/test_search.py", "tests/idp/web/test_fhir_refusals.py"
DETAIL = "tests/idp/oauth/features/test_authorization_details.py"
TOLD_ALIKE = "if verdict.reason is Reason.standing_refusal:"
SHOWN = "if reader.machine and verdict.refusal_id is not None:"
MET = "met = _led_to(context, act.id) if holder == ANY_HOLDER and places else {holder}"
VERSION = "if row is None or row.version != version:"
OVER = "over=details.over(gate.context(), here.asked_by)"
INTEROPERABLE = (
    ("fhir: who never met the person", "idp/fhir/search.py", MET, "met = set(places)", by(FHIR_PAGE, "never_met")),
    ("fhir: alike for all askers", "idp/fhir/search.py", TOLD_ALIKE, SHOWN, by(FHIR_PAGE, "plain_no")),
    (
        "fhir: as it was asked",
        "idp/fhir/search.py",
        "        asker=reader.stated.asker,\n",
        "",
        by(FHIR_PAGE, "side_by"),
    ),
    (
        "fhir: which topics",
        "idp/fhir/search.py",
        "        scopes={standing.purpose: scopes},\n",
        "",
        by(FHIR, "topic_that"),
    ),
    (
        "fhir: one's own refusals",
        "idp/fhir/finding.py",
        "own=not asked.person.acting",
        "own=True",
        by(FHIR, "in_general"),
    ),
    (
        "fhir: who asks is said in a body",
        "idp/fhir/finding.py",
        "if not in_body and set(params) & set(STATED):",
        "if False:",
        by(FHIR_PAGE, "stated_of_a_look"),
    ),
    (
        "grant: a visit and the whole",
        "idp/oauth/features/grant_management.py",
        'raise AuthorizeError("invalid_request", UNLIKE)',
        "continue",
        by(DETAIL, "whole_of_a_purpose"),
    ),
    (
        "grant: a visit that is over stays",
        "idp/withdrawal.py",
        " if tag_of(of) not in over]",
        "]",
        by(DETAIL, "stays_behind"),
    ),
    (
        "grant: used up",
        "idp/web/consent.py",
        OVER,
        "over=frozenset()",
        by("tests/idp/web/test_visit_words.py", "used_up"),
    ),
    (
        "notice: its own version",
        "consent/notices.py",
        VERSION,
        "if row is None:",
        by("tests/idp/web/test_published_notice.py", "never_published"),
    ),
)
SUSPENDING, PLACES = "tests/idp/test_suspending.py", "tests/idp/directory/test_roll_out.py"
WEIGHED = "    if lifted:\n        suspending.reconsider(session, subject_id, now=now)\n"
A_DAY, EVER = '_G.suspended_at > bindparam("since")', "_G.suspended_at.is_not(None)"
RESUMED = "        suspended.resume(context.session, grant.id)\n"
ITS_ENTITY = "SOME_OPEN = select(_F.hcode).where(_F.legal_entity_id == _ENTITY, "
NARROWED, REFUSALS = '"purposes": only}', "tests/idp/web/test_refusals.py"
REFUSED = (
    ("suspended: lifted", "idp/standing_refusals.py", WEIGHED, "", by(SUSPENDING, "takes_it_back")),
    ("suspended: a day long", "idp/oauth/status_list.py", A_DAY, EVER, by(SUSPENDING, "after_a_day")),
    (
        "suspended: not for a part",
        "idp/suspending.py",
        " and not any(one.permit for one in verdicts)",
        "",
        by(SUSPENDING, "in_part"),
    ),
    ("suspended: made again", "idp/oauth/tokens.py", RESUMED, "        pass\n", by(SUSPENDING, "made_again")),
    (
        "roll-out: from its moment",
        "idp/directory/roll_out.py",
        "_LATER.c.starts_at <= _BEGUN, ",
        "",
        by(PLACES, "latest or moment"),
    ),
    (
        "roll-out: its own places",
        "idp/directory/roll_out.py",
        ITS_ENTITY,
        ITS_ENTITY.replace("_F.legal_entity_id == _ENTITY, ", ""),
        by(PLACES),
    ),
    ("roll-out: asked", "consent/questions.py", "            roll_out_open=is_open,\n", "", by(PLACES, "closed_place")),
    (
        "refusal: no promise that does nothing",
        "consent/refusing.py",
        " and row.code != EMERGENCY",
        "",
        by("tests/consent/test_refusing.py", "narrowed or names"),
    ),
    (
        "refusal: what was ticked",
        "idp/web/refusal_form.py",
        NARROWED,
        NARROWED.replace("only", "()"),
        by(REFUSALS, "narrowed"),
    ),
    (
        "roll-out: not in the past",
        "idp/cli/rollout.py",
        "    if starts_at < now:\n",
        "    if False:\n",
        by("tests/idp/cli/test_rollout.py", "one_sentence"),
    ),
)
SCANS, DESK, SILENCE = "tests/idp/test_scans.py", "tests/idp/web/test_desk_consent.py", "tests/idp/test_silence.py"
ACTS = '            action = action.get_object() if hasattr(action, "idnum") else action\n'
STAFF = '    if gate.find_signed_in(token, kind="staff") is not None:'
PAUSE = "min(at - self.last_at, self.limit)"
REMINDED = ", _REMINDED.c.reminded_at <= now - REMIND_EVERY\n"
KEPT = (
    ("scan: a picture to its end", "idp/scans.py", "                picture.load()", "                pass", by(SCANS)),
    ("scan: its checksums", "idp/scans.py", "                picture.verify()", "                pass", by(SCANS)),
    ("scan: what acts", "idp/scans.py", ACTS, "", by(SCANS)),
    ("scan: no file on a disk", "idp/app.py", "    app.request_class = uploads.Request\n", "", by(DESK)),
    ("scan: staff alone", "idp/web/uploads.py", STAFF, "    if True:", by(DESK)),
    ("silence: told once", "idp/silence.py", ", _T.c.silent_at.is_(None))", ")", by(SILENCE)),
    ("silence: back once", "idp/silence.py", ", _T.c.silent_at.is_not(None))", ")", by(SILENCE)),
    ("silence: an outage is no rhythm", "idp/silence.py", PAUSE, "at - self.last_at", by(SILENCE)),
    ("reminder: one of two workers", "idp/watching.py", REMINDED, ",\n", by("tests/idp/test_watching.py")),
    (
        "copy: nobody else's consents",
        "idp/copying.py",
        " if not about_another(row, subject_id)]",
        "]",
        by("tests/idp/test_copying.py"),
    ),
    ("copy: nobody else's visits", "idp/copying.py", "name in hidden or ", "", by("tests/idp/test_copying.py")),
)
CASES, BREACH, SENT = (
    "tests/consent/rights/test_cases.py",
    "tests/consent/rights/test_breach.py",
    "tests/idp/web/test_send_on.py",
)
PAUSES = "tests/consent/rights/test_restricting.py"
EQUAL = '        ["subject_id", "same"],\n        unique=True'
HANDLE = "            RightsTransfer.fetched_at.is_(None),\n"
THEIRS = "            RightsTransfer.client_id == client_id,\n"
OF_WHOM = "or_(_PAUSE.recipient_id.is_(None), _PAUSE.recipient_id == _AT.recipient_id),"
RECEIVED, TAKES = "(case.entered_at or case.opened_at) + REST", "client.takes_transfers_since is not None"
CASE_TABLE = "idp/migrations/versions/r0022_cases_by_counter_and_post.py"
TRANSFERRING, BREACHES = "consent/rights/transferring.py", "consent/rights/breach.py"
ASKED = (
    (
        "pause: asked at every use",
        "consent/decision.py",
        "question.now < until else None",
        "False else None",
        by(PAUSES, "waits_and"),
    ),
    ("pause: of this recipient", "consent/standings.py", OF_WHOM, "", by(PAUSES, "next_question")),
    (
        "pause: nothing is erased",
        "idp/keeping.py",
        "over, written, ~paused",
        "over, written",
        by("tests/idp/web/test_pauses.py", "outlive"),
    ),
    ("transfer: its own client", TRANSFERRING, THEIRS, "", by(SENT, "nobody_else")),
    ("transfer: once", TRANSFERRING, HANDLE, "", by(SENT, "fetches_the_data_once")),
    ("transfer: who may take it", "idp/transfers.py", TAKES, "True", by(SENT, "registered")),
    ("breach: two officers", BREACHES, "    if case.tell_asked_by == by:", "    if False:", by(BREACH, "two_officers")),
    ("breach: the clock anew", BREACHES, 'all(one.risk == "none" for one in before)', "True", by(BREACH, "clock_anew")),
    ("case: one of two equal", CASE_TABLE, EQUAL, EQUAL.replace("True", "False"), by(CASES, "database_itself")),
    (
        "case: a week from its entry",
        "idp/erasure.py",
        RECEIVED,
        "case.opened_at + REST",
        by("tests/idp/test_paper_cases.py", "week_before"),
    ),
)
RIGHTS = (*INTEROPERABLE, *REFUSED, *KEPT, *ASKED)
