"""SOURCE: what a person names becomes rows that name media files. Start at `read.read_sources`."""
