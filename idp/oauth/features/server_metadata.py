"""RFC 8414 and OIDC Discovery 4: the document that says what the server does, derived from the FEATURES list."""

from idp.oauth.feature import Feature

FEATURE = Feature("server_metadata", "RFC 8414", {}, {"jwks_uri": "/jwks.json"})
