"""The status lists over HTTP: no cookie, no sign-in, any page may read them."""


def test_the_aggregation_is_json_for_everybody(site):
    """Token Status List 9.3; what the metadata names is there."""
    client = site.app.test_client()
    told = client.get("/.well-known/oauth-authorization-server").json["status_list_aggregation_endpoint"]

    answer = client.get(told.removeprefix(site.work.settings.issuer))

    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.json == {"status_lists": []}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Set-Cookie" not in answer.headers


def test_a_list_that_is_not_there_is_a_plain_refusal(site):
    """Section 8.2: JSON, not stored, for a number that never was or no number at all."""
    client = site.app.test_client()

    for number in ("0", "9" * 60):
        answer = client.get(f"/oauth/status/{number}")
        assert (answer.status_code, answer.mimetype) == (404, "application/json")
        assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/oauth/status/-1").status_code == 404
    assert client.post("/oauth/status/1").status_code == 405
