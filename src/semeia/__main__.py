"""`python -m semeia` is the command `semeia`."""

import sys

from semeia.cli import main

sys.exit(main())
