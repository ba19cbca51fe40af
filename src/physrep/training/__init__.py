"""Training: configuration, stream of windows, loop, online probe, costs; `pretrain` is the way in."""
