"""The analyses of a study, from stores of embeddings to one long table of scores and the predictions behind it.

Every row of the table has: ``analysis``, ``set``, ``target`` (parameter or question), ``level`` (what of a simulation
is read), ``modality``, ``metric``, ``value``, ``low`` and ``high`` (95 %), ``splits`` (the value of every split).

Predictions of a simulation are pooled over the splits in which it is in test. Intervals are a bootstrap over
simulations; differences between modalities are paired by simulation.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..build import nearest
from ..errors import PhysrepError
from ..metrics import bootstrap, paired_difference
from .config import FTCS, StudyConfig
from .data import StudyData
from .latent import koopman, principal, spatial_head
from .ridge import fit_ridge
from .splits import split_rows
from .store import EmbeddingStore

LEVELS = {"simulation": "mean over time", "three": "first, middle and last frame", "frame": "each frame"}
"""What of a simulation a probe reads."""

FRAMES_TO_FIT = 4
"""Frames per simulation that the frame-level probe is fitted on; it is scored on all."""

Stores = Mapping[str, EmbeddingStore]
Rows = list[dict[str, Any]]


def features(store: EmbeddingStore, rows: np.ndarray, level: str) -> np.ndarray:
    """What a probe reads: ``(n, D)`` for ``simulation``, ``(n, 3 D)`` for ``three``, ``(n, t, D)`` for ``frame``."""
    frames = np.asarray(store.frames[rows], np.float64)
    if level == "simulation":
        return frames.mean(1)
    if level == "three":
        return frames[:, [0, frames.shape[1] // 2, -1]].reshape(len(rows), -1)
    return frames


class Analyser:
    """All that analyses share: configuration, simulations, stores, splits."""

    def __init__(self, config: StudyConfig, data: StudyData, stores: Stores, nuisance: Mapping[str, Stores]) -> None:
        self.config, self.data, self.stores, self.nuisance = config, data, stores, nuisance
        self.splits = [split_rows(config, data, seed) for seed in range(config.splits)]
        self.predictions: dict[str, np.ndarray] = {}

    def run(self, name: str) -> Rows:
        """Rows of one analysis; names are those of `config.ANALYSES`."""
        method, given = getattr(self, name), self.config.settings.get(name, {})
        known = list(inspect.signature(method).parameters)
        for key in given:
            if key not in known:
                hint = nearest(key, known) if known else "it has none."
                raise PhysrepError(f"settings.{name}: there is no setting {key!r}; {hint}")
        return method(**given)

    def within(self, name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Train and test rows of one set."""
        own = self.data.rows(name)
        train, test = self.splits[seed]
        return np.intersect1d(own, train), np.intersect1d(own, test)

    # -- parameters ---------------------------------------------------------------------------------------------------

    def parameters(self) -> Rows:
        """Ridge probes of every parameter that varies, at every level, with the colours of training and others."""
        rows: Rows = []
        for name, own in self.data.sets.items():
            varying = [p for p in own["parameters"] if np.ptp(self.data.parameter(p, self.data.rows(name))) > 0]
            for parameter in varying:
                target = self._target(name, parameter)
                for level in LEVELS:
                    pooled = {m: self._probe(name, target, m, level) for m in self.stores}
                    for modality, found in pooled.items():
                        self.predictions[f"{name}/{parameter}/{level}/{modality}"] = np.stack(found["pooled"])
                        rows += self._scored("parameters", name, parameter, level, modality, found)
                        for colours, result in found["nuisance"].items():
                            rows += self._scored("parameters", name, parameter, f"{level}@{colours}", modality, result)
                    rows += self._differences("parameters", name, parameter, level, pooled)
        return rows

    def _target(self, name: str, parameter: str) -> np.ndarray:
        """The parameter as it is scored (its logarithm, where the system says so), NaN in other sets."""
        target = np.full(len(self.data), np.nan)
        rows = self.data.rows(name)
        values = self.data.parameter(parameter, rows)
        target[rows] = np.log(values) if self.data.sets[name]["parameters"][parameter] == "log" else values
        return target

    def _probe(self, name: str, target: np.ndarray, modality: str, level: str) -> dict[str, Any]:
        """Predictions of the test simulations of every split: simulation, truth and prediction, one row each."""
        found: dict[str, Any] = {"pooled": ([], [], []), "r2": [], "nuisance": {}}
        others = {k: stores[modality] for k, stores in self.nuisance.items() if modality in stores}
        for k in others:
            found["nuisance"][k] = {"pooled": ([], [], []), "r2": []}
        for seed in range(len(self.splits)):
            train, test = self.within(name, seed)
            x = features(self.stores[modality], train, level)
            y, centre, spread = target[train], target[train].mean(), target[train].std()
            groups = train
            if level == "frame":
                steps = np.unique(np.linspace(0, x.shape[1] - 1, FRAMES_TO_FIT).round().astype(int))
                x = x[:, steps].reshape(-1, x.shape[-1])
                y, groups = np.repeat(y, len(steps)), np.repeat(train, len(steps))
            probe = fit_ridge(x, ((y - centre) / spread)[:, None], groups, seed=seed)
            for store, result in [(self.stores[modality], found), *((others[k], found["nuisance"][k]) for k in others)]:
                x_test = features(store, test, level)
                repeat = x_test.shape[1] if level == "frame" else 1
                predicted = probe.predict(x_test.reshape(-1, x_test.shape[-1]))[:, 0]
                true = np.repeat((target[test] - centre) / spread, repeat)
                result["r2"].append(float(1 - np.square(predicted - true).sum() / np.square(true - true.mean()).sum()))
                for part, values in zip(
                    result["pooled"],
                    (np.repeat(test, repeat), true * spread + centre, predicted * spread + centre),
                    strict=True,
                ):
                    part.append(values)
        for result in (found, *found["nuisance"].values()):
            result["pooled"] = tuple(np.concatenate(part) for part in result["pooled"])
        return found

    def _scored(self, analysis: str, name: str, target: str, level: str, modality: str, found: dict[str, Any]) -> Rows:
        cluster, true, predicted = found["pooled"]
        interval = bootstrap(predicted[:, None], true[:, None], cluster, "r2")
        row = {"analysis": analysis, "set": name, "target": target, "level": level, "modality": modality}
        mae = float(np.abs(predicted - true).mean())
        return [
            {**row, "metric": "r2", "value": interval.value[0], "low": interval.low[0], "high": interval.high[0],
             "splits": found["r2"]},
            {**row, "metric": "mae", "value": mae, "low": np.nan, "high": np.nan, "splits": []},
        ]  # fmt: skip

    def _differences(
        self, analysis: str, name: str, target: str, level: str, pooled: Mapping[str, dict[str, Any]]
    ) -> Rows:
        """R² of every other modality minus that of the reference, paired by simulation."""
        rows: Rows = []
        base = pooled[self.config.reference]
        for modality, found in pooled.items():
            steps = len(found["pooled"][0]) == len(base["pooled"][0])
            if modality == self.config.reference or not steps:
                continue
            cluster, true, predicted = found["pooled"]
            both = (predicted[:, None], base["pooled"][2][:, None], true[:, None])
            result = paired_difference(*both, cluster, "r2")
            rows.append(
                {"analysis": analysis, "set": name, "target": target, "level": level, "modality": modality,
                 "metric": "r2_minus_reference", "value": result.value[0], "low": result.low[0],
                 "high": result.high[0],
                 "splits": [a - b for a, b in zip(found["r2"], base["r2"], strict=True)]}
            )  # fmt: skip
        return rows

    # -- dynamics -----------------------------------------------------------------------------------------------------

    def koopman(self, components: int = 32) -> Rows:
        """Latent dynamics of first and second order, and with the training frames in random order."""
        rows: Rows = []
        for name in self.data.sets:
            for modality, store in self.stores.items():
                runs = [koopman(store.frames, *self.within(name, s), components) for s in range(len(self.splits))]
                control = [
                    koopman(store.frames, *self.within(name, s), components, shuffle_time=s)
                    for s in range(len(self.splits))
                ]
                for prefix, results in (("", runs), ("shuffled time, ", control)):
                    for order in ("order 1", "order 2"):
                        for metric in [m for m in results[0][order] if m != "curve"]:
                            values = [result[order][metric] for result in results]
                            rows.append(
                                _over_splits("koopman", name, prefix + order, "frame", modality, metric, values)
                            )
                gain = [r["order 2"]["skill"] - r["order 1"]["skill"]
                        for r in runs]  # fmt: skip
                rows.append(_over_splits("koopman", name, "order 2 - order 1", "frame", modality, "gain", gain))
                still = [r["persistence_cosine"] for r in runs]
                rows.append(_over_splits("koopman", name, "persistence", "frame", modality, "rollout_cosine", still))
                self.predictions[f"koopman/{name}/{modality}"] = np.mean([r["order 1"]["curve"] for r in runs], 0)
        return rows

    def spatial_head(self, channels: int = 64) -> Rows:
        """Whether knowing α helps to predict the next spatial tokens."""
        rows: Rows = []
        for name, own in self.data.sets.items():
            if own["equation"] not in ("heat", FTCS):
                continue
            alpha = np.full(len(self.data), np.nan)
            alpha[self.data.rows(name)] = self.data.parameter("diffusivity", self.data.rows(name))
            for modality, store in self.stores.items():
                if store.grid is None:
                    continue
                own_rows = self.data.rows(name)
                offset = own_rows[0]
                runs = []
                for seed in range(len(self.splits)):
                    train, test = self.within(name, seed)
                    runs.append(
                        spatial_head(
                            store.grid[own_rows], alpha[own_rows], train - offset, test - offset, channels, seed
                        )
                    )
                for kind in ("real", "shuffled", "none"):
                    values = [run[kind] for run in runs]
                    rows.append(_over_splits("spatial_head", name, kind, "tokens", modality, "r2_persistence", values))
                gain = [run["real"] - max(run["shuffled"], run["none"]) for run in runs]
                rows.append(_over_splits("spatial_head", name, "real - best control", "tokens", modality, "gain", gain))
        return rows

    # -- pixels -------------------------------------------------------------------------------------------------------

    def falsification(self, components: int = 32) -> Rows:
        """Is an embedding a linear picture, or a picture a linear embedding? R² of the leading components, by ridge."""
        rows: Rows = []
        reference = self.stores[self.config.reference]
        for name in self.data.sets:
            for modality, store in self.stores.items():
                if self.config.encoders[modality].kind == "pixels":
                    continue
                near = np.abs(reference.times[None] - store.times[:, None]).argmin(1)
                pairs = {"pixels to embedding": (reference.frames, near, store.frames, np.arange(len(store.times)))}
                pairs["embedding to pixels"] = (store.frames, np.arange(len(store.times)), reference.frames, near)
                for target, (source, s_times, goal, g_times) in pairs.items():
                    values, control = [], []
                    for seed in range(len(self.splits)):
                        train, test = self.within(name, seed)
                        args = (source, s_times, goal, g_times, train, test, components, seed)
                        values.append(_linear_map(*args))
                        control.append(_linear_map(*args, shuffle=True))
                    rows.append(_over_splits("falsification", name, target, "frame", modality, "r2", values))
                    rows.append(
                        _over_splits(
                            "falsification", name, f"{target}, shuffled time", "frame", modality, "r2", control
                        )
                    )
        return rows

    # -- kinds of physics ---------------------------------------------------------------------------------------------

    def classification(self) -> Rows:
        """Which set does a simulation come from? A linear classifier; pairs stay on one side of every split."""
        rows: Rows = []
        names = list(self.data.sets)
        kind = np.array([names.index(own["set"]) for own in self.data.simulations])
        for level in ("simulation", "three"):
            for modality, store in self.stores.items():
                hits: list[np.ndarray] = []
                clusters: list[np.ndarray] = []
                per_split = []
                for seed, (train, test) in enumerate(self.splits):
                    groups = np.array([self.data.simulations[i]["number"] for i in train])
                    probe = fit_ridge(features(store, train, level), np.eye(len(names))[kind[train]], groups, seed=seed)
                    answer = probe.predict(features(store, test, level)).argmax(1)
                    hits.append(answer == kind[test])
                    clusters.append(np.array([self.data.simulations[i]["number"] for i in test]))
                    # Sets of unequal size count alike.
                    per_split.append(float(np.mean([hits[-1][kind[test] == k].mean() for k in np.unique(kind[test])])))
                rows.append(_over_splits("classification", "all", "set", level, modality, "accuracy", per_split))
        return rows

    def naming(self) -> Rows:
        """Groups without labels: k-means of dynamical signatures; adjusted Rand index with the equations."""
        from sklearn.cluster import KMeans
        from sklearn.metrics import adjusted_rand_score

        names = list(self.data.sets)
        kind = np.array([names.index(own["set"]) for own in self.data.simulations])
        rows: Rows = []
        starts: Any = 10
        for modality, store in self.stores.items():
            signature = signatures(np.asarray(store.frames, np.float64))
            scaled = (signature - signature.mean(0)) / np.maximum(signature.std(0), 1e-9)
            values = []
            for seed in range(len(self.splits)):
                found = KMeans(len(names), n_init=starts, random_state=seed).fit_predict(scaled)
                values.append(float(adjusted_rand_score(kind, found)))
            rows.append(_over_splits("naming", "all", "groups", "signature", modality, "adjusted_rand", values))
            self.predictions[f"naming/{modality}"] = signature
        return rows


