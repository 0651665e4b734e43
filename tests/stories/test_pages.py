from tests.stories.pages import read

HTML = """<!doctype html><html lang=th><head><meta http-equiv="refresh" content="0; url=https://rp.example/cb?code=1&amp;x=2">
<style>p {}</style></head><body data-page=login><main id=main><form id=login method=post action="/x"><input type=hidden
name=csrf value=t><input id=national_id name=national_id><input type=checkbox id=purpose-A name=purpose value=A>
<button id=continue>ต่อไป</button><button id=allow name=decision value=allow>ยินยอม</button></form>
<a id=other href="/y?a=1&amp;b=2">อื่น</a><p id=ref>AB<b>CD</b></p></main></body></html>"""


def test_a_page_is_read_as_a_person_without_javascript_meets_it():
    """The driver of the stories, proved on a page of its own."""
    page = read("https://here/", 200, HTML, {})

    form = page.forms["login"]
    assert (page.name, page.lang, form.method, form.action) == ("login", "th", "post", "/x")
    assert form.fields == [("csrf", "t"), ("national_id", "")]
    assert form.choices == {"purpose-A": ("purpose", "A")}
    assert form.buttons == {"continue": ("", ""), "allow": ("decision", "allow")}
    assert page.links == {"other": "/y?a=1&b=2"}
    assert page.texts["ref"] == "ABCD"
    assert page.refresh == "https://rp.example/cb?code=1&x=2"
    assert "p {}" not in page.text
