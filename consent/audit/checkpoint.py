r"""PURE: what is signed about the tree (C2SP tlog-checkpoint), as a signed note (C2SP signed-note, Ed25519).

    <origin>\n<size>\n<base64 of the root>\n
    \n
    — <origin> <base64 of key id (4 bytes) and signature>\n

The key's name is the origin. A reader that follows the two specifications needs to know nothing of ours.
"""

import base64
import hashlib
import re

ED25519 = b"\x01"
KEY_ID_BYTES = 4
_ORIGIN = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")


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
