"""The closed list of purposes, read once from `consent/catalogue/`, and the rules that need nothing else.

The README of that folder numbers the rules cited here. A fault in the list stops the start: nobody is asked for a
consent by half a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from consent import scopes as grammar
from consent.errors import NotAllowed, NotFound, ScopeError
from consent.rows import LICENSED_KINDS, Bilingual, Category, Kind, Purpose, reaches, read

__all__ = [
    "CATALOGUE_VERSION",
    "LICENSED_KINDS",
    "Bilingual",
    "Category",
    "Kind",
    "Purpose",
    "Resolution",
    "all",
    "basis_for",
    "category",
    "check_registration",
    "get",
    "is_asked",
    "reaches",
    "resolve",
    "screens",
    "token_life_s",
]

CATALOGUE_VERSION = 1
OFFLINE_CEILING_S = 300
MAX_ASKED = 100
ASKED_BASES = frozenset({"C26", "C19"})
BY_NAME_ONLY = frozenset({"BREAKGLASS", "PHR-SENS", "EHR-SENS"})
OUT_OF_TREATMENT = frozenset({"RES-DEID", "RES-CONTACT", "INSURE", "CERT-JOB"})


@dataclass(frozen=True)
class Resolution:
    """What a request comes to: scopes per purpose in the order asked, and the words that we do not know."""

    purposes: dict[str, tuple[str, ...]]
    offline_access: bool
    ignored: tuple[str, ...]


def get(code: str) -> Purpose:
    """The purpose. Raises NotFound."""
    try:
        return _PURPOSES[code]
    except KeyError:
        raise NotFound("There is no such purpose.", detail="purpose", code="unknown_purpose") from None


def all() -> tuple[Purpose, ...]:  # noqa: A001 -- read as purposes.all()
    """Every purpose, in the order of the catalogue."""
    return tuple(_PURPOSES.values())


def category(code: str) -> Category:
    """The category of data. Raises NotFound."""
    try:
        return _CATEGORIES[code]
    except KeyError:
        raise NotFound("There is no such kind of data.", detail="category", code="unknown_category") from None


def basis_for(
    purpose: Purpose,
    *,
    own_app: bool = False,
    same_controller: bool = False,
    facility: bool = False,
    guardian: bool = False,
    ethics: bool = False,
) -> str:
    """The legal basis in this case: the leftmost true condition of the row, else the row's strictest (rule 3)."""
    true = {"own_app": own_app, "same_controller": same_controller, "facility": facility}
    true |= {"guardian": guardian, "ethics": ethics}
    return next((basis for condition, basis in purpose.basis_when if true[condition]), purpose.basis)


def is_asked(basis: str) -> bool:
    """Whether this basis is a consent: C26 or C19 (rule 3)."""
    return basis in ASKED_BASES


def possible_bases(purpose: Purpose) -> frozenset[str]:
    """Every basis that the row allows in some case."""
    return frozenset({purpose.basis, *(basis for _, basis in purpose.basis_when)})


def token_life_s(codes: Sequence[str], *, introspected: bool = False) -> int:
    """Seconds that a JWT for these purposes may live offline (rule 7). 0: no such token may be issued at all.

    A purpose with `offline_s` 0 is only for resource servers that introspect each use; then it allows 300.
    """
    spans = [get(code).offline_s for code in codes]
    known = [OFFLINE_CEILING_S if span is None or (span == 0 and introspected) else span for span in spans]
    return min([OFFLINE_CEILING_S, *known])


def screens(codes: Sequence[str]) -> list[tuple[str, ...]]:
    """The codes in the order asked, on as few screens as never put two `never_with` rows together (rule 9).

    Notices obey it too: a treatment notice never stands beside a research question. Each code goes to the earliest
    screen that has nothing against it; a screen is shown after the one before it is answered, no matter how.
    """
    found: list[list[str]] = []
    for code in dict.fromkeys(codes):
        shy = get(code).never_with
        room = next((screen for screen in found if shy.isdisjoint(screen)), None)
        if room is None:
            found.append([code])
        else:
            room.append(code)
    return [tuple(screen) for screen in found]


