"""A log with a key of its own, for the tests of the sealer and of the verifier."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.audit import checkpoint, export, log, seal, verify
from consent.audit.log import Actor
from consent.audit.models import AuditEntry
from tests.consent.cast import PERSON
from tests.fakes import NOW, SECOND

ORIGIN = "id.example.test/log"


@dataclass
class LogKey:
    """A key of the log; `fail` makes the next signature fail."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    kid: str = "log-test"
    fail: bool = False

    @property
    def public(self):
        """The 32 octets."""
        return self.key.public_key().public_bytes_raw()

    @property
    def trusted(self):
        """As an auditor is given it."""
        return checkpoint.verifier_key(ORIGIN, self.public)

    def sign(self, payload):
        """Or fail, once."""
        if self.fail:
            self.fail = False
            raise OSError("the key is away")
        return self.key.sign(payload)


def write(session, count=1, *, now=NOW):
    """That many entries of one transaction."""
    return [
        log.append(session, "consent.given", now=now + n * SECOND, actor=Actor.citizen(PERSON), subject_id=PERSON)
        for n in range(count)
    ]


def sealed(sessions, key, *batches, now=NOW):
    """Write and seal so many entries each time; the ids in the order of the tree."""
    ids = []
    for n, count in enumerate(batches):
        with sessions.writing() as session:
            ids += write(session, count, now=now + n * SECOND)
        assert seal.seal(sessions, key, origin=ORIGIN, now=now + n * SECOND).size == len(ids)
    return ids


def exported(session, key, **asked):
    """The lines of a file."""
    return list(export.whole(session, [key.public], **asked))


def judged(session, key, *, trusted=True, **asked):
    """What the verifier says about what is stored."""
    return verify.check(exported(session, key), keys=[key.trusted] if trusted else [], **asked)


def leaves(session):
    """The bytes of every entry, by id."""
    return {row.id: bytes(row.leaf_bytes) for row in session.query(AuditEntry)}
