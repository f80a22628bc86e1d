"""What drivers are made of: buses, time, polled chips, chips with a FIFO."""

# Written by device/files.py.


