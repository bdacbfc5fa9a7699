"""Evasions by scripts: files that a bare script or a page puts together of short texts, lists of numbers and escapes, and
files between the lines of PEM."""

from __future__ import annotations

import base64
import binascii
import gzip
import struct
import zlib

from tests.anatomy.evasions.case import EICAR, Case
from tests.anatomy.making.letters import attachment, html, multipart, zipped

_B64 = base64.b64encode(EICAR).decode()
_HALF = len(_B64) // 2
_HEX = EICAR.hex()
_LINES = "\n".join(_B64[at : at + 40] for at in range(0, len(_B64), 40))
_LIST = ",".join(map(str, EICAR))
_UU = (binascii.b2a_uu(EICAR[:45]) + binascii.b2a_uu(EICAR[45:])).decode()


def _file(name: str, text: str | bytes, called: str, kind: str = "application/octet-stream") -> Case:
    octets = text.encode() if isinstance(text, str) else text
    return Case(f"{called}: {name}", multipart(attachment(octets, called, kind)))


_JAVASCRIPT = {
    "base64": f'var u=atob("{_B64}");s.Write(u);',
    "base64 of MSXML": f'e.dataType="bin.base64";e.text="{_B64}";s.Write(e.nodeTypedValue);',
    "base64 in two texts": f'var u=atob("{_B64[:_HALF]}"+"{_B64[_HALF:]}");',
    "base64 in two variables": f"var x='{_B64[:_HALF]}',y='{_B64[_HALF:]}';s.Write(atob(x+y));",
    "base64 turned around": f'var u=atob("{_B64[::-1]}".split("").reverse().join(""));',
    "codes": f"var u=String.fromCharCode({_LIST});",
    "hexadecimal digits": f'var h="{_HEX}";s.Write(unhex(h));',
    "escapes": 'var u="' + "".join(f"\\x{octet:02x}" for octet in EICAR) + '";',
    "escapes of Unicode": 'var u="' + "".join(f"\\u{octet:04x}" for octet in EICAR) + '";',
    "percent": 'var u=unescape("' + "".join(f"%{octet:02x}" for octet in EICAR) + '");',
}
_BASIC = {
    "base64": f'e.dataType="bin.base64"\r\ne.text="{_B64}"\r\n',
    "base64 on two lines": f's="{_B64[:_HALF]}" & _\r\n"{_B64[_HALF:]}"\r\n',
    "base64 added": f's="{_B64[:_HALF]}"\r\ns=s & "{_B64[_HALF:]}"\r\n',
    "codes": "s=" + "&".join(f"Chr({octet})" for octet in EICAR),
    "hexadecimal numbers": "a=Array(" + ",".join(f"&H{octet:02X}" for octet in EICAR) + ")",
}
_SHELL = {
    "FromBase64String": f'[IO.File]::WriteAllBytes("e.com",[Convert]::FromBase64String("{_B64}"))',
    "a text of lines": f'$b=@"\r\n{_LINES}\r\n"@',
    "numbers": f"[byte[]]$b={_LIST}",
    "characters": "$s=" + "+".join(f"[char]{octet}" for octet in EICAR),
    "gzip": "[Convert]::FromBase64String('" + base64.b64encode(gzip.compress(EICAR)).decode() + "')",
    "deflate": "$s=[Convert]::FromBase64String('"
    + base64.b64encode(zlib.compress(EICAR)[2:-4]).decode()
    + "');New-Object IO.Compression.DeflateStream",
    "certutil": f"certutil -decode %~f0 e.com\r\n-----BEGIN CERTIFICATE-----\r\n{_B64}\r\n-----END CERTIFICATE-----\r\n",
    "lines that are written": "".join(f"echo {line}>>b.txt\r\n" for line in _LINES.splitlines()),
}
_UNIX = {
    "base64": f"echo {_B64} | base64 -d > e.com\n",
    "base64 in the text": f"base64 -d > e.com <<EOF\n{_LINES}\nEOF\n",
    "in the text": f"cat > e.com <<'EOF'\n{EICAR.decode()}\nEOF\n",
    "in an archive of the shell": f"sed 's/^X//' > e.com << 'SHAR'\nX{EICAR.decode()}\nSHAR\n",
    "octal numbers": "printf '" + "".join(f"\\{octet:03o}" for octet in EICAR) + "' > e.com\n",
    "hexadecimal digits": f"xxd -r -p <<E > e.com\n{_HEX}\nE\n",
    "uuencoded": f"uudecode <<E\nbegin 644 e.com\n{_UU}`\nend\nE\n",
}
_SCRIPTS = (
    *(_file(name, text, called) for called in ("a.js", "a.mjs", "a.wsf") for name, text in _JAVASCRIPT.items()),
    *(_file(name, text, called) for called in ("a.vbs", "a.wsf") for name, text in _BASIC.items()),
    *(_file(name, text, called) for called in ("a.ps1", "a.bat") for name, text in _SHELL.items()),
    *(_file(name, "#!/bin/sh\n" + text, called) for called in ("a.sh", "run") for name, text in _UNIX.items()),
    _file("in Python", f"import base64\nopen('e','wb').write(base64.b64decode(b'{_B64}'))\n", "a.py"),
    _file("in PHP", f"<?php file_put_contents('e', base64_decode('{_B64}'));", "a.php"),
    _file("in UTF-16", _JAVASCRIPT["base64"].encode("utf-16"), "a.js"),
    _file("by its type", _JAVASCRIPT["base64"], "a", "application/javascript"),
)

