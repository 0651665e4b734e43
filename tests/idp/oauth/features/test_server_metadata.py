from idp.oauth import provider
from idp.oauth.feature import Feature, discovery


def test_the_document_is_derived_from_the_features(stage):
    """RFC 8414 section 2; OIDC Discovery 3: what is required is there."""
    document = provider.discovery(stage.context.settings)
    issuer = stage.context.issuer
    assert document["issuer"] == issuer
    assert document["jwks_uri"] == issuer + "/jwks.json"
    assert document["authorization_endpoint"] == issuer + "/oauth/authorize"
    assert document["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert document["subject_types_supported"] == ["pairwise"]
    assert document["response_types_supported"] == ["code"]


def test_every_feature_says_something_and_has_its_own_name():
    """ARCHITECTURE: discovery cannot lie."""
    names = [feature.name for feature in provider.FEATURES]
    assert len(set(names)) == len(names)
    assert all(feature.metadata or feature.endpoints for feature in provider.FEATURES)


def test_lists_are_united_in_order_and_features_are_not_changed_by_it():
    """One document may be made many times."""
    one, two = Feature("a", "s", {"k": ["x"], "b": True}), Feature("b", "s", {"k": ["y", "x"]}, {"e": "/e"})
    first, second = discovery((one, two), "https://i"), discovery((one, two), "https://i")
    assert first == second == {"issuer": "https://i", "k": ["x", "y"], "b": True, "e": "https://i/e"}
    assert one.metadata == {"k": ["x"], "b": True}
