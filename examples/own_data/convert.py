"""From ``source.h5`` (see make_source.py) to the data set ``spots`` in The Well's layout."""

import h5py
import torch

from physrep.data import assign_splits, select_trajectories, write_stats, write_well
from physrep.systems import Trajectories

with h5py.File("source.h5") as file:
    runs = sorted(name for name in file if name.startswith("run"))
    rho = torch.stack([torch.from_numpy(file[name]["rho"][()]) for name in runs])  # (N, T, nx, ny)
    kappa, u = (torch.tensor([file[name].attrs[key] for name in runs]) for key in ("kappa", "u"))
    x, t = (torch.from_numpy(file[name][()]) for name in ("grid", "seconds"))
spots = Trajectories("spots", {"density": rho}, {"diffusivity": kappa, "speed": u}, t, {"x": x, "y": x}, (True, True))
for split in ("train", "valid", "test"):
    rows = [i for i, own in enumerate(assign_splits(len(runs), seed=0, fractions=(0.6, 0.2, 0.2))) if own == split]
    write_well(f"spots/data/{split}/spots.hdf5", select_trajectories(spots, rows))
write_stats("spots")
