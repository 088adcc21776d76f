"""How a flow becomes ops, a job graph, configuration, schedule and sensors: data, no text."""
