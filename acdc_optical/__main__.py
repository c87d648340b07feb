"""``python -m acdc_optical`` is the command ``acdc-optical``."""

import sys

from acdc_optical.cli import main

sys.exit(main())
