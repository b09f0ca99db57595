"""Circuit against software in numbers: states, errors, races, tolerances, pass or fail."""
