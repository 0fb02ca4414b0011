"""Decide which (pair, sample) is evaluated: candidates, schedules, stages, pruning and races.

`candidates` lists the pairs, `schedules` and `learned_timesteps` choose the samples. `pruning`,
`racing`, `prior` and `hierarchy` decide from errors which classes stay. `searches` look at all
classes at once, and `survival` says how many of them stay for a calibrated risk.
"""
