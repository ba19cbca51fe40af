"""The one exception that users are meant to see."""


class PhysrepError(Exception):
    """A fault in what the user gave: one sentence that names file, field and remedy.

    The command line prints it without a traceback and exits with code 2.
    """
