"""`python -m diffusion_classifier.gpu_check`: see `command`."""

from .command import main

raise SystemExit(main())
