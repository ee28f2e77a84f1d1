"""What runs in which order: the annotate flow, its Prefect runner and its plain runner."""

from os import environ

# Before anything imports pyarrow, which looks once: its own pool keeps what was freed, several threads' worth of it.
environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
