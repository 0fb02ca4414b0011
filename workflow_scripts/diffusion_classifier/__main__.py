"""`python -m diffusion_classifier`: see `cli.commands`."""

from diffusion_classifier.cli.commands import main

raise SystemExit(main())
