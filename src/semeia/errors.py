"""The one exception that means: the person at the keyboard can mend this.

The command line prints its message as one line and exits with code 2; anything else that escapes is our bug (code 1).
"""


class InputError(ValueError):
    """What was given cannot be used. The message names the file, row or field and says what to do."""
