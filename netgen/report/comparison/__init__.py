"""The files of a comparison: JSON, HTML, plots and JUnit XML."""
