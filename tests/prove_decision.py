"""Guards of the decision, for `make prove`: name, file, old text, new text, tests."""


def by(file: str, name: str = "") -> tuple[str, ...]:
    """One file of tests, or one test in it."""
    return (file, "-k", name) if name else (file,)


PAGES = "tests/idp/web/"
DECISION, CLOSE = "tests/consent/test_decision.py", "tests/consent/test_specificity.py"
CHOSEN, NO = "tests/consent/test_choices.py", "tests/consent/test_refusing.py"
DECIDED = (
    (
        "decision: a visit that nobody can ask",
        "consent/decision.py",
        "visit_runs is not True:",
        "visit_runs is False:",
        by(DECISION),
    ),
    (
        "decision: hands that nobody can ask",
        "consent/decision.py",
        "return None if standing.guardianship_id is None else Reason.guardian_ended",
        "return None",
        by(DECISION),
    ),
    (
        "decision: a refusal is not seen",
        "consent/reasons.py",
        "(Reason.standing_refusal, Reason.needs_guardian, Reason.needs_cosign)",
        "(Reason.needs_guardian, Reason.needs_cosign)",
        by(DECISION),
    ),
    (
        "refusal: only what came later passes",
        "consent/specificity.py",
        "consented.given_at <= refusal.made_at",
        "consented.given_at < refusal.made_at",
        by(CLOSE),
    ),
    (
        "refusal: treatment is not blocked",
        "consent/specificity.py",
        "ground = rests_on_consent or refusal.level in BITES_ON_LAW",
        "ground = True",
        by(CLOSE),
    ),
    ("choice: on what they act", "consent/choices.py", '("capacity", _hands_are_clear(choice)),', "", by(CHOSEN)),
    (
        "choice: a witness where the row says so",
        "consent/choices.py",
        "if choice.witness is None or not purpose.witnessed_at_counter:",
        "if choice.witness is None:",
        by(CHOSEN),
    ),
    (
        "refusal: one's own",
        "consent/refusing.py",
        "if row is None or row.subject_id != subject_id:",
        "if row is None:",
        by(NO),
    ),
)
DECIDED += (
    (
        "decision: of what is read here",
        "idp/decisions.py",
        "if not read_here:",
        "if False:",
        by(PAGES + "test_decision.py"),
    ),
    (
        "family: nothing after the end",
        "idp/web/family.py",
        "or entry.at > (link.ended_at or link.ends_at)",
        "",
        by(PAGES + "test_family.py", "after_it"),
    ),
    (
        "erasure: by who just signed in",
        "idp/web/dpo.py",
        'if act == "erase":',
        "if False:",
        by(PAGES + "test_rights.py", "just_signed_in"),
    ),
    (
        "volunteers: a day, and reading",
        "consent/rows.py",
        "if recipient_kind != VOLUNTEER or self.kind is not Kind.CITIZEN_CONSENT:",
        "if True:",
        by("tests/consent/test_volunteers.py"),
    ),
)
