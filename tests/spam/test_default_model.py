"""The artefact that is delivered, on letters that it never learnt from."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.anatomy.examine import examine
from gateway.facts.content import MailClass, SpamFact
from gateway.spam.features import features_of
from gateway.spam.model import Model

ROOT = Path(__file__).resolve().parents[2]
MODEL = Model.load(ROOT / "models" / "default")
MOST = 8 * 1024 * 1024

PERSONAL = {
    "minutes": "Hello Alice,\r\n\r\nthe minutes of Tuesday are ready. Shall we meet at ten about them?\r\n\r\nAnn",
    "family": "Hi Mum,\r\n\r\nthe train was late again but we got home safely. The children loved the garden.",
    "short": "Thanks, that works for me. See you at the station on Friday.\r\n\r\nBen",
    "work": "Dear Bob,\r\n\r\nplease find my comments on chapter three below. The second figure needs an axis.",
}
UNSPACED = {
    "zh": "李老师您好，附件是上周会议的记录，请您看一下第三页的数字是否正确。"
    "如果没有问题，我明天上午把它发给大家。另外周五下午的讨论改到三点开始，地点不变。谢谢！王明",
    "ja": "田中様、お世話になっております。先日の打ち合わせの議事録をお送りします。"
    "三ページ目の数字をご確認いただけますでしょうか。問題がなければ、明日の午前中に皆様へお送りいたします。佐藤",
    "th": "สวัสดีครับคุณสมชาย ผมส่งบันทึกการประชุมสัปดาห์ที่แล้วมาให้ดูครับ รบกวนตรวจสอบตัวเลขในหน้าสามว่าถูกต้องหรือไม่ "
    "ถ้าไม่มีปัญหาพรุ่งนี้เช้าผมจะส่งให้ทุกคนครับ ขอบคุณครับ",
}
HELD = 2.0
"""The score from which the shipped policy holds mail."""


def judge(octets: bytes) -> SpamFact:
    return MODEL.judge(examine(octets))


def sample(name: str) -> SpamFact:
    return judge((ROOT / "samples" / name).read_bytes())


@pytest.mark.parametrize("name", PERSONAL)
def test_a_letter_between_people_is_ham(name: str) -> None:
    octets = f"From: Ann Miller <ann@partner.example>\r\nSubject: Re: {name}\r\n\r\n{PERSONAL[name]}\r\n".encode()
    fact = judge(octets)
    assert fact.mail_class is MailClass.HAM, fact
    assert fact.score < 0


@pytest.mark.parametrize("name", ["01-letter.eml", "02-newsletter.eml"])
def test_the_samples_of_ham_are_ham(name: str) -> None:
    assert sample(name).score < 1.0


def test_the_sample_of_phishing_is_a_fraud_for_named_reasons() -> None:
    fact = sample("03-phishing.eml")
    assert fact.mail_class is MailClass.PHISHING
    told = {signal.evidence for signal in fact.signals if signal.weight > 0}
    assert told & {"author's name shows another address", "asks for a password in the message"}


def test_the_sample_of_spam_is_spam() -> None:
    assert sample("04-spam.eml").mail_class is MailClass.SPAM


def test_the_artefact_is_small() -> None:
    assert (ROOT / "models/default/weights.npy").stat().st_size < MOST


def written(text: str, *, kind: str = "plain") -> bytes:
    """A message of a stranger with this text."""
    head = "From: Wang <wang@partner.example>\r\nTo: bob@example.org\r\nMIME-Version: 1.0\r\n"
    coded = "Content-Transfer-Encoding: 8bit\r\n\r\n"
    return f"{head}Content-Type: text/{kind}; charset=utf-8\r\n{coded}{text}\r\n".encode()


@pytest.mark.parametrize("octets", [b"", b"\r\n", b"From: a@b.example\r\n\r\n", written("<html></html>", kind="html")])
def test_a_message_without_text_is_judged_and_not_held(octets: bytes) -> None:
    assert judge(octets).score < HELD


@pytest.mark.parametrize("language", UNSPACED)
def test_a_letter_in_a_script_without_spaces_is_read_and_not_held(language: str) -> None:
    octets = written(UNSPACED[language])
    assert judge(octets).score < HELD
    whole = set(features_of(examine(octets)).buckets.tolist())
    changed = written(UNSPACED[language][:20] + "ab" + UNSPACED[language][22:])
    kept = set(features_of(examine(changed)).buckets.tolist())
    assert len(whole) > 100
    assert len(whole & kept) > 0.75 * len(whole), "two letters more or less are still the same text"


def test_text_that_nobody_sees_does_not_save_spam() -> None:
    honest = " ".join(PERSONAL.values()) * 4
    spam = (ROOT / "samples" / "04-spam.eml").read_bytes()
    for style in ("display:none", "font-size:0", "color:#ffffff;background:#ffffff"):
        hidden = f'<div style="{style}">{honest}</div>'.encode()
        for padded in (spam.replace(b"<body>", b"<body>" + hidden), spam.replace(b"</body>", hidden + b"</body>")):
            assert padded != spam
            assert judge(padded).score > HELD, style


def test_honest_words_that_a_reader_sees_do_not_save_the_sample_of_spam() -> None:
    honest = f"<p>{' '.join(PERSONAL.values())}</p>".encode()
    spam = (ROOT / "samples" / "04-spam.eml").read_bytes()
    for padded in (spam.replace(b"<body>", b"<body>" + honest), spam.replace(b"</body>", honest + b"</body>")):
        assert judge(padded).score > HELD


def test_what_is_behind_or_before_thirty_megabytes_is_judged() -> None:
    spam = (ROOT / "samples" / "04-spam.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, _, body = spam.partition(b"\r\n\r\n")
    fields = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-"))
    text = b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
    large = b"--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n" + b"%d " % 7 * (30 * 1024 * 1024 // 2) + b"\r\n"
    for parts in (text + large, large + text):
        octets = fields + b'\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + parts + b"--b--\r\n"
        assert len(octets) > 30 * 1024 * 1024
        assert judge(octets).mail_class is MailClass.SPAM
        assert judge(octets).score > HELD
