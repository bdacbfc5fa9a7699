"""The artefact that is delivered, on letters that it never learnt from."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.anatomy.examine import examine
from gateway.facts.content import MailClass, SpamFact
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
