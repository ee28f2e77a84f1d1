"""What runs in which order: the annotate flow, its Prefect runner and its plain runner."""
