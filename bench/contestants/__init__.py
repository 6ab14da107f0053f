"""One pipeline, written in each tool as its user would write it; a file for each tool.

Validate (a user, and a quantity that is not 0) → revenue → sums of each product in windows of one
minute of event time, closed by a watermark 30 s behind → the ten best of each window → each
window's total and its mean over 60 windows. Rows that come after their window has closed are set
aside.
"""
