from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication.spf_macros import IN_EXPLANATIONS, IN_TERMS, BadMacro, check, expand, expand_name

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad+tag",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "h": "my-host.example.net",
    "t": "12",
}


def said(text: str) -> str:
    return expand(text, VALUES.__getitem__)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{d}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d9}", "email.example.com"),
        ("%{d" + "9" * 400 + "}", "email.example.com"),
        ("%{d2R}", "example.email"),
        ("%{l-}", "strong.bad+tag"),
        ("%{l+-}", "strong.bad.tag"),
        ("%{l1r-+}", "strong"),
        ("%{h-}", "my.host.example.net"),
        ("%{h1-}", "host.example.net"),
        ("%{s_=}", "strong-bad@email.example.com"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{L}", "strong-bad%2Btag"),
        ("%%%_%-%{t}", "% %2012"),
        ("a%%{d}", "a%{d}"),
    ],
)
def test_expands(text: str, expanded: str) -> None:
    check(text, letters=IN_EXPLANATIONS)
    assert said(text) == expanded


@pytest.mark.parametrize(
    "text",
    [
        *("%", "%d", "% ", "x%", "%%%x", "%{", "%{}", "%{d", "%{2}", "%{x}", "%{dd}", "%{d r}", "%{d2r2}", "%{ir3}"),
        *("%{d0}", "%{d00r}", "%{l;}", "%{l:}", "%{s1r@}", "%{-l}", "%{%{d}}", "a\tb", "a\x00", "ü", "a b", "\x7f"),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(BadMacro):
        check(text, letters=IN_EXPLANATIONS)


@pytest.mark.parametrize("letter", "crtCRT")
def test_some_letters_are_for_explanations_alone(letter: str) -> None:
    check(f"%{{{letter}}}", letters=IN_EXPLANATIONS)
    with pytest.raises(BadMacro):
        check(f"%{{{letter}}}", letters=IN_TERMS)


def test_a_name_loses_its_first_labels_until_it_fits_and_its_last_dot() -> None:
    text = "%{l}." * 9 + "x.example."
    name = expand_name(text, lambda _: "a" * 50)
    assert name == ".".join(["a" * 50] * 4) + ".x.example"
    assert expand_name("%{d}", lambda _: "a" * 300) == "a" * 300  # no label to take: the DNS has no such name


@given(st.text(alphabet="%{}slodiphvcrt0129rR.-+,/_= \x00ü", max_size=40))
def test_what_was_checked_holds_no_macro_any_more(text: str) -> None:
    """Any text is refused, or expands and loses every macro."""
    try:
        check(text, letters=IN_EXPLANATIONS)
    except BadMacro:
        return
    assert "%" not in expand(text.replace("%%", "").replace("%-", ""), lambda _: "x")
