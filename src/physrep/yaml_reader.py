"""YAML as plain data: every key once, and limits of size, depth and aliases, so that no text takes long."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .errors import PhysrepError, one_line

SIZE, DEPTH, NODES = 4_000_000, 50, 200_000
"""Most bytes of a text, deepest nesting, and most values after every alias is written out."""


def parse_yaml(text: str | bytes, source: str) -> Any:
    """The data that a YAML text stands for: dictionaries, lists, strings, numbers, booleans, dates, None.

    Args:
        text: UTF-8.
        source: file or option that it comes from, for messages.

    Raises:
        PhysrepError: not YAML, a key twice in one mapping (with both lines), or a limit that is exceeded.
    """
    if len(text) > SIZE:
        raise PhysrepError(f"{source}: is longer than {SIZE / 1e6:.0f} MB, which no configuration is; give another.")
    try:
        words = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        loader = _Loader(words)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise PhysrepError(f"{source}: is not text in UTF-8 (byte {error.start}); save it as UTF-8.") from error
    except yaml.YAMLError as error:
        raise PhysrepError(f"{source}: is not valid YAML ({_problem(error)}); fix it.") from error
    except PhysrepError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        reason = one_line(error, 120)
        raise PhysrepError(f"{source}: holds a value that cannot be read ({reason}); fix it, or quote it.") from error


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or one_line(error)
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which counts as it composes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        mark = self.peek_event().start_mark  # pyright: ignore[reportOptionalMemberAccess]
        alias = self.check_event(yaml.AliasEvent)
        self._depth += 1
        if self._depth > DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEPTH}", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is None:
            return None
        if not alias:
            self._check_keys(node)
            self._sizes[id(node)] = 1 + sum(self._sizes[id(child)] for child in _children(node))
        elif id(node) not in self._sizes:
            raise yaml.MarkedYAMLError(problem="an alias that holds itself", problem_mark=mark)
        if self._sizes[id(node)] > NODES:
            raise yaml.MarkedYAMLError(problem=f"more than {NODES} values", problem_mark=mark)
        return node

    @staticmethod
    def _check_keys(node: Node) -> None:
        if not isinstance(node, MappingNode):
            return
        seen: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if (key.tag, key.value) in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is given twice, first in line {seen[key.tag, key.value]}; keep one",
                    problem_mark=key.start_mark,
                )
            seen[key.tag, key.value] = key.start_mark.line + 1


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []
