"""How a flow becomes ops, wiring, configuration, schedule and sensors: plain data, no text."""
