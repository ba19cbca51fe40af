"""Grids, and the transforms and derivatives that belong to them."""
