"""What may be wrong with a board, looked for in order, from the cable to the sensor."""
