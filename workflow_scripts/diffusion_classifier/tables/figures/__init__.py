"""Figures of tables: functions that return a matplotlib Figure.

`fonts` finds those that have all characters of a name.
"""
