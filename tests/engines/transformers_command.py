"""The command `transformers`, for `python -m tests.engines.transformers_command serve ...`."""

from __future__ import annotations

from mercap.backends.torchaudio_repair import repair_torchaudio

if __name__ == "__main__":
    repair_torchaudio()
    from transformers.cli.transformers import main

    main()
