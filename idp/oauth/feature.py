"""A specification that the server supports, and what discovery says about it (RFC 8414; OIDC Discovery 3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Feature:
    """Name (of the file and its test), specification, the metadata it adds, and endpoints as key -> path."""

    name: str
    spec: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)


def discovery(features: Iterable[Feature], issuer: str) -> dict[str, Any]:
    """One metadata document: lists of several features are united in order, endpoints stand below the issuer."""
    document: dict[str, Any] = {"issuer": issuer}
    for feature in features:
        for key, path in feature.endpoints.items():
            document[key] = issuer + path
        for key, value in feature.metadata.items():
            if isinstance(value, list):
                known = document.setdefault(key, [])
                known.extend(item for item in value if item not in known)
            else:
                document[key] = value
    return document
