r"""Multinomial logistic regression on the mean and standard deviation of the tokens: the linear probe of classes.

A class of a label table reaches a probe as z-scored indicators, one column per class or, of two, one column. With
standardised features x,

    p_k = exp(w_k·x + b_k) / Σ_j exp(w_j·x + b_j),     minimised: mean_n −ln p_true(x_n) + |w|² / (2 C n)

by scikit-learn; C is chosen for each label by the log loss on valid. What the probe gives for an indicator is p_k,
z-scored like it: a probability instead of a regressed number. Columns that are no indicators are numbers, and ridge
reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from .base import Probe, Tokens, check_pair
from .classes import STRENGTHS, logistic_path
from .moments import StandardMoments
from .ridge import PENALTIES, Ridge
from .valid_grid import ValidGrid


class LogisticProbe(Probe):
    """Logistic regression for classes, ridge for numbers; every setting is chosen on valid.

    Args:
        strengths: grid of inverse penalties C.
        alphas: grid of ridge's penalties, for numbers.
        seed: of the solver.
    """

    def __init__(
        self, strengths: Sequence[float] = STRENGTHS, alphas: Sequence[float] = PENALTIES, seed: int = 0
    ) -> None:
        self.strengths, self.alphas, self.seed = tuple(strengths), tuple(alphas), seed

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        self._features = StandardMoments().fit(tokens)
        x, x_valid = self._features(tokens), self._features(tokens_valid)
        y, y_valid = labels.double(), labels_valid.double()
        self._count = y.shape[1]
        groups = class_columns(y)
        numbers = [k for k in range(self._count) if not any(k in group for group in groups)]
        self._numbers = torch.tensor(numbers, dtype=torch.long)
        self._heads, self._ridge, self.valid_grid_ = [], None, []
        if numbers:
            self._ridge = Ridge(self.alphas)
            predicted = self._ridge.fit_predicting(x, y[:, numbers], x_valid, y_valid[:, numbers])
            self.valid_grid_ += ValidGrid.of_each(predicted, y_valid[:, numbers], numbers)
        for group in groups:
            low, high = y[:, group].amin(0), y[:, group].amax(0)
            target, target_valid = (_classes(part[:, group], (low + high) / 2) for part in (y, y_valid))
            path = logistic_path(
                x.numpy(), target.numpy(), x_valid.numpy(), target_valid.numpy(), self.strengths, self.seed
            )
            heads = [{"columns": list(group), "low": low, "high": high, "weights": torch.from_numpy(weights),
                      "offset": torch.from_numpy(offset), "strength": strength, "log_loss": loss}
                     for weights, offset, strength, loss in path]  # fmt: skip
            self._heads.append(min(heads, key=lambda head: head["log_loss"]))
            chances = torch.stack([_chances(head, x_valid) for head in heads])
            true = chances.gather(2, target_valid.expand(len(heads), -1)[..., None])[..., 0]
            values = torch.stack([_values(head, p) for head, p in zip(heads, chances, strict=True)])
            self.valid_grid_.append(ValidGrid(tuple(group), values, -true.clamp_min(1e-12).log()))
        self.best_params_ = {
            "classes": [
                {"columns": h["columns"], "C": h["strength"], "valid_log_loss": h["log_loss"]} for h in self._heads
            ],
            "numbers": numbers,
            "penalty": self._ridge.penalty.tolist() if self._ridge is not None else [],
        }
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        x = self._features(tokens)
        columns, parts = [], []
        if self._ridge is not None:
            columns, parts = list(self.best_params_["numbers"]), [self._ridge.predict(x)]
        for head in self._heads:
            columns += head["columns"]
            parts.append(_values(head, _chances(head, x)))
        order = sorted(range(len(columns)), key=lambda k: columns[k])
        return torch.cat(parts, 1)[:, order].float()


def _chances(head: dict[str, Any], x: Tensor) -> Tensor:
    """Probabilities of the classes, with shape ``(windows, K)``."""
    return torch.softmax(x @ head["weights"].T + head["offset"], 1)


def _values(head: dict[str, Any], chances: Tensor) -> Tensor:
    """The same as z-scored indicators; of two classes one."""
    p = chances[:, 1:] if len(head["columns"]) == 1 else chances
    return head["low"] + p * (head["high"] - head["low"])


def class_columns(labels: Tensor) -> list[tuple[int, ...]]:
    """Which columns of z-scored labels ``(windows, P)`` are indicators, those of one class together.

    A column of two values is an indicator, the lower one is 0. Neighbouring indicators of which exactly one is 1 in
    every window are those of one label, as a table of labels lays them out; any other one is a label of two classes.
    """
    low, high = labels.amin(0), labels.amax(0)
    near = 1e-6 * (high - low)
    two = [
        bool(((column - low[k]).abs() <= near[k]).logical_or((column - high[k]).abs() <= near[k]).all())
        and bool(high[k] > low[k])
        for k, column in enumerate(labels.T)
    ]
    ones = labels > (low + high) / 2
    groups, k = [], 0
    while k < len(two):
        if not two[k]:
            k += 1
            continue
        last = k
        while last < len(two) and two[last]:
            last += 1
        end = next((j for j in range(k + 2, last + 1) if bool((ones[:, k:j].sum(1) == 1).all())), k + 1)
        groups.append(tuple(range(k, end)))
        k = end
    return groups


def _classes(indicators: Tensor, middle: Tensor) -> Tensor:
    """Number of the class of every window; of one indicator 0 or 1."""
    ones = indicators > middle
    return ones[:, 0].long() if ones.shape[1] == 1 else ones.long().argmax(1)