_SAVES = "var b=new Blob([u]);a.href=URL.createObjectURL(b);a.download='eicar.com';a.click();"


def _page(name: str, made: str, around: str = "") -> Case:
    return _file(name, f"<html><body>{around}<script>{made}{_SAVES}</script></body></html>", "a.html", "text/html")


_WHOLE = f"<html><script>var u=atob('{_B64}');{_SAVES}</script></html>"
_PAGES = (
    _page("two variables", f"var x='{_B64[:_HALF]}',y='{_B64[_HALF:]}';var u=atob(x+y);"),
    _page("a list that grows", "".join(f"x.push('{line}');" for line in _LINES.splitlines()) + "var u=atob(x.join(''));"),
    _page("a text that grows", "".join(f"x+='{line}';" for line in _LINES.splitlines()) + "var u=atob(x);"),
    _page("a character replaced", "var u=atob('" + _B64.replace("A", "$") + "'.split('$').join('A'));"),
    _page("a character too many", "var u=atob('" + "~".join(_B64[at : at + 4] for at in range(0, len(_B64), 4)) + "'.replace(/~/g,''));"),
    _page("an attribute", "var u=atob(d.dataset.x);", f"<div id=d data-x='{_B64}'></div>"),
    _page("a comment", "var u=atob(document.childNodes[0].data);", f"<!--{_B64}-->"),
    _page("numbers with blanks", "var u='" + " ".join(map(str, EICAR)) + "'.split(' ').map(x=>String.fromCharCode(x));"),
    _page("numbers on lines", "var u=new Uint8Array([\n" + ",\n".join(map(str, EICAR)) + "\n]);"),
    _page("wide numbers", "var u=new Uint32Array([" + ",".join(map(str, struct.unpack("<17L", EICAR))) + "]);"),
    _page("binary digits", "var u='" + " ".join(f"{octet:08b}" for octet in EICAR) + "'.split(' ').map(x=>parseInt(x,2));"),
    _page("hexadecimal texts", "var u=['" + "','".join(f"{octet:02x}" for octet in EICAR) + "'].map(x=>parseInt(x,16));"),
    _page("octal escapes", "var u='" + "".join(f"\\{octet:03o}" for octet in EICAR) + "';atob('');"),
    _page("escapes in braces", "var u=atob('" + "".join(f"\\u{{{ord(each):x}}}" for each in _B64) + "');"),
    _page("gzip", "var u=atob('" + base64.b64encode(gzip.compress(EICAR)).decode() + "');new DecompressionStream('gzip');"),
    _page("deflate", "var u=atob('" + base64.b64encode(zlib.compress(EICAR)[2:-4]).decode() + "');new DecompressionStream('deflate-raw');"),
    _page("names in pieces", f"var u=window['at'+'ob']('{_B64}');"),
    _file("a data: URI in pieces", f"<script>a.href='data:a/b;base64,'+'{_B64}'</script>", "a.html", "text/html"),
    _file("a script in base64", "<script>eval(atob('" + base64.b64encode(f"var u=atob('{_B64}');{_SAVES}".encode()).decode() + "'))</script>", "a.html", "text/html"),
    _file("a page in base64", "<script>document.write(atob('" + base64.b64encode(_WHOLE.encode()).decode() + "'))</script>", "a.html", "text/html"),
    _file("a script in escapes", "<script>eval(unescape('" + "".join(f"%{octet:02x}" for octet in f"var u=atob('{_B64}');{_SAVES}".encode()) + "'))</script>", "a.html", "text/html"),
    _file("a page behind zeros", b"\0\0\0" + _WHOLE.encode(), "a.html", "text/html"),
    _file("an SVG with a prefix", f"<s:svg xmlns:s='x'><s:script>var u=atob('{_B64}');{_SAVES}</s:script></s:svg>", "a.svg", "image/svg+xml"),
    Case("a page as the body", html(_WHOLE)),
)  # fmt: skip


def _pem(label: str, written: str = _B64) -> str:
    return f"-----BEGIN {label}-----\r\n{written}\r\n-----END {label}-----\r\n"


_LETTERS = (
    *(_file(label, _pem(label), called) for label in ("CERTIFICATE", "X509 CRL", "RSA PRIVATE KEY", "FOO") for called in ("a.crt", "a.txt")),
    _file("behind words", "Save this:\r\n" + _pem("CERTIFICATE"), "a.txt"),
    _file("an archive in a certificate", _pem("CERTIFICATE", base64.encodebytes(zipped(eicar_com=EICAR)).decode()), "a.pem"),
    _file("a certificate in an archive", zipped(a_txt=_pem("CERTIFICATE").encode()), "a.zip"),
    _file("nothing but base64", _B64, "a.txt"),
    _file("base64 on lines", base64.encodebytes(EICAR), "a.b64"),
    _file("nothing but hexadecimal digits", _HEX, "a.txt"),
)  # fmt: skip

CASES = (*_SCRIPTS, *_PAGES, *_LETTERS)
