"""`python -m diffusion_classifier`: see `command_line`."""

from .command_line import main

raise SystemExit(main())
