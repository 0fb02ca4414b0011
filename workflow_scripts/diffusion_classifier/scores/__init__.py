"""Turn predictions into numbers: accuracy, Winoground's scores and effective robustness.

Every number has an interval (`intervals`), and two methods can be compared on the same images
(`paired_tests`). Nothing here depends on the method that made a prediction.
"""
