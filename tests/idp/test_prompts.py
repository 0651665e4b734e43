import pytest

from idp.assurance import Aal, Ial
from idp.prompts import Facts, Prompt, Requirement, next_prompt, silent_error
from tests.fakes import NOW, SECOND

HEALTH = Requirement(aal=Aal.AAL2_1, ial=Ial.IAL1_3, purposes=("APPT",))
THERE = {"aal": Aal.AAL2_1, "ial": Ial.IAL1_3, "auth_time": NOW}


@pytest.mark.parametrize(
    ("need", "facts", "prompt"),
    [
        (Requirement(), Facts(), Prompt.LOGIN),
        (Requirement(), Facts(aal=Aal.AAL1), Prompt.LOGIN),
        (Requirement(), Facts(aal=Aal.AAL1, ial=Ial.IAL1_1, auth_time=NOW), None),
        (HEALTH, Facts(aal=Aal.AAL1, ial=Ial.IAL1_1, auth_time=NOW), Prompt.STEP_UP),
        (HEALTH, Facts(aal=Aal.AAL2_2, ial=Ial.IAL1_2, auth_time=NOW), Prompt.PROOFING),
        (HEALTH, Facts(aal=Aal.AAL2_2, ial=None, auth_time=NOW), Prompt.PROOFING),
        (HEALTH, Facts(**THERE, missing=("APPT",)), Prompt.CONSENT),
        (HEALTH, Facts(**THERE), None),
        (HEALTH, Facts(**THERE, wrong_person=True), Prompt.LOGIN),
        (Requirement(login_after=NOW), Facts(**THERE), None),
        (Requirement(login_after=NOW + SECOND), Facts(**THERE), Prompt.LOGIN),
        (Requirement(login_after=NOW - SECOND), Facts(**THERE), None),
    ],
)
def test_one_thing_at_a_time_in_the_order_that_makes_the_next_possible(need, facts, prompt):
    """OIDC Core 3.1.2.3; DECISIONS 3."""
    assert next_prompt(need, facts) is prompt


@pytest.mark.parametrize(
    ("prompt", "error"),
    [
        (Prompt.LOGIN, "login_required"),
        (Prompt.STEP_UP, "interaction_required"),
        (Prompt.PROOFING, "interaction_required"),
        (Prompt.CONSENT, "consent_required"),
    ],
)
def test_prompt_none_names_what_is_missing(prompt, error):
    """OIDC Core 3.1.2.6."""
    assert silent_error(prompt) == error
