"""gateway/checks/redirects/web_place.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anatomy.sight.links import host_of
from gateway.checks.redirects.web_place import WebPlace, as_read, place_of, sent_on
from gateway.facts.outcome import Unknown

HERE = WebPlace("https", "bit.ly", 443, "/a?b=c")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://bit.ly/a?b=c#d", HERE),
        ("http://BIT.ly", WebPlace("http", "bit.ly", 80, "/")),
        ("https://bit.ly.:443/?x", WebPlace("https", "bit.ly", 443, "/?x")),
        ("http://bit.ly:443/", WebPlace("http", "bit.ly", 443, "/")),
    ],
)
def test_a_link_of_the_web_is_a_place(url: str, place: WebPlace) -> None:
    assert place_of(url) == place


def test_a_place_names_a_port_only_where_it_is_not_the_usual_one() -> None:
    assert HERE.url == "https://bit.ly/a?b=c"
    assert WebPlace("http", "bit.ly", 443, "/").url == "http://bit.ly:443/"


@pytest.mark.parametrize(
    "url",
    [
        *("http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0x7f.0x1/"),
        *("http://169.254.169.254/", "http://127.0.0.1./", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[/"),
        *("http://localhost/", "http:///a", "http://bit.ly@127.0.0.1/", "http://a@bit.ly/", "http://@bit.ly/"),
        *("http://bit.ly:22/", "http://bit.ly:99999/", "http://bit.ly:x/", "file:///etc/passwd", "ftp://bit.ly/"),
        *("javascript:alert(1)", "gopher://bit.ly/", "//bit.ly/", "", "http://bit.ly\\@evil.example/"),
        *(
            "http://bit.ly/a b",
            "http://bit.ly/\r\nHost: x",
            "http://bit.ly/\x00",
            "http://bit.ly/é",
            "http://bit%2ely/",
        ),
        "http://bit.ly/" + "a" * 2000,
    ],
)
def test_what_can_be_read_in_two_ways_is_no_place(url: str) -> None:
    assert isinstance(place_of(url), Unknown)


@pytest.mark.parametrize(
    ("location", "link"),
    [
        ("https://evil.example/x", "https://evil.example/x"),
        ("http:\\\\evil.example/x", "http://evil.example/x"),
        ("https:/evil.example", "https://evil.example"),
        ("//evil.example/x", "https://evil.example/x"),
        ("\\/evil.example", "https://evil.example"),
        ("/b", "https://bit.ly/b"),
        ("b", "https://bit.ly/b"),
        ("?q", "https://bit.ly/a?q"),
        (" https://evil.example/é ", "https://evil.example/%C3%A9"),
    ],
)
def test_a_location_is_read_as_browsers_read_it(location: str, link: str) -> None:
    assert sent_on(HERE, location) == link


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://a.example/", "javascript:alert(1)", "data:,x"])
def test_a_location_out_of_the_web_is_told(location: str) -> None:
    assert sent_on(HERE, location) == Unknown("it leads out of the web")


@given(st.text(max_size=80) | st.from_regex(r"\Ahttps?:[/\\]{0,3}[a-z0-9.@:\[\]]{0,20}[/?#]?.{0,20}\Z"))
def test_a_place_that_is_read_again_is_the_same_place_and_has_the_host_that_browsers_see(text: str) -> None:
    place = place_of(text)
    if isinstance(place, WebPlace):
        assert place_of(place.url) == place
        assert place.host == host_of(place.url)
        assert not set(place.target) & set("\r\n\0 ")


@given(st.text(max_size=80))
def test_any_location_gives_a_link_without_blanks_or_a_reason(text: str) -> None:
    link = sent_on(HERE, text)
    assert isinstance(link, Unknown) or (link.isascii() and link.isprintable() and " " not in link)
    assert as_read(text, scheme="http").isascii()
