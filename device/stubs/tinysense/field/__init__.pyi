"""Recording in the field, without a computer: triggers, segments on flash or SD, signs."""

# Written by device/files.py.


