"""``python -m physrep``."""

import contextlib
import os
import sys

# Python puts the working folder first; a file there that is called like a library must not be executed instead of it.
with contextlib.suppress(OSError):
    if sys.path and not sys.flags.safe_path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]

from .cli.main import entry

entry()
