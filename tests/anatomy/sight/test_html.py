"""HTML as a reader sees it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.sight.html import read_html, shown_html


def read(markup):
    return read_html(markup, Findings())


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("V<b>i</b>ag<!-- x -->ra", "Viagra"),
        ("a<br>b", "a\nb"),
        ("<td>a</td><td>b</td>", "ab"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<div>a <span> b</span>\n c</div>d", "a b c\nd"),
        ("<title>t</title><style>s</style><script>x</script>seen", "seen"),
        ("&lt;b&gt; &amp; &#x41;", "<b> & A"),
        ("<noscript>also seen</noscript>", "also seen"),
        ("just words", "just words"),
        ("<p>unclosed <b>bold", "unclosed bold"),
        ("", ""),
    ],
)
def test_visible_text(markup, text):
    assert read(markup).text == text


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : NONE !important",
        "visibility:hidden",
        "font-size:0",
        "font-size:0px;line-height:0",
        "opacity:0",
        "mso-hide:all",
        "max-height:0;overflow:hidden",
        "color:#fff",
        "color:white",
        "color:rgb(255, 255, 255)",
        "color:#123456;background:#123456",
        "text-indent:-9999px",
        "position:absolute;left:-10000px",
    ],
)
def test_hidden_text_is_told_apart(style):
    reading = read(f"<p>seen</p><div style='{style}'>not <b>seen</b></div><p>again</p>")
    assert reading.text == "seen\nagain"
    assert reading.hidden == "not seen"
    assert (reading.fact.visible, reading.fact.hidden) == (10, 8)


@pytest.mark.parametrize(
    "markup",
    [
        "<div style='font-size:0.9em'>seen</div>",
        "<div style='opacity:0.5'>seen</div>",
        "<table bgcolor=#000000><tr><td style='color:#fff'>seen</td></tr></table>",
        "<div style='color:#fff;background:url(x)'>seen</div>",
        "<div style='background:#000'><p style='color:white'>seen</p></div>",
        "<div style='border-color:#fff'>seen</div>",
        "<div style='max-height:0px'>seen</div>",
        "<div style='color:#fff'><span style='color:#000'>seen</span></div>",
    ],
)
def test_seen_text_is_not_taken_for_hidden(markup):
    assert read(markup).text == "seen"


def test_white_on_white_by_old_attributes():
    assert read("<body bgcolor=black><font color='#000000'>x</font></body>").hidden == "x"
    assert read("<p hidden>x").hidden == "x"


@pytest.mark.parametrize(
    ("markup", "anchors"),
    [
        ("<a href='http://a.example'>click <b>here</b></a>", [("http://a.example", "click here")]),
        ("<a href='http://a.example'><img alt=x></a>", [("http://a.example", "")]),
        ("<map><area href='/x' alt='there'></map>", [("/x", "there")]),
        ("<form action='http://f.example'></form>", [("http://f.example", "")]),
        ("<button formaction='http://b.example' value=go></button>", [("http://b.example", "go")]),
        ("<head><base href='http://b.example/'></head><a href='p'>x</a>", [("http://b.example/p", "x")]),
        ("<iframe src='http://i.example'></iframe>", [("http://i.example", "")]),
        ("<a name=x>no link</a><a href=''>none</a>", []),
        (
            "<a href='http://a.example'>one<a href='http://b.example'>two",
            [("http://a.example", "one"), ("http://b.example", "two")],
        ),
    ],
)
def test_anchors(markup, anchors):
    assert [(each.url, each.text) for each in read(markup).anchors] == anchors


def test_counts():
    markup = "<script></script><table></table><form><input type=Password></form><img src=//x><img src='cid:a'>"
    fact = read(markup).fact
    counted = (fact.scripts, fact.tables, fact.forms, fact.password_fields, fact.images, fact.remote_images)
    assert counted == (1, 1, 1, 1, 2, 1)


@pytest.mark.parametrize("markup", ["<div>" * 30_000 + "x", "<a " + " ".join(f"a{n}" for n in range(30_000)) + ">x"])
def test_what_would_cost_a_parser_too_much_is_read_without_one(markup):
    findings = Findings()
    assert read_html(markup, findings).text == "x"
    assert Unscannable.HTML_NESTING in findings.unscannable


def test_too_much_html_is_cut_and_noted():
    findings = Findings()
    read_html("word " * 200_000, findings)
    assert Defect.TEXT_TRUNCATED in findings.defects


def test_a_person_is_shown_where_links_go_and_what_is_hidden():
    shown = shown_html("<a href='https://evil.example/p'>Pay here</a><p style='display:none'>secret</p>", Findings())
    assert shown == "Pay here ⟶ hxxps://evil[.]example/p\n⟦hidden: secret⟧"


MARKUP = [
    "<div>",
    "</div>",
    "<a href=x>",
    "</a>",
    "<p style='display:none'>",
    "<table>",
    "<td>",
    "<!--",
    "-->",
    "<svg>",
]
MARKUP += [
    "<template>",
    "</p>",
    "<script>",
    "</script>",
    "text",
    "<",
    "&",
    "\x00",
    "\x01",
    "<b>",
    "</b>",
    "<select>",
    "'",
]


@given(st.lists(st.sampled_from(MARKUP), max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_markup_has_a_reading(markup):
    reading = read(markup)
    assert reading.fact.visible == len(reading.text)
    shown_html(markup, Findings())
