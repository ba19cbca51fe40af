"""Speed and memory of every learner: training steps and embedding, beside a plain reference where there is one.

For every learner: clips per second and peak memory of a training step (loss, backward pass, AdamW), clips per second
of `encode`, the floating-point operations of a clip, and the fraction of this machine's measured matrix-multiply peak
that the step reaches; and the ratio to a plain implementation with the same weights and the same loss, whose steps
alternate with ours in one process. References: `transformers` for VideoMAE, plain transcriptions in `encoder_step.py`
(JEPA), `plain_avit.py` (MPP) and `plain_disco.py`. Before anything is timed, both losses are compared, and the norms of
both gradients.

Every learner runs in a process of its own, on one thread; the clock is the process's CPU time, or the GPU's. Memory is
what the first step adds to a process that holds the model and the batch; ours and the reference have one process each.

    python benchmarks/learners.py [--learners jepa videomae] [--size 64] [--batch 2] [--device cpu] [--precision 32]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from physrep.clip import Clip
from physrep.executors import keep_freed_memory
from physrep.learners import LEARNERS, Learner
from physrep.training.costs import PeakMemory, encoding_flops, training_flops
from physrep.training.schedule import takes_fused

CHANNELS, FRAMES = 4, 16
CONV = {"encoder": "conv3d"}
VIT = {"encoder": "vit3d", "encoder_options": {"patch": [4, 8, 8]}}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "jepa": ("jepa", {"encoder": "convnext3d"}),
    "jepa conv3d clips": ("jepa", {**CONV, "level": "clip"}),
    "jepa vit3d clips": ("jepa", {**VIT, "level": "clip"}),
    "masked_pixels vit3d": ("masked_pixels", VIT),
    "next_frame vit3d": ("next_frame", VIT),
    "operator vit3d": ("operator", VIT),
    "masked_jepa vit3d": ("masked_jepa", VIT),
    "videomae tiny": ("videomae", {"size": "tiny"}),
    "videomae small": ("videomae", {"size": "small"}),
    "mpp tiny": ("mpp", {"size": "tiny", "layer_scale": 0.3}),
    "disco": ("disco", {"layer_scale": 0.3, "drop_path": 0.0}),
}


def clip_of(learner: Learner, frames: int, batch: int, size: int, device: str) -> Clip:
    """Random fields; at 64 points every learner takes them."""
    generator = torch.Generator().manual_seed(0)
    fields = torch.randn(batch, CHANNELS, frames, size, size, generator=generator)
    index = torch.zeros(batch, dtype=torch.long)
    names = tuple(f"c{i}" for i in range(CHANNELS))
    return Clip(fields, torch.zeros(batch, 0), names, (), 1.0, (1.0, 1.0), (True, True), index, index).to(device)


def reference(name: str, learner: Any, clip: Clip) -> tuple[nn.Module, Callable[[], Tensor]] | None:
    """A plain module with the same weights, and its loss; None where there is none."""
    x = clip.fields
    if name == "jepa":
        from encoder_step import PlainJEPA

        plain = PlainJEPA(CHANNELS).to(x.device)
        plain.load_state_dict({k: v for k, v in learner.state_dict().items() if k in plain.state_dict()})
        return plain, lambda: plain(x)
    if name.startswith("mpp"):
        import copy

        from plain_avit import PlainAViT

        from physrep.learners.frame_error import frame_error

        plain_avit = PlainAViT(copy.deepcopy(learner.encoder))

        def next_frame() -> Tensor:
            predicted = plain_avit(x[:, :, :-1], torch.arange(CHANNELS, device=x.device), (True, True))
            return frame_error(predicted, x[:, :, -1], x[:, :, -2], "square", 1e-7)

        return plain_avit, next_frame
    if name.startswith("videomae"):
        return _transformers_videomae(learner, x)
    if name == "disco":
        from plain_disco import PlainDisco

        plain_disco = PlainDisco(learner).to(x.device)
        return plain_disco, lambda: plain_disco(x)
    return None


def _transformers_videomae(learner: Any, x: Tensor) -> tuple[nn.Module, Callable[[], Tensor]] | None:
    try:
        from transformers import VideoMAEConfig, VideoMAEForPreTraining
    except ImportError:
        return None
    from physrep.nn.patches import tube_mask

    encoder, decoder = learner.encoder, learner.decoder
    config = VideoMAEConfig(
        image_size=x.shape[-1], patch_size=encoder.patch, num_channels=CHANNELS, num_frames=FRAMES,
        tubelet_size=encoder.tubelet, hidden_size=encoder.embed_dim, num_hidden_layers=len(encoder.blocks),
        num_attention_heads=encoder.blocks[0].attn.num_heads, intermediate_size=4 * encoder.embed_dim,
        layer_norm_eps=1e-6, use_mean_pooling=False, decoder_hidden_size=decoder.norm.normalized_shape[0],
        decoder_num_hidden_layers=len(decoder.blocks), decoder_num_attention_heads=decoder.blocks[0].attn.num_heads,
        decoder_intermediate_size=4 * decoder.norm.normalized_shape[0], norm_pix_loss=True,
    )  # fmt: skip
    theirs = VideoMAEForPreTraining(config).to(x.device)
    from physrep.checkpoints.videomae import original_keys

    with torch.no_grad():
        own = learner.state_dict()
        for key, value in theirs.named_parameters():
            value.copy_(_from_ours(key, own, original_keys))
    theirs.decoder.norm.eps = 1e-6
    torch.manual_seed(1)
    mask = tube_mask(len(x), encoder.grid(*x.shape[2:]), learner.mask_ratio, x.device)
    learner.loss = lambda clip: learner.masked_loss(clip.fields, mask)
    pixels = x.transpose(1, 2)
    return theirs, lambda: theirs(pixel_values=pixels, bool_masked_pos=mask).loss


def _from_ours(key: str, own: dict[str, Tensor], rename: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> Tensor:
    """The value of a parameter of the transformers library from our state dict."""
    for i, part in enumerate(("query", "key", "value")):
        if key.endswith(f".attention.attention.{part}.weight"):
            (name,) = rename({key.replace(part, p): torch.zeros(1, 1) for p in ("query", "key", "value")})
            return own[name].chunk(3)[i]
    (name,) = rename({key: torch.zeros(1)})
    return own[name]


def matmul_peak(device: str, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product: the best of several."""
    n = 2048 if device == "cpu" else 8192
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    return 2 * n**3 / min(timed(lambda: a @ b, device) for _ in range(6))


