"""Kinds and names of learners, in the order of tables."""

from __future__ import annotations

KINDS = {
    "floor": "Floors",
    "learner": "Learners",
    "finetuned": "With labels, pretrained",
    "oracle": "Oracle (equation given)",
    "ceiling": "Ceiling",
}
"""Groups of learners in the order of tables, with their headings."""

KNOWN_KINDS = {
    "constant": "floor",
    "statistics": "floor",
    "pixels": "floor",
    "random": "floor",
    "spectra": "floor",
    "dynamic_modes": "floor",
    "pde_regression": "oracle",
    "supervised": "ceiling",
    "finetuned": "finetuned",
}
"""Kinds of learners whose run has no summary; every other learner is a ``"learner"``."""

NAMES = {
    "constant": "Constant",
    "statistics": "Field statistics",
    "pixels": "Pooled pixels",
    "random": "Random encoder",
    "spectra": "Power spectra",
    "dynamic_modes": "Dynamic modes",
    "pde_regression": "PDE regression",
    "supervised": "Supervised",
    "jepa": "JEPA",
    "videomae": "VideoMAE",
    "mpp": "MPP",
    "disco": "DISCO",
    "masked_pixels": "Masked pixels",
    "next_frame": "Next frame",
    "operator": "Operator",
    "masked_jepa": "Masked JEPA",
    "symmetry": "Symmetry views",
    "finetuned": "Fine-tuned",
    "frozen_video": "Frozen video model",
}
PROBES = {"head": "own head", "direct": "no label", "": "–"}


def learner_name(learner: str) -> str:
    """Name of a learner in tables and figures."""
    return NAMES.get(learner, learner)


def probe_name(probe: str) -> str:
    """Name of a probe in tables and figures."""
    return PROBES.get(probe, probe)
