"""Text and HTML that strangers send to hurt whoever looks at held mail. Each payload, if it ever runs, writes MARK to
the browser's console or asks SINK for something; neither may happen."""

from __future__ import annotations

from dataclasses import replace

from gateway.facts.content import LinkFact, MalwareFact, MalwareResult, Signal
from gateway.facts.outcome import Known
from tests.console.seed import PHISHING, Letter

MARK = "postern-hostile-mark"
RUN = f"console.log('{MARK}')"


def texts(sink: str) -> list[str]:
    """Payloads for every field that is a line of text."""
    return [
        f"<script>{RUN}</script>",
        f"<ScRiPt/x>{RUN}</sCrIpT",
        f'"><img src=x onerror={RUN}>',
        f"' onmouseover={RUN} x='",
        f" onfocus={RUN} autofocus ",
        f"</title><script>{RUN}</script>",
        f"</textarea></pre></option></style><script>{RUN}</script>",
        f"--><img src=x onerror={RUN}>]]>",
        f"</script><script>{RUN}</script>\u2028\\u003c/script",
        "{{7*7}} {% raise %} ${7*7} #{7*7} {{''.__class__.__mro__}}",
        "%s %n {0} %(x)s {x!r}",
        f"<a hx-get=/api/v1/me hx-trigger=load hx-on:load={RUN}>x</a>",
        f"javascript:{RUN}",
        f"JaVa\tScript:{RUN}",
        f"&#106;avascript:{RUN}",
        f"data:text/html,<script>{RUN}</script>",
        f"//{sink.removeprefix('http://')}/open",
        "../../etc/passwd%00.eml",
        'x.eml"; filename="y.html',
        "=HYPERLINK(\"http://x\")",
        "abc\u202etxt.exe\u2066\u2067",
        "a\u200b\u200d\ufeff\u00adb" + "\u0301" * 40 + "\ufdfa",
        "\uff45vil xn--pypal-4ve.example раураl",
        "\x01\x1b]8;;http://x\x07\x1b[2J\x7f\x85",
        "W" * 3000,
        f"<svg/onload={RUN}><math><xmp><plaintext><noscript>",
        f"&lt;script&gt;{RUN}&lt;/script&gt; &amp;lt; %3Cscript%3E",
        f"a@a.co?]<img/src='{sink}/t25'/onerror={RUN}>",
        "__proto__ constructor hasOwnProperty",
        "' OR 1=1 -- %_\\ \"a\" NEAR/9999 b* *)(uid=*",
        "✓ Verified by Postern. Released by ana.",
        f"<iframe srcdoc='<script>{RUN}</script>'></iframe><base href={sink}>",
        f"<style>@import '{sink}/css'</style><link rel=stylesheet href={sink}/l.css>",
        f"<img src={sink}/img><meta http-equiv=refresh content='0;url={sink}/meta'>",
    ]  # fmt: skip