def signatures(frames: np.ndarray) -> np.ndarray:
    """How an embedding moves, whatever it shows: numbers without unit or direction, ``(S, 5)``.

    Straightness (distance over path), slowing down (log ratio of the late to the early speed), turning (mean cosine of
    successive steps), return (cosine of the first and the last step), and evenness of the speed.
    """
    mean, axes = principal(frames, 32)
    z = (frames - mean) @ axes
    steps = np.diff(z, axis=1)
    speed = np.linalg.norm(steps, axis=-1)
    third = max(1, speed.shape[1] // 3)
    tiny = 1e-9 * speed.max() + 1e-30
    turning = (steps[:, 1:] * steps[:, :-1]).sum(-1) / np.maximum(speed[:, 1:] * speed[:, :-1], tiny**2)
    ends = (steps[:, 0] * steps[:, -1]).sum(-1) / np.maximum(speed[:, 0] * speed[:, -1], tiny**2)
    return np.stack(
        [
            np.linalg.norm(z[:, -1] - z[:, 0], axis=-1) / np.maximum(speed.sum(1), tiny),
            np.log((speed[:, -third:].mean(1) + tiny) / (speed[:, :third].mean(1) + tiny)),
            turning.mean(1),
            ends,
            speed.std(1) / np.maximum(speed.mean(1), tiny),
        ],
        1,
    )


def _linear_map(
    source: np.ndarray, s_times: np.ndarray, goal: np.ndarray, g_times: np.ndarray, train: np.ndarray,
    test: np.ndarray, components: int, seed: int, shuffle: bool = False,
) -> float:  # fmt: skip
    """R² over the leading components of ``goal``, predicted linearly from those of ``source``."""
    steps = np.unique(np.linspace(0, len(s_times) - 1, FRAMES_TO_FIT).round().astype(int))
    generator = np.random.default_rng(seed)
    mean_s, axes_s = principal(source[train], 4 * components)
    mean_g, axes_g = principal(goal[train], components)

    def pick(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = (np.asarray(source[rows], np.float64)[:, s_times[steps]] - mean_s) @ axes_s
        y = (np.asarray(goal[rows], np.float64)[:, g_times[steps]] - mean_g) @ axes_g
        if shuffle:
            x = np.stack([part[generator.permutation(len(part))] for part in x])
        return x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])

    (x, y), (x_test, y_test) = pick(train), pick(test)
    predicted = fit_ridge(x, y, np.repeat(train, len(steps)), seed=seed, alike=True).predict(x_test)
    return float(1 - np.square(predicted - y_test).sum() / np.square(y_test - y_test.mean(0)).sum())


def _over_splits(
    analysis: str, name: str, target: str, level: str, modality: str, metric: str, values: list[float]
) -> dict[str, Any]:
    """A row whose interval is the range of the splits: they share simulations, so it is a spread, not a 95 % one."""
    return {
        "analysis": analysis,
        "set": name,
        "target": target,
        "level": level,
        "modality": modality,
        "metric": metric,
        "value": float(np.mean(values)),
        "low": float(np.min(values)),
        "high": float(np.max(values)),
        "splits": values,
    }