def kinds_of(recipient_kind: str, *, own_app: bool) -> frozenset[str]:
    """What a recipient counts as: its kind, and `own_app` for a client of this server's operator."""
    return frozenset({recipient_kind, "own_app"}) if own_app else frozenset({recipient_kind})


def may_receive(purpose: Purpose, kinds: frozenset[str]) -> bool:
    """Whether the row lets such a recipient receive (rule 5)."""
    return purpose.kind is Kind.PUBLIC or not kinds.isdisjoint(purpose.recipient_kinds)


def may_ask(purpose: Purpose, kinds: frozenset[str]) -> bool:
    """Whether the row lets a client of these kinds send the request, for itself or for another (rule 5)."""
    for_itself = "recipient" in purpose.asked_by and may_receive(purpose, kinds)
    return purpose.kind is Kind.PUBLIC or for_itself or not kinds.isdisjoint(purpose.asked_by)


def resolve(requested: Sequence[str], registered: Mapping[str, Sequence[str]]) -> Resolution:
    """Which purposes a request asks for, and under each the scopes it may carry: rule 1, never a guess.

    `registered` is the client's: purpose code to the plain scopes that it owns (none: by name only). A purpose asked
    by name alone gets all that is registered for it; any scope asked beside the name narrows it to what was asked.
    `offline_access` is granted when some purpose allows refresh (rule 8). Words of SMART v1 are read as those of v2.

    Raises: ScopeError with the candidates, for a known scope that does not lead to exactly one registered purpose,
    and for research, insurance or a job beside a treatment purpose (rule 9).
    """
    written = {grammar.v2(scope): scope for scope in requested}
    asked = list(written)
    named = _named(asked, registered)
    granted: dict[str, list[str]] = {}
    ignored: list[str] = []
    for scope in asked:
        if scope == "offline_access":
            continue
        if len(asked) > MAX_ASKED or not grammar.is_fit(scope):
            raise ScopeError("That is no scope, or there are too many.", scope=scope[:40])
        code = named.get(scope) or _home(scope, tuple(dict.fromkeys(named.values())), registered)
        if code is None:
            ignored.append(written[scope])
            continue
        under = granted.setdefault(code, [])
        if not scope.startswith(grammar.NAME_PREFIX):
            under.append(scope)
    purposes = {code: tuple(under) or _whole(get(code), registered[code]) for code, under in granted.items()}
    _keep_out_of_treatment(tuple(purposes))
    refresh = any(get(code).refresh for code in purposes)
    return Resolution(purposes, "offline_access" in asked and refresh, tuple(ignored))


def check_registration(registered: Mapping[str, Sequence[str]], *, recipient_kind: str, own_app: bool) -> None:
    """Refuse a registration that could not be resolved or would reach a recipient the catalogue leaves out.

    Raises: NotAllowed(code=…): `unknown_purpose`, `recipient_kind`, `unknown_scope` (not within the purpose's row),
    `by_name_only` (a plain scope for a purpose that must be asked by name), `scope_overlap` (two purposes own it).
    """
    kinds = kinds_of(recipient_kind, own_app=own_app)
    for code, scopes in registered.items():
        if code not in _PURPOSES:
            raise NotAllowed("There is no such purpose.", detail=f"{code=}", code="unknown_purpose")
        if not may_ask(get(code), kinds):
            raise NotAllowed(
                f"This kind of service may not ask for {code}.", detail=f"{recipient_kind=}", code="recipient_kind"
            )
        row = get(code).towards(recipient_kind)
        for scope in scopes or sorted({*get(code).all_scopes} - {*row.all_scopes}):  # a name stands for all of them
            _check_owned(row, scope)
    owned = [(code, scope) for code in registered for scope in _covering(get(code), registered[code], by_name=False)]
    for n, (code, scope) in enumerate(owned):
        for other, theirs in owned[n + 1 :]:
            if code != other and grammar.overlap(scope, theirs):
                raise NotAllowed(
                    f"{code} and {other} may not both own {scope}: register one of them by name only.",
                    detail=f"{theirs=}",
                    code="scope_overlap",
                )


