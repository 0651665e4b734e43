"""Guards of those who act for others, family and helpers of one's own choice, for `make prove`."""

from tests.prove_decision import by

HELPER, ENTRUSTED = "tests/idp/test_representatives.py", "tests/idp/test_entrusting.py"
OPENS, LINKED = (
    "if helping.opens(proxy.link, code)}",
    "if ended.purpose == helping.PURPOSE and ended.guardianship_id is not None:",
)
AT_THE_DOOR = "asked_at_every_use_and_not_only_at_the_door"
INVITED = "consent/family/invitations.py"
ONCE = "_I.code_hash == code_hash, _I.guardian_id.is_(None),"
ANSWERS = "if what is What.consent and ANSWER not in link.may.split():"
READ = "if not read or asked.accepted_at"
FRESH = "asked_by=desk.person_id, now=now, since=since) if since"
HELPERS = (
    ("helper: what was entrusted", "idp/oauth/deciding.py", OPENS, "if True}", by(HELPER, AT_THE_DOOR)),
    (
        "helper: consent and link",
        "idp/withdrawal.py",
        LINKED,
        "if False:",
        by(HELPER, "withdrawing_the_consent_anywhere"),
    ),
    (
        "helper: no undo",
        "consent/withdrawal.py",
        "record.purpose == HELPER",
        "False",
        by(HELPER, "withdrawing_the_consent_anywhere"),
    ),
    ("helper: a code once", INVITED, ONCE, "_I.code_hash == code_hash,", by(HELPER, "typed_once")),
    ("helper: not oneself", INVITED, ".where(_I.ward_id != by)", ".where(_I.id != by)", by(HELPER, "typed_once")),
    ("helper: to see is not to answer", "consent/family/helping.py", ANSWERS, "if False:", by(HELPER, "may_only_see")),
    (
        "helper: answers by the link",
        "idp/hands.py",
        "if choice.capacity == Kind.helper:",
        "if False:",
        by(HELPER, "may_only_see"),
    ),
    (
        "helper: not more than that",
        "idp/on_behalf.py",
        "helping.opens(acting.link, code)",
        "True",
        by(HELPER, "not_entrusted_is_not_opened"),
    ),
    (
        "proxy: no birthday",
        "idp/oauth/acting.py",
        "if link.ends_by not in BIRTHDAYS:",
        "if True:",
        by("tests/idp/oauth/features/test_proxy.py", "not_told_as_an_end"),
    ),
    (
        "helper: words that were read",
        "idp/web/helper_invitations.py",
        READ,
        "if asked.accepted_at",
        by("tests/idp/web/test_representatives.py", "words_that_were_read"),
    ),
    (
        "helper: a signature in time",
        "idp/entrusting.py",
        FRESH,
        FRESH.replace(", since=since", ""),
        by(ENTRUSTED, "signature_of_before"),
    ),
    (
        "helper: a third signs",
        "idp/entrusting.py",
        "second in (asked.ward_id, asked.guardian_id)",
        "False",
        by(ENTRUSTED, "neither_of_the_two"),
    ),
    (
        "helper: a court's word",
        "idp/guardians.py",
        "if drawn.kind in (Kind.guardian, Kind.curator):",
        "if False:",
        by("tests/idp/web/test_desk_helper.py", "courts_guardian_ends"),
    ),
)
ACTS, WARD = "tests/idp/test_ward_acts.py", "tests/idp/web/test_ward.py"
BLOTTED = '    return replace(found, words="", answer="")'
LIFTS = "    if not wards.may_lift(session, ward, found.view.actor_id, now=now):"
SEEN = "if ward.sees_all or one.actor_id == ward.actor_id]"
TAKEN_BACK = "actor_id is not None and withdrawal is not None and withdrawal.actor_id != actor_id"
WARDS = (
    (
        "ward: what a deed asks",
        "idp/wards.py",
        "    if not ward.may(deed):",
        "    if False:",
        by(WARD, "young_persons_alone"),
    ),
    (
        "ward: a helper is no guardian",
        "idp/wards.py",
        "proxy is None or proxy.kind == Kind.helper",
        "proxy is None",
        by(ACTS, "nobodys_guardian"),
    ),
    ("ward: only what both signed", "idp/wards.py", SEEN, "if True]", by(WARD, "only_what_both_signed")),
    ("ward: the other parent's words", "idp/wards.py", BLOTTED, "    return found", by(ACTS, "other_parent_wrote")),
    ("ward: the other parent's no", "idp/ward_acts.py", LIFTS, "    if False:", by(ACTS, "no_of_one_parent")),
    (
        "ward: no visit, no person",
        "idp/ward_acts.py",
        "    if no.level not in ward.levels:",
        "    if False:",
        by(ACTS, "names_no_visit"),
    ),
    ("ward: ended", "idp/proxies.py", "found.stopped_at(now) is not None", "False", by(WARD, "ended_means_nothing")),
    (
        "ward: another one's",
        "idp/proxies.py",
        "if link is None or link.guardian_id != guardian_id:",
        "if link is None:",
        by(WARD, "another_ones_ward"),
    ),
    ("undo: not the other's", "consent/withdrawal.py", TAKEN_BACK, "False", by(ACTS, "other_parent_took_back")),
    ("ward: an erasure", "idp/web/ward_rights.py", "    if erases:", "    if False:", by(WARD, "erasure_for_a_child")),
)
ACTING = (*HELPERS, *WARDS)
