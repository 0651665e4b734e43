import pytest

from idp.national_id import age_on
from idp.proofing.sources.fake import COLUMNS, PeopleFault, SandboxRegistry
from idp.proofing.sources.registry import NoRegistry
from tests.fakes import NOW

HEADER = "\t".join(COLUMNS)
LINE = "3999000010035\tนาย\tสมชาย\tใจสมมติ\tMr.\tSomchai\tJaisommut\t1979\tmale\t010-000-0035\t\t\talive\t1.1\t"
CAST = [
    "1999000010012",
    "1999000010021",
    "1999000010063",
    "1999000010071",
    "1999000010080",
    "3999000010035",
    "3999000010043",
    "3999000010141",
    "2999000010053",
    "4999000010173",
    "5999000010091",
    "6999000010102",
    "7999000010119",
    "8999000010125",
    "0999000010138",
    "1999000010152",
    "1999000010161",
    "3999000010183",
    "3999000010191",
    "1999000010209",
]


def test_the_whole_cast_is_in_the_file():
    """THAI 6.4: the ready set, edge cases included."""
    people = SandboxRegistry().people

    assert sorted(people) == sorted(CAST)
    assert len({person.phone for person in people.values()}) == len(CAST)
    assert all(person.phone.startswith("010-000-") for person in people.values())
    assert people["3999000010141"].birth_date == "1933"
    assert people["6999000010102"].family_name_th == ""
    assert people["1999000010161"].status == "deceased"
    assert people["1999000010071"].birth_date == people["1999000010080"].birth_date
    assert [age_on(people[number].birth_date, NOW) for number in CAST[:3]] == [8, 15, 19]
    assert {person.attested_ial for person in people.values()} == {"1.3"}


def test_the_first_persona_has_every_standard_claim():
    """OIDC Core 5.1: e-mail, phone and address for the demo services to show."""
    somchai = SandboxRegistry().look_up("3999000010035")

    assert somchai is not None
    assert somchai.email == "somchai@example.test"
    assert somchai.address.startswith("999/1 หมู่ที่ 99")


def test_an_unknown_number_is_nobody():
    """The port: None, not an error."""
    assert SandboxRegistry().look_up("0000000000001") is None
    assert NoRegistry().look_up("3999000010035") is None


def test_another_file_replaces_the_cast(tmp_path):
    """Settings: sandbox_registry; spreadsheet programs put a byte order mark in front."""
    path = tmp_path / "people.tsv"
    path.write_text(f"{HEADER}\n{LINE}\n", encoding="utf-8-sig")

    registry = SandboxRegistry(path)

    assert list(registry.people) == ["3999000010035"]
    assert registry.look_up("1999000010012") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("national_id\tphone\n", "columns are missing: address"),
        (f"{HEADER}\n{LINE}\n{LINE}\n", "line 3: this national ID stands twice"),
        (f"{HEADER}\n{LINE}\textra\n", "line 2: not as many fields"),
        (f"{HEADER}\n3999000010035\tนาย\n", "line 2: not as many fields"),
        (f"{HEADER}\n{LINE.replace('0035', '0036', 1)}\n", r"line 2: the national ID is wrong \(checksum\)"),
        (f"{HEADER}\n{LINE.replace('3999000010035', '3999100010037')}\n", "could belong to a real person"),
        (f"{HEADER}\n{LINE.replace('alive', 'asleep')}\n", "line 2: status is alive or deceased"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence_without_its_data(tmp_path, text, sentence):
    """Bad input anywhere: which line and why."""
    path = tmp_path / "people.tsv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(PeopleFault, match=sentence) as refused:
        SandboxRegistry(path).look_up("3999000010035")

    assert "สมชาย" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """Settings: a wrong path."""
    with pytest.raises(PeopleFault, match="cannot be read"):
        SandboxRegistry(tmp_path / "nobody.tsv").look_up("3999000010035")
