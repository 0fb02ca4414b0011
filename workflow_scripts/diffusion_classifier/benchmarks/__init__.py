"""How fast the engine is: against the authors' loop, against the machine, and in a whole run."""
