"""Charts: well-formed whatever the names, and points where the axes say."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spam.measuring.charts import HEIGHT, WIDTH, Axis, Curve, chart

LINEAR = Axis("up", 0.0, 1.0, ((0.0, "0"), (1.0, "1")))
LOG = Axis("across", 0.001, 0.1, ((0.001, "low"), (0.1, "high")), logarithmic=True)
points = st.lists(st.tuples(st.floats(-1, 2), st.floats(-1, 2)), min_size=1, max_size=9)


@pytest.mark.parametrize(("value", "place"), [(0.001, 0.0), (0.01, 0.5), (0.1, 1.0), (0.0, 0.0), (5.0, 1.0)])
def test_a_logarithmic_axis_places_decades_evenly_and_holds_what_is_outside(value: float, place: float) -> None:
    assert LOG.place(value) == pytest.approx(place)


@given(points, st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=20))
def test_any_curve_gives_a_picture_that_parses_and_stays_inside(found: list[tuple[float, float]], name: str) -> None:
    band = [(y - 0.1, y + 0.1) for _, y in found]
    root = ElementTree.fromstring(chart(name, LOG, LINEAR, [Curve(name, found, band), Curve("x", found, dashed=True)]))
    paths = [each.attrib["d"] for each in root.iter("{http://www.w3.org/2000/svg}path") if "L" in each.attrib["d"]]
    for path in paths:
        for pair in path.strip("MZ").split("L"):
            x, y = map(float, pair.split())
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
