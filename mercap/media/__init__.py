"""Media and subtitles: what is accepted, decoding once, and reading the derived media later."""