def timed(function: Callable[[], object], device: str) -> float:
    """Seconds of one call: CPU time of the process, or of the GPU."""
    if device == "cpu":
        start = time.process_time()
        function()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def loss_and_gradient(module: nn.Module, loss: Callable[[], Tensor]) -> tuple[float, float]:
    """A loss, and the norm of its gradient by all parameters."""
    module.zero_grad()
    value = loss()
    value.backward()
    norms = [parameter.grad.norm() for parameter in module.parameters() if parameter.grad is not None]
    module.zero_grad()
    return value.item(), torch.stack(norms).norm().item()


def one(name: str, arguments: argparse.Namespace) -> str:
    """The row of one learner."""
    kind, options = CASES[name]
    device = arguments.device
    torch.manual_seed(0)
    learner: Any = LEARNERS[kind](CHANNELS, FRAMES, **options).to(device).train()
    clip = clip_of(learner, learner.train_frames, arguments.batch, arguments.size, device)
    window = clip.frames(0, FRAMES)
    plain = reference(name, learner, clip)
    precision = torch.bfloat16 if arguments.precision == "bf16" else torch.float32

    def autocast() -> Any:
        return torch.autocast(device, dtype=precision) if precision != torch.float32 else nullcontext()

    def step(module: nn.Module, loss: Callable[[], Tensor], optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad()
        with autocast():
            value = loss()
        value.backward()
        optimiser.step()

    def ours() -> Tensor:
        return learner.loss(clip)["loss"]

    note = ""
    if plain is not None and not arguments.memory:
        with autocast():
            pairs = [loss_and_gradient(learner, ours), loss_and_gradient(*plain)]
        for what, value, expected in zip(("LOSSES", "GRADIENTS"), *pairs, strict=True):
            if abs(value - expected) > 1e-3 * abs(expected):
                note += f"  {what} DIFFER: {value:.6g} and {expected:.6g}"
    # As `physrep pretrain` does; plain modules get the optimiser's defaults.
    optimiser = torch.optim.AdamW(learner.parameters(), lr=1e-6, fused=takes_fused(learner))
    if plain is not None:
        other = torch.optim.AdamW(plain[0].parameters(), lr=1e-6)
    if arguments.memory:
        with PeakMemory(device) as memory:
            before = memory.peak or 0
            if arguments.memory == "ours":
                step(learner, ours, optimiser)
            elif plain is not None:
                step(plain[0], plain[1], other)
            return str((memory.peak or 0) - before)
    flops, embedding = training_flops(learner, clip), encoding_flops(learner, window)
    learner.train()
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    step(learner, ours, optimiser)
    if plain is not None:
        step(plain[0], plain[1], other)
    for _ in range(arguments.repeats):
        times["ours"].append(timed(lambda: step(learner, ours, optimiser), device))
        if plain is not None:
            times["plain"].append(timed(lambda: step(plain[0], plain[1], other), device))
    learner.eval()
    with torch.no_grad(), autocast():
        encode = min(timed(lambda: learner.encode(window), device) for _ in range(arguments.repeats))
    best, batch = min(times["ours"]), arguments.batch
    fraction = flops * batch / best / arguments.peak
    peaks = {which: int(_child(name, arguments, "--memory", which)) for which in ("ours", "plain")}
    ratio = f"{'–':>9} {'–':>7}"
    if plain is not None:
        ratio = f"{min(times['plain']) / best:8.2f}x {peaks['plain'] / max(peaks['ours'], 1):6.1f}x"
    return (
        f"{name:<20} {batch / best:9.2f} {flops / 1e9:9.2f} {fraction:8.0%} {peaks['ours'] / 1e6:9.0f} "
        f"{batch / encode:10.2f} {embedding / 1e9:9.2f} {ratio}{note}"
    )


def _child(name: str, arguments: argparse.Namespace, *more: str) -> str:
    """What a process of its own prints for one learner."""
    flags = ("--size", "--batch", "--repeats", "--device", "--precision", "--peak")
    more = (*more, "--default-malloc") if arguments.default_malloc else more
    given = [part for flag in flags for part in (flag, str(getattr(arguments, flag[2:])))]
    command = [sys.executable, __file__, "--alone", *given, *more, "--learners", name]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Speed and memory of every learner.")
    parser.add_argument("--learners", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="32", choices=["32", "bf16"])
    parser.add_argument("--peak", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--default-malloc", action="store_true", help="do not keep freed memory, as `pretrain` does")
    parser.add_argument("--memory", default="", help=argparse.SUPPRESS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.default_malloc and not arguments.memory:
        keep_freed_memory()
    if arguments.alone:
        print(one(arguments.learners[0], arguments))
        return
    dtype = torch.bfloat16 if arguments.precision == "bf16" and arguments.device != "cpu" else torch.float32
    peak = matmul_peak(arguments.device, dtype)
    print(
        f"{FRAMES} frames of {arguments.size}x{arguments.size}, {CHANNELS} channels, batch {arguments.batch}, "
        f"{arguments.precision}; matrix multiply {peak / 1e9:.0f} GFLOP/s"
    )
    print(f"{'':<20} {'train':>9} {'':>9} {'of':>8} {'':>9} {'embed':>10} {'':>9} {'plain/ours':>17}")
    print(
        f"{'learner':<20} {'clips/s':>9} {'GFLOP':>9} {'peak':>8} {'MB':>9} {'clips/s':>10} {'GFLOP':>9} "
        f"{'time':>9} {'memory':>7}",
        flush=True,
    )
    arguments.peak = peak
    for name in arguments.learners:
        if CASES[name][0] in LEARNERS:
            print(_child(name, arguments), flush=True)


if __name__ == "__main__":
    main()
