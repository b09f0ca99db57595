"""From the circuit's record to polygons: devices, rows, wires, checks, extraction."""
