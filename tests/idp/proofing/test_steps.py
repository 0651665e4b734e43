import pytest

from idp.proofing import steps
from idp.proofing.models import Case


@pytest.mark.parametrize("recipe", steps.RECIPES)
def test_whoever_does_what_is_due_comes_to_the_end(recipe):
    done = []
    while (name := steps.due(recipe, done)) is not None:
        assert steps.may(recipe, name, done), name
        done.append(name)

    assert done == [step.name for step in steps.of(recipe)]


@pytest.mark.parametrize("step", [step for step in steps.STEPS if step.before], ids=lambda step: step.name)
def test_no_step_opens_before_what_must_come_first(step):
    for missing in step.before:
        assert not steps.may(step.recipe, step.name, step.before - {missing})


@pytest.mark.parametrize("step", steps.STEPS, ids=lambda step: f"{step.recipe}:{step.name}")
def test_going_back_never_leaves_a_later_step_done(step):
    everything = {one.name for one in steps.of(step.recipe)}

    kept = steps.undone(step.recipe, step.name, everything)

    assert kept == everything if not step.undo else step.undo not in kept
    assert all(steps.may(step.recipe, name, kept) for name in kept)


def test_the_table_names_only_steps_of_its_own_recipe():
    for step in steps.STEPS:
        names = {one.name for one in steps.of(step.recipe)}
        assert step.before <= names
        assert not step.undo or step.undo in names


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match="no such recipe"):
        steps.due("palm", [])


def test_every_recipe_can_be_a_case():
    """The database knows the same words."""
    check = next(one for one in Case.__table__.constraints if one.name and one.name.endswith("recipe"))

    assert all(f"'{recipe}'" in str(check.sqltext) for recipe in steps.RECIPES)


@pytest.mark.parametrize(
    ("done", "now", "passed", "marks"),
    [
        ({"card"}, "chip", (), "done now later later later later"),
        ({"card", "chip", "face"}, "reach", {"chip"}, "done passed done now later later"),
        (
            {"card", "chip", "face", "reach", "passkey"},
            "slip",
            {"reach", "passkey"},
            "done done done passed passed now",
        ),
        ({"card", "chip", "face"}, "slip", (), "done done done passed passed now"),
    ],
)
def test_a_stepper_ticks_what_was_done_and_not_what_was_left_out(done, now, passed, marks):
    told = steps.marks("counter", done, now=now, passed=passed)

    assert " ".join(mark for _, mark in told) == marks
    assert [name for name, _ in told] == [step.name for step in steps.of("counter")]


def test_every_recipe_says_where_back_leads():
    assert steps.before("card_data", "type") == "hold"
    assert steps.before("counter", "slip") is None
