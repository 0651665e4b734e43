import pytest

from idp.assurance import ACR_VALUES, AMR_WORDS, KINDS, Aal, Ial, aal_from_acr, aal_of, amr_of, roles_open


@pytest.mark.parametrize(
    ("factors", "level"),
    [
        ((), None),
        (("sms",), Aal.AAL1),
        (("pin",), Aal.AAL1),
        (("totp",), Aal.AAL1),
        (("sms", "pin"), Aal.AAL2_1),
        (("totp", "pin"), Aal.AAL2_1),
        (("sms", "totp"), Aal.AAL1),
        (("sms", "totp", "recovery"), Aal.AAL1),
        (("recovery",), Aal.AAL1),
        (("recovery", "pin"), Aal.AAL2_1),
        (("line",), Aal.AAL1),
        (("line", "pin"), Aal.AAL1),
        (("line", "sms"), Aal.AAL1),
        (("line", "pin", "totp"), Aal.AAL2_1),
        (("key",), Aal.AAL3),
        (("passkey", "key"), Aal.AAL3),
        (("passkey",), Aal.AAL2_2),
        (("sms", "passkey"), Aal.AAL2_2),
    ],
)
def test_proved_factors_add_up_to_a_level(factors, level):
    """ETDA 20-2564; a passkey that verified its user is two factors in one."""
    assert aal_of(factors) is level


def test_the_same_factor_twice_is_one_factor():
    """ETDA 20-2564: two factors must be of two kinds."""
    assert aal_of(["sms", "sms"]) is Aal.AAL1


def test_levels_compare_by_strength_and_not_by_spelling():
    """Both scales of ETDA: 2.1 before 2.2 before 3."""
    assert Aal.AAL1 < Aal.AAL2_1 < Aal.AAL2_2 < Aal.AAL3
    assert Ial.IAL1_3 <= Ial.IAL2_1 <= Ial.IAL3
    assert Aal.AAL2_2 >= Aal.AAL2_2 > Aal.AAL2_1
    assert sorted(Ial, key=lambda level: level.rank) == list(Ial)


def test_acr_goes_there_and_back():
    """OIDC Core 2: acr names an authentication context class."""
    assert [aal_from_acr(acr) for acr in ACR_VALUES] == [Aal.AAL1, Aal.AAL2_1, Aal.AAL2_2]


def test_a_level_that_nobody_can_reach_is_the_highest_there_is():
    """OIDC Core 3.1.2.1: `acr_values` is voluntary; AAL3 would lead the person to a page without a way on."""
    assert aal_from_acr(Aal.AAL3.acr) is Aal.AAL2_2


@pytest.mark.parametrize("foreign", ["", "0", "urn:yinyom:aal:", "urn:yinyom:aal:9", "urn:mace:incommon:iap:silver"])
def test_an_acr_that_is_not_ours_is_no_level(foreign):
    """OIDC Core 3.1.2.1: unknown acr_values are not an error."""
    assert aal_from_acr(foreign) is None


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ((), []),
        (("pin",), ["pin"]),
        (("sms",), ["otp", "sms"]),
        (("pin", "sms"), ["mfa", "otp", "pin", "sms"]),
        (("sms", "totp"), ["otp", "sms"]),
        (("recovery",), ["otp"]),
        (("line",), []),
        (("line", "passkey"), ["mfa", "pop", "user"]),
        (("passkey",), ["mfa", "pop", "user"]),
        (("key",), ["hwk", "mfa", "user"]),
    ],
)
def test_amr_speaks_the_registered_words(factors, words):
    """RFC 8176 section 2: mfa stands beside the methods that made it."""
    assert amr_of(factors) == words


def test_only_an_attested_key_says_hardware():
    """RFC 8176 section 2: `hwk` is proof of a hardware-secured key; a synced passkey is none."""
    assert [factor for factor, words in AMR_WORDS.items() if "hwk" in words] == ["key"]
    assert set(KINDS) < set(AMR_WORDS)


@pytest.mark.parametrize(
    ("aal", "needing", "open_now"),
    [
        (None, set(), {"auditor", "clerk"}),
        (Aal.AAL2_2, set(), {"auditor", "clerk"}),
        (Aal.AAL2_2, {"auditor"}, {"clerk"}),
        (None, {"auditor"}, {"clerk"}),
        (Aal.AAL3, {"auditor"}, {"auditor", "clerk"}),
    ],
)
def test_a_role_that_needs_a_security_key_is_not_exercised_without_one(aal, needing, open_now):
    """THAI.md 3: AAL3 for auditors and administrators, where the operator says so."""
    assert roles_open({"auditor", "clerk"}, aal, needing) == open_now