def _check_owned(purpose: Purpose, scope: str) -> None:
    if not any(grammar.covers(row, scope) for row in purpose.all_scopes):
        raise NotAllowed(f"{purpose.code} does not have {scope}.", detail="registration", code="unknown_scope")
    if purpose.code in BY_NAME_ONLY and grammar.is_plain(scope):
        raise NotAllowed(f"{purpose.code} is asked by name only.", detail=f"{scope=}", code="by_name_only")


def _named(asked: Sequence[str], registered: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The scopes that name a purpose (`purpose:CODE`, or one of its own `moph.*`), each with that purpose."""
    found: dict[str, str] = {}
    for scope in asked:
        if scope.startswith(grammar.NAME_PREFIX):
            code = scope.removeprefix(grammar.NAME_PREFIX)
            rows, homes = [code] * (code in _PURPOSES), [code] * (code in registered)
        elif scope.startswith(grammar.OWN_PREFIX):
            rows = [row.code for row in _PURPOSES.values() if scope in row.all_scopes]
            homes = [code for code in registered if scope in _covering(get(code), registered[code], by_name=True)]
        else:
            continue
        if len(homes) == 1 and rows:
            found[scope] = homes[0]
        elif rows:
            _refuse(scope, homes)
    return found


def _home(scope: str, named: tuple[str, ...], registered: Mapping[str, Sequence[str]]) -> str | None:
    """The one purpose that a plain scope belongs to: a named one first, else an owner. None: unknown to us."""
    for codes, by_name in ((named, True), (tuple(registered), False)):
        homes = [c for c in codes if _reaches_scope(_covering(get(c), registered[c], by_name=by_name), scope)]
        if len(homes) > 1:
            _refuse(scope, homes)
        if homes:
            return homes[0]
    if any(grammar.overlap(known, scope) for row in _PURPOSES.values() for known in row.all_scopes):
        _refuse(
            scope,
            [
                c
                for c in registered
                if any(grammar.overlap(s, scope) for s in _covering(get(c), registered[c], by_name=True))
            ],
        )
    return None


def _covering(purpose: Purpose, registered: Sequence[str], *, by_name: bool) -> tuple[str, ...]:
    """What a purpose covers for this client.

    A registration without own scopes stands for the row's own scopes. Plain ones that it does not list belong to the
    purpose only when it was named; OIDC's have one home in the whole catalogue, so they need no owner.
    """
    own = [s for s in registered if s.startswith(grammar.OWN_PREFIX)] or [
        s for s in purpose.all_scopes if s.startswith(grammar.OWN_PREFIX)
    ]
    plain = [s for s in registered if grammar.is_plain(s)] or [
        s for s in purpose.all_scopes if s in grammar.OIDC or (by_name and grammar.is_plain(s))
    ]
    return (*own, *plain)


def _reaches_scope(covering: Sequence[str], scope: str) -> bool:
    return any(grammar.covers(wide, scope) for wide in covering)


def _whole(purpose: Purpose, registered: Sequence[str]) -> tuple[str, ...]:
    """All that a purpose asked by its name alone carries: the registered scopes of the first kind of token it has."""
    pool = tuple(registered) or purpose.all_scopes
    for column in (purpose.scopes, purpose.staff_scopes, purpose.system_scopes):
        found = tuple(s for s in pool if _reaches_scope(column, s))
        if found:
            return found
    return ()


def _keep_out_of_treatment(codes: tuple[str, ...]) -> None:
    for code in codes:
        beside = get(code).never_with.intersection(codes)
        if code in OUT_OF_TREATMENT and beside:
            _refuse(grammar.NAME_PREFIX + code, sorted({code, *beside}))


def _refuse(scope: str, candidates: Sequence[str]) -> None:
    if candidates:
        message = f"{scope}: ask for one of " + ", ".join(grammar.NAME_PREFIX + code for code in candidates)
    else:
        message = f"{scope} is not registered for this client"
    raise ScopeError(message, scope=scope, candidates=tuple(candidates))


def _shipped(name: str) -> str:
    return files("consent").joinpath("catalogue", name).read_text(encoding="utf-8")


_PURPOSES, _CATEGORIES = read(_shipped("purposes.tsv"), _shipped("data_categories.tsv"))
