"""gateway/spam/layer.py and versions.py: a bounded share that is told, and versions that come back to the octet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spam.artefact import ModelError
from gateway.spam.features import SIZE
from gateway.spam.layer import MOST, Layer, LayerManifest, bounded, read, write
from gateway.spam.model import Model
from gateway.spam.site.versions import KEPT, Versions
from tests.spam.makings import anatomy_of, manifest

MANIFEST = LayerManifest(sha256="", base="b", lessons="m", ham=200, unwanted=200)


def weights_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, SIZE).astype(np.float16)


def test_a_version_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = write(tmp_path, MANIFEST, weights_of(1))
    layer = read(tmp_path, base="b")
    assert layer.manifest == written
    assert (layer.weights == weights_of(1)).all()


def test_a_changed_octet_another_model_and_nonsense_are_refused(tmp_path: Path) -> None:
    write(tmp_path, MANIFEST, weights_of(1))
    with pytest.raises(ModelError, match="another model"):
        read(tmp_path, base="c")
    spoilt = bytearray((tmp_path / "weights.npy").read_bytes())
    spoilt[-1] ^= 1
    (tmp_path / "weights.npy").write_bytes(spoilt)
    with pytest.raises(ModelError, match="hash"):
        read(tmp_path, base="b")
    for text in ("", "[]", "{}", json.dumps({"format": 9})):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ModelError):
            read(tmp_path, base="b")


@given(st.lists(st.floats(-100, 100), max_size=50))
def test_shares_never_add_more_than_the_bound_and_keep_their_signs(shares: list[float]) -> None:
    given_shares = np.array(shares, dtype=np.float64)
    found = bounded(given_shares)
    assert abs(found.sum()) <= MOST + 1e-6
    assert (np.sign(found) == np.sign(given_shares)).all() or not given_shares.any()


def test_the_layers_shares_are_signals_and_all_sum_to_the_score() -> None:
    rng = np.random.default_rng(3)
    alone = Model(manifest(), rng.normal(0, 1, (SIZE, 2)).astype(np.float16))
    both = alone.over_it(Layer(MANIFEST, np.full(SIZE, 0.5, dtype=np.float16)))
    anatomy = anatomy_of("please look at the minutes of the meeting on tuesday")
    before, after = alone.explain(anatomy), both.explain(anatomy)
    assert after.score == pytest.approx(before.score + MOST, abs=1e-6)
    assert after.score == pytest.approx(sum(each.weight for each in after.signals), abs=0.02)
    taught = [each for each in after.signals if each.name.startswith("taught here, ")]
    assert sum(each.weight for each in taught) == pytest.approx(MOST, abs=0.02)
    assert alone.study(anatomy)[1] == pytest.approx(before.score)
    assert both.study(anatomy) == alone.study(anatomy), "lessons are learnt over the shipped model, not over themselves"


def test_going_back_serves_the_former_octets_and_is_held(tmp_path: Path) -> None:
    versions = Versions(tmp_path / "site")
    assert versions.current is None
    assert not versions.go_back()
    versions.adopt(MANIFEST, weights_of(1))
    first = versions.current
    assert first is not None
    octets = (first / "weights.npy").read_bytes()
    versions.adopt(MANIFEST, weights_of(2))
    assert versions.current != first
    assert versions.go_back()
    assert versions.current == first
    assert (first / "weights.npy").read_bytes() == octets
    assert versions.held
    versions.go_on()
    assert not versions.held
    assert versions.go_back()
    assert versions.current is None, "before the first there was none"


def test_only_so_many_versions_are_kept(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    for seed in range(KEPT + 3):
        versions.adopt(MANIFEST, weights_of(seed))
    assert len([each for each in tmp_path.iterdir() if each.is_dir()]) == KEPT
    versions.retire()
    assert versions.current is None
    assert versions.go_back()
    assert versions.manifest() is not None
