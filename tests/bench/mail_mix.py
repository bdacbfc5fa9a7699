"""The mail that benches send: sizes, HTML, attachments and signatures in the proportions of real traffic, from a seed.

Median 15 KB, mean about 55 KB, a third with attachments, two thirds DKIM-signed (rsa2048, relaxed/relaxed); SPF and
DMARC pass.
"""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from typing import Any

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TEXT = """
the of and to in a is that for it with as was on be by at this have from or one had not but what all were when
we there can an your which their said if do will each about how up out them then she many some so these would
other into has more her two like him see time could no make than first been its who now people my made over
did down only way find use may water long little very after words called just where most know meeting report
project invoice schedule customer review
"""
WORDS = TEXT.split()
DOMAINS = [f"sender{n}.example" for n in range(12)]


@dataclass(frozen=True)
class Mail:
    """One message and its reverse-path."""

    sender: str
    octets: bytes


def mail_mix(count: int, *, seed: int = 7) -> tuple[list[Mail], dict[str, Any]]:
    """Messages, and the DNS zone under which they authenticate."""
    chance = random.Random(seed)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    zone: dict[str, Any] = {}
    for domain in DOMAINS:
        zone[domain] = [{"TXT": "v=spf1 mx ip4:127.0.0.1 -all"}, {"MX": [10, f"mx.{domain}"]}, {"A": "192.0.2.7"}]
        zone[f"mx.{domain}"] = [{"A": "127.0.0.1"}]
        zone[f"s1._domainkey.{domain}"] = [{"TXT": "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()}]
        zone[f"_dmarc.{domain}"] = [{"TXT": "v=DMARC1; p=reject"}]
    return [_mail(number, chance, private) for number in range(count)], zone


def _mail(number: int, chance: random.Random, private: bytes) -> Mail:
    domain = chance.choice(DOMAINS)
    size = min(int(chance.lognormvariate(9.2, 1.0)), 3_000_000)
    text = _text(chance, min(size // 2, 20_000))
    attachment = b""
    if chance.random() < 0.31:
        attachment = base64.encodebytes(chance.randbytes(min(int(chance.lognormvariate(10.9, 1.1)), 3_500_000)))
    body = _body(number, text, attachment)
    header = (
        f"From: Sender {number} <person{number % 90}@{domain}>\r\nTo: alice@example.org\r\n"
        f"Subject: {_text(chance, 40)}\r\nDate: Mon, 16 Nov 2026 09:12:00 +0000\r\n"
        f"Message-ID: <{number}@{domain}>\r\nMIME-Version: 1.0\r\n"
    ).encode()
    octets = header + body
    if chance.random() < 0.68:
        octets = dkim.sign(octets, b"s1", domain.encode(), private, canonicalize=(b"relaxed", b"relaxed")) + octets
    return Mail(f"person{number % 90}@{domain}", octets)


def _body(number: int, text: str, attachment: bytes) -> bytes:
    html = "<html><body>" + "".join(f"<p>{line}</p>" for line in text.split(". ")) + "</body></html>"
    lines = "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    markup = "\r\n".join(html[start : start + 900] for start in range(0, len(html), 900))
    alternative = (
        f"--alt{number}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{lines}\r\n"
        f"--alt{number}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{markup}\r\n--alt{number}--\r\n"
    )
    if not attachment:
        return f'Content-Type: multipart/alternative; boundary="alt{number}"\r\n\r\n{alternative}'.encode()
    wrapped = attachment.replace(b"\n", b"\r\n")
    return (
        (
            f'Content-Type: multipart/mixed; boundary="mix{number}"\r\n\r\n--mix{number}\r\n'
            f'Content-Type: multipart/alternative; boundary="alt{number}"\r\n\r\n{alternative}--mix{number}\r\n'
            f'Content-Type: application/octet-stream; name="data{number}.bin"\r\nContent-Transfer-Encoding: base64\r\n'
            f'Content-Disposition: attachment; filename="data{number}.bin"\r\n\r\n'
        ).encode()
        + wrapped
        + f"--mix{number}--\r\n".encode()
    )


def _text(chance: random.Random, size: int) -> str:
    words: list[str] = []
    length = 0
    while length < size:
        word = chance.choice(WORDS) + ("." if chance.random() < 0.08 else "")
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[: max(1, size)].strip()
