"""PURE: the steps of each recipe as one table: what must be done before, what is next, and where "back" leads.

A page shows the step that is due and asks here for the one after it. A step that is opened out of turn leads to the
one that is due; a step that cannot be undone has no way back.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step. `before`: steps that must be done first. `undo`: the step that "back" opens again; "" for none.

    `skips`: it may be passed by, saying so.
    """

    recipe: str
    name: str
    before: frozenset[str] = frozenset()
    undo: str = ""
    skips: bool = False


def _after(words: str) -> frozenset[str]:
    return frozenset(words.split())


# fmt: off
STEPS: tuple[Step, ...] = (
    # recipe       step       after                            back to
    Step("card_data", "hold"),
    Step("card_data", "type",    _after("hold"),               "hold"),
    Step("card_data", "check",   _after("hold type"),          "type"),
    Step("thaid",     "hold"),
    Step("thaid",     "leave",   _after("hold"),               "hold"),
    Step("thaid",     "return",  _after("hold leave"),         "hold"),
    Step("counter",   "card"),
    Step("counter",   "chip",    _after("card"),               "card"),
    Step("counter",   "face",    _after("card chip"),          "card"),
    Step("counter",   "reach",   _after("card chip face"),     "reach", skips=True),  # the phone in the hand
    Step("counter",   "passkey", _after("card chip face"),     "",      skips=True),
    Step("counter",   "slip",    _after("card chip face")),
)
# fmt: on
RECIPES = tuple(dict.fromkeys(step.recipe for step in STEPS))


def of(recipe: str) -> tuple[Step, ...]:
    """The steps of a recipe in their order. Raises: ValueError for a recipe that is not in the table."""
    found = tuple(step for step in STEPS if step.recipe == recipe)
    if not found:
        raise ValueError(f"no such recipe: {recipe}")
    return found


def due(recipe: str, done: Collection[str]) -> str | None:
    """The step to show: the first that is neither done nor passed by; None when all are."""
    return next((step.name for step in of(recipe) if step.name not in done), None)


def may(recipe: str, name: str, done: Collection[str]) -> bool:
    """Whether everything that must come before this step is done."""
    return any(step.name == name and step.before <= set(done) for step in of(recipe))


def marks(recipe: str, done: Collection[str], *, now: str, passed: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """Each step with what a stepper says of it: done, now, later, or passed (left out, whatever comes after it)."""
    names = [step.name for step in of(recipe)]
    here = names.index(now)

    def mark(at: int, name: str) -> str:
        if at == here:
            return "now"
        if name in passed or (at < here and name not in done):
            return "passed"
        return "done" if name in done else "later"

    return tuple((name, mark(at, name)) for at, name in enumerate(names))


def before(recipe: str, name: str) -> str | None:
    """The step that "back" opens from this one; None where nothing can be taken back."""
    return next((step.undo or None for step in of(recipe) if step.name == name), None)


def undone(recipe: str, name: str, done: Collection[str]) -> frozenset[str]:
    """What is still done after going back from this step: nothing from the step that it leads back to onward."""
    steps = of(recipe)
    back_to = before(recipe, name)
    names = [step.name for step in steps]
    kept = names[: names.index(back_to)] if back_to else names
    return frozenset(done) & frozenset(kept)
