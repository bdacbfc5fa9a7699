"""The classifier that serves: total, its probabilities sum to one, and its explanation adds up to its score."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from gateway.facts.content import REST, START, Anatomy, MailClass
from gateway.spam.artefact import write
from gateway.spam.features import SIZE
from gateway.spam.model import MAX_EVIDENCE, MAX_SIGNALS, Model, ModelError
from tests.spam.makings import anatomy_of, author, manifest
from tests.spam.test_features import anatomies

ROOT = Path(__file__).resolve().parents[2]
RANDOM = Model(manifest(), np.random.default_rng(1).normal(0, 3, (SIZE, 2)).astype(np.float16))
DEFAULT = Model.load(ROOT / "models" / "default")


@given(anatomies)
def test_any_anatomy_gives_probabilities_that_sum_to_one(anatomy: Anatomy) -> None:
    for model in (RANDOM, DEFAULT):
        fact = model.judge(anatomy)
        assert set(fact.probability) == {"ham", "spam", "phishing"}
        assert sum(fact.probability.values()) == pytest.approx(1.0, abs=1e-5)
        assert all(0.0 <= share <= 1.0 for share in fact.probability.values())
        assert fact.probability[fact.mail_class.value] == max(fact.probability.values())
        assert np.isfinite(fact.score)
        assert len(fact.signals) <= MAX_SIGNALS + 2
        assert sum(signal.points for signal in fact.signals) <= MAX_SIGNALS
        assert all(len(signal.evidence) <= MAX_EVIDENCE for signal in fact.signals)


@given(anatomies)
def test_the_explanation_adds_up_to_the_score(anatomy: Anatomy) -> None:
    explanation = RANDOM.explain(anatomy)
    told = sum(signal.weight for signal in explanation.signals)
    assert told == pytest.approx(explanation.score, abs=1e-4 * (1 + len(explanation.signals)))
    for model in (RANDOM, DEFAULT):
        fact = model.judge(anatomy)
        assert sum(signal.weight for signal in fact.signals) == pytest.approx(fact.score, abs=1e-3), "as recorded"
    assert RANDOM.judge(anatomy).score == pytest.approx(explanation.score, abs=1e-3)


@given(anatomies)
def test_judging_twice_says_the_same(anatomy: Anatomy) -> None:
    assert RANDOM.judge(anatomy) == RANDOM.judge(anatomy)


def test_the_strongest_signals_come_first_and_are_those_of_the_whole_explanation() -> None:
    anatomy = anatomy_of("alpha beta gamma delta epsilon zeta eta theta iota kappa " * 3, authors=(author(),))
    *signals, rest, start = RANDOM.judge(anatomy).signals
    sizes = [abs(signal.weight) for signal in signals]
    assert sizes == sorted(sizes, reverse=True)
    whole = RANDOM.explain(anatomy).signals
    assert tuple(signals) == whole[:MAX_SIGNALS]
    assert (rest.name, start, start.name) == (REST, whole[-1], START)
    assert rest.evidence == f"{len(whole) - 1 - MAX_SIGNALS} further words and facts"


def test_an_empty_message_has_the_score_of_the_start() -> None:
    weights = np.zeros((SIZE, 2), dtype=np.float16)
    fact = Model(manifest(), weights).judge(anatomy_of())
    assert fact.score == pytest.approx(1.5 * 0.25 - 0.25)


def test_the_second_model_tells_phishing_from_spam() -> None:
    weights = np.zeros((SIZE, 2), dtype=np.float16)
    unwanted = manifest(intercepts=(5.0, 5.0)), manifest(intercepts=(5.0, -5.0)), manifest(intercepts=(-5.0, 5.0))
    classes = [Model(each, weights).judge(anatomy_of("x")).mail_class for each in unwanted]
    assert classes == [MailClass.PHISHING, MailClass.SPAM, MailClass.HAM]


def test_a_model_that_is_not_there_is_an_error_with_a_text(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Model.load(tmp_path)


def test_serving_imports_no_learning(tmp_path: Path) -> None:
    """In the jail nothing can be imported later, and scipy would cost memory in every worker."""
    write(tmp_path, manifest(), np.zeros((SIZE, 2)))
    code = (
        "import sys; from pathlib import Path; from gateway.spam.model import Model;"
        "from gateway.facts.content import Anatomy, ContentFact;"
        f"Model.load(Path({str(tmp_path)!r})).judge(Anatomy(ContentFact(), text='Ünï words'));"
        "bad = [m for m in sys.modules if m.partition('.')[0] in ('scipy', 'sklearn', 'threading_pool', 'pandas')];"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_judging_loads_nothing_more(tmp_path: Path) -> None:
    write(tmp_path, manifest(), np.zeros((SIZE, 2)))
    code = (
        "import sys, builtins; from pathlib import Path; from gateway.spam.model import Model;"
        "from gateway.facts.content import Anatomy, ContentFact;"
        f"model = Model.load(Path({str(tmp_path)!r})); before = set(sys.modules); builtins.open = None;"
        "model.judge(Anatomy(ContentFact(), subject='v i a g r a Ünï', text='words \\u0430bc ' * 400));"
        "new = set(sys.modules) - before; sys.exit(str(new) if new else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
