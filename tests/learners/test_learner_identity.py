"""What learners are called and how they are drawn: stated, by default, and from runs written before it was stated."""

from itertools import combinations

import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.learners import JEPA, LEARNERS, FieldStatistics, FrozenVideo, Supervised
from physrep.learners.identity import (
    CONSTANT,
    KINDS,
    default_colour,
    identity,
    identity_of_name,
    identity_of_summary,
)
from physrep.palette import hex_of_oklch, oklab_of_hex


class Mine(JEPA):
    """States nothing: it must not be taken for a JEPA."""


class Floor(FieldStatistics):
    """Inherits the kind alone."""

    label = "My floor"


class Painted(JEPA):
    """Names a colour that CSS knows and LaTeX does not."""

    colour = "red"


class Roof(JEPA):
    """Of no kind."""

    kind = "roof"  # pyright: ignore[reportAssignmentType]


class Labelled(Supervised):
    """Reads labels and says that it does not."""

    kind = "learner"


def test_registered_colours_look_different() -> None:
    tints = [CONSTANT.colour, *(identity(kind, name).colour for name, kind in LEARNERS.items())]
    for a, b in combinations(tints, 2):
        assert np.linalg.norm(oklab_of_hex(a) - oklab_of_hex(b)) > 0.04, (a, b)


def test_every_registered_learner_states_label_and_colour() -> None:
    for name, kind in LEARNERS.items():
        assert {"label", "colour"} <= vars(kind).keys(), name
        assert identity(kind, name).kind in KINDS


def test_defaults_are_stable_and_distinct() -> None:
    own = identity(Mine, "my_module:Mine")
    assert own.label == "Mine" and own.kind == "learner" and own == identity_of_name("my_module:Mine")
    tints = [default_colour(f"package.module:Learner{k}") for k in range(20)]
    registered = {identity_of_name(name).colour for name in LEARNERS}
    assert len(set(tints)) == 20 and not set(tints) & registered
    assert default_colour("package.module:Mine") == "#796100"


def test_kind_is_inherited_and_label_is_not() -> None:
    assert identity(Floor, "my_module:Floor")[:2] == ("floor", "My floor")
    assert identity(Labelled, "my_module:Labelled").kind == "ceiling"
    untrained = FrozenVideo.__new__(FrozenVideo)
    untrained.__dict__["kind"] = "floor"
    assert identity(untrained, "frozen_video")[:2] == ("floor", "Frozen video model")


def test_wrong_statements_are_refused() -> None:
    with pytest.raises(PhysrepError, match="the colour 'red'; write it as '#rrggbb'"):
        identity(Painted, "my_module:Painted")
    with pytest.raises(PhysrepError, match="kind 'roof'"):
        identity(Roof, "my_module:Roof")


def test_old_summaries_are_read_through_the_registry() -> None:
    assert identity_of_summary({"kind": "floor"}, "pixels") == identity_of_name("pixels")
    assert identity_of_summary({}, "constant") == CONSTANT
    assert identity_of_summary({"kind": "ceiling"}, "my_module:Mine")[:2] == ("ceiling", "Mine")


def test_oklab_and_back() -> None:
    lightness, a, b = oklab_of_hex(hex_of_oklch(0.6, 0.1, 140))
    assert lightness == pytest.approx(0.6, abs=3e-3) and np.hypot(a, b) == pytest.approx(0.1, abs=3e-3)
    assert np.rad2deg(np.arctan2(b, a)) == pytest.approx(140, abs=1.5)
    # White has lightness 1 and no colour (Ottosson 2020).
    assert oklab_of_hex("#ffffff") == pytest.approx([1, 0, 0], abs=1e-4)
