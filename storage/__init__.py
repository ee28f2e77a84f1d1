"""The only folder that opens DuckDB or writes dataset files."""
