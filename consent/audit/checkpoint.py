r"""PURE: what is signed about the tree (C2SP tlog-checkpoint), as a signed note (C2SP signed-note, Ed25519).

    <origin>\n<size>\n<base64 of the root>\n
    \n
    — <origin> <base64 of key id (4 bytes) and signature>\n

The key's name is the origin. A reader that follows the two specifications needs to know nothing of ours.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"
KEY_ID_BYTES = 4
LONGEST_NOTE = 4000
_ORIGIN = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True)
class Signed:
    """What a note says, once its signature was verified; `public` is the key that signed."""

    origin: str
    size: int
    root: bytes
    public: bytes


def text(origin: str, size: int, root: bytes) -> bytes:
    """The octets that are signed. Raises: ValueError for an origin with spaces, plus or control characters."""
    if not _ORIGIN.fullmatch(origin) or size < 0:
        raise ValueError("an origin is like host.example/log")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def note(origin: str, signed_text: bytes, signature: bytes, public: bytes) -> str:
    """The signed note: the text, an empty line, the signature line of the key `public` (32 raw bytes)."""
    signed = base64.b64encode(key_id(origin, public) + signature).decode()
    return f"{signed_text.decode()}\n— {origin} {signed}\n"


def key_id(origin: str, public: bytes) -> bytes:
    """Four bytes that tell keys of one name apart. They identify; they prove nothing."""
    return hashlib.sha256(origin.encode() + b"\n" + ED25519 + public).digest()[:KEY_ID_BYTES]


def verifier_key(origin: str, public: bytes) -> str:
    """The public key as an auditor is given it: `name+hex id+base64`, the form that signed-note readers take."""
    return f"{origin}+{key_id(origin, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def opened(note: str, keys: Iterable[bytes]) -> Signed:
    """What a note says, if one of these keys (32 raw bytes each) signed it. Lines of other keys are passed over.

    Raises: ValueError when it is not such a note, or nobody whom we know signed it as it stands.
    """
    head, _, signatures = note[:LONGEST_NOTE].replace("\r\n", "\n").strip("\n").rpartition("\n\n")
    try:
        origin, size, root = head.split("\n")
        signed_text = text(origin, int(size), base64.b64decode(root, validate=True))
    except ValueError as error:
        raise ValueError("not a checkpoint") from error
    if signed_text != f"{head}\n".encode():
        raise ValueError("not a checkpoint")
    known = {key_id(origin, public): public for public in keys}
    for line in signatures.split("\n"):
        public = _signer(line, origin, known, signed_text)
        if public is not None:
            return Signed(origin, int(size), base64.b64decode(root), public)
    raise ValueError("no key of this log signed this checkpoint as it stands")


def fingerprint(public: bytes) -> str:
    """SHA-256 of the 32 octets of a key in groups of four, to be read aloud and compared."""
    digest = hashlib.sha256(public).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def _signer(line: str, origin: str, known: dict[bytes, bytes], signed_text: bytes) -> bytes | None:
    dash, _, rest = line.partition(" ")
    name, _, coded = rest.partition(" ")
    try:
        signed = base64.b64decode(coded, validate=True)
    except ValueError:
        return None
    public = known.get(signed[:KEY_ID_BYTES])
    if dash != "—" or name != origin or public is None:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signed[KEY_ID_BYTES:], signed_text)
    except InvalidSignature:
        return None
    return public
