"""Where models come from: what their folders hold, and whether it is all that they need.

`parts` and `inputs` read the configs of a model's folder alone, so that a config can be checked
before anything runs. `networks` loads a network, and `tensors` accounts for every tensor of it.
"""
