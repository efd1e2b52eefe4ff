"""The knee is found where it is, and the plots show it."""

from xml.etree import ElementTree as ET

from bench.knee import Curve, Point, goes_on
from bench.plots import cost_plot, latency_plot

RISING = [
    Point(100, 100, 5, 20, {"api": 0.2, "postgres": 0.1}),
    Point(200, 199, 6, 40, {"api": 0.4, "postgres": 0.2}),
    Point(400, 392, 20, 180, {"api": 0.8, "postgres": 0.4}),
    Point(800, 500, 900, 2_000, {"api": 1.0, "postgres": 0.8}),
]


def test_the_knee_is_the_last_step_that_keeps_up_and_is_quick():
    assert Curve("orders", 250, RISING).knee() == RISING[2]
    assert Curve("orders", 100, RISING).knee() == RISING[1]
    assert Curve("orders", 10, RISING).knee() is None


def test_a_step_that_is_quick_again_after_a_slow_one_is_not_the_knee():
    slow = [RISING[0], Point(150, 150, 10, 900), RISING[1]]

    assert Curve("orders", 250, slow).knee() == RISING[0]


def test_a_burst_needs_not_keep_up():
    burst = Curve("deposits", 250, [Point(600, 12, 50, 200)], is_burst=True)

    assert burst.knee() == burst.points[0]


def test_load_stops_growing_once_it_only_waits():
    assert goes_on(Curve("orders", 250, []))
    assert goes_on(Curve("orders", 250, RISING[:3]))
    assert not goes_on(Curve("orders", 250, RISING))


def test_cost_and_limit_are_of_the_busiest_part():
    costs = {part: round(cost) for part, cost in RISING[1].cost_us({}).items()}
    assert costs == {"api": 2010, "postgres": 1005}
    assert "2 cores" in RISING[3].limit(2)
    assert "api, which works on one core" in RISING[3].limit(8)
    assert "waiting" in RISING[0].limit(2)


def test_what_a_part_uses_when_idle_is_no_cost_of_an_operation():
    costs = RISING[0].cost_us({"api": 0.05, "postgres": 0.3})

    assert {part: round(cost) for part, cost in costs.items()} == {"api": 1500, "postgres": 0}


def test_plots_are_svg_that_parses():
    for text in (
        latency_plot(Curve("orders <&>", 250, RISING)),
        cost_plot("orders", RISING[3].cost_us({})),
    ):
        root = ET.fromstring(text)
        assert root.tag.endswith("svg")
        assert len(root) > 3
