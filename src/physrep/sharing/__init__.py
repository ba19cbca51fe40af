"""Runs that travel: what of a run directory is shared, its card, and the places that it goes to and comes from."""

from .bundle import MANIFEST, make_bundle
from .places import local_run, pull, push

__all__ = ["MANIFEST", "local_run", "make_bundle", "pull", "push"]
