"""`python -m minitorch_viz` is `minitorch-viz`."""

import sys

from minitorch_viz.cli import main

sys.exit(main())
