"""What the installed program `physrep` does, for a source tree that is not installed."""

import sys

if __name__ == "__main__":
    # Python puts the folder of a script on the path; that of the installed program holds no modules.
    if not sys.flags.safe_path:
        del sys.path[0]
    from physrep.cli.main import entry

    entry()