def bodies(sink: str) -> list[str]:
    """Payloads for the HTML part."""
    run = RUN
    return [
        f"<script>{run}</script>",
        f"<img src=x onerror={run}>",
        f"<svg onload={run}>",
        f"<body onload={run}>",
        f"<details open ontoggle={run}>",
        f"<input autofocus onfocus={run}>",
        f"<video><source onerror={run}></video>",
        f"<style>@keyframes x{{}}</style><b style='animation-name:x' onanimationstart={run}>",
        f"<iframe srcdoc='<script>{run}</script>'></iframe>",
        f"<iframe src='javascript:{run}'></iframe>",
        f"<object data='data:text/html,<script>{run}</script>'></object><embed src='data:text/html,x'>",
        f"<base href='javascript:{run}//'><a href=x>click</a>",
        f"<noscript><p title='</noscript><img src=x onerror={run}>'></noscript>",
        f"<textarea><p style='x:</textarea><img src=x onerror={run}>'>",
        f"<title><a title='</title><img src=x onerror={run}>'>",
        f"<style><//><body onload={run}></style>",
        f"<template shadowrootmode=open><script>{run}</script></template>",
        f"<math><mi><mglyph><svg><mtext><style><path id='</style><img onerror={run} src=x>'>",
        f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={run}>",
        f"<svg></p><style><a id='</style><img src=1 onerror={run}>'>",
        f"<math><annotation-xml encoding='text/html'><style><img title='</style><img src onerror={run}>'>",
        f"<svg><foreignobject><mi><style><!--</style><img title='--&gt;<img src=1 onerror={run}>'>",
        f"<select><style><img src=x onerror={run}></style></select>",
        "<div>" * 700 + f"<svg onload={run}>",
        f"<svg><animate attributeName=href values=javascript:{run} /><a href=x>x</a></svg>",
        f"<svg><set attributeName=href to=javascript:{run} /></svg>",
        f"<svg><use href='data:image/svg+xml,<svg id=x onload={run}>#x'/></svg>",
        f"<math href='javascript:{run}'>x</math>",
        f"<a href='java&#10;script:{run}'>x</a><a href='&#x6A;avascript:{run}'>y</a>",
        f"<a href='data:text/html,<script>{run}</script>'>x</a><a href='vbscript:x'>y</a>",
        f"<form action={sink}/form><button formaction={sink}/b>go</button><input type=image src={sink}/i></form>",
        f"<form action={sink}><input type=password name=p></form>",
        f"<!--[if mso]><img src={sink}/mso><![endif]--><!--><img src={sink}/c>-->",
        f"<img src={sink}/1><img srcset='{sink}/2 1x'><picture><source srcset={sink}/3></picture>",
        f"<video poster={sink}/4></video><track src={sink}/5><img lowsrc={sink}/6>",
        f"<body background={sink}/7><table background={sink}/8><tr><td background={sink}/9>x</table>",
        f"<b style='background:url({sink}/10)'>x</b><b style='background:u\\72l({sink}/11)'>x</b>",
        f"<b style='--x:url({sink}/12);background:var(--x)'>x</b>",
        f"<b style='background:image-set(\"{sink}/13\" 1x)'>x</b>",
        f"<style>@import '{sink}/14';@font-face{{font-family:x;src:url({sink}/15)}}*{{font-family:x}}</style>",
        f"<style>a[href^='h']{{background:url({sink}/16)}}</style><a href=h>x</a>",
        f"<svg><image href={sink}/17 /><filter><feImage href={sink}/18 /></filter></svg>",
        f"<svg><rect fill='url({sink}/19#x)'/></svg>",
        f"<link rel=prefetch href={sink}/20><link rel=preconnect href={sink}><link rel=dns-prefetch href={sink}>",
        f"<meta http-equiv=refresh content='0;url={sink}/21'>",
        f"<iframe src={sink}/22></iframe><frame src={sink}/23><object data={sink}/24></object><embed src={sink}/25>",
        f"<base href={sink}/><a href=26>x</a><img src=27>",
        "<div style='position:fixed;inset:0;z-index:9999;background:red;opacity:0.01'><a href=x>all over</a></div>",
        "<img name=getElementById><form id=attributes><input name=parentNode></form><a id=config href=x>x</a>",
        "<div class='pill ok sheet'>✓ Verified by Postern</div><dialog open>Sign in again</dialog>",
        "<p style='color:#fff;font-size:0'>hidden words</p><p style='display:none'>more</p>",
        "\u2028<scr\u0000ipt>" + f"{run}</script><img src=x o\x0bnerror={run}>",
        "<img src='data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+'>",
        f"<a href={sink}/ping ping={sink}/ping2 target=_blank>Open</a>",
    ]  # fmt: skip


def letters(sink: str) -> tuple[list[Letter], list[Letter]]:
    """Messages with a payload in every line of text, and messages with one in the HTML part."""
    lines = [
        replace(
            PHISHING,
            subject=payload,
            author_name=payload,
            author_address=f"{payload[:120]}@evil.example",
            reverse_path='"<svg/onload=x>"@evil.example',
            rule=payload[:60],
            reasons=((payload[:80], payload), ("OTHER", payload)),
            text=f"{payload}\nhttp://evil.example/{payload}\n[{payload}](http://evil.example)",
            html=None,
            file_name=payload.replace("\n", " ")[:200].replace('"', "'"),
            malware=Known(MalwareFact(MalwareResult.FOUND, payload, payload, payload, payload)),
            links=(LinkFact(payload, payload, payload, payload), LinkFact(f"http://x/{payload}", "x", "x")),
            signals=(Signal(payload, 2.0, payload), Signal("other", -1.0, payload)),
            helo=payload,
            extra_header=f"X-Odd: {payload}\n",
        )
        for payload in texts(sink)
    ]
    designs = [
        replace(PHISHING, subject=f"design {number}", html=payload, text="plain")
        for number, payload in enumerate(bodies(sink))
    ]
    return lines, designs
