"""Operator discovery: the equation behind the fields, without labels, in closed form. See docs/learners."""

from .found import FoundOperator
from .learner import OperatorDiscovery

__all__ = ["FoundOperator", "OperatorDiscovery"]
