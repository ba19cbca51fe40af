"""Operator discovery: the equation behind the fields, without labels, in closed form. See docs/learners."""

from .learner import OperatorDiscovery

__all__ = ["OperatorDiscovery"]
