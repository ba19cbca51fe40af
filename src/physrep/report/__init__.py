"""From the files of a finished benchmark to tables, figures and one self-contained HTML page.

`build_report` reads a benchmark directory and nothing else; `text_table`, `markdown_table` and `latex_table`
take the rows of ``results.csv``; `compare` and `leaderboard` take several directories.
"""

from .latex import latex_table
from .page import build_report
from .tables import markdown_table, text_table

__all__ = ["build_report", "latex_table", "markdown_table", "text_table"]
