"""What drivers are made of: buses, time, polled chips, chips with a FIFO."""
