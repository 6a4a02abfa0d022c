#!/usr/bin/env bash
# Writes the blocks of `exporters.py` to a folder, with a torch of its own where python3 has none: models/exporters.sh OUT_DIR [BLOCK...]
set -euo pipefail
out=$(realpath -m "$1")
cd "$(dirname "$0")"
python=python3
if ! python3 -c 'import torch, onnxscript, onnxruntime' 2>/dev/null; then
    python3 -m venv "$out/.venv"
    "$out/.venv/bin/pip" install --quiet -r requirements.txt
    python=$out/.venv/bin/python
fi
"$python" exporters.py "$out" "${@:2}"
echo "now: ZKTORCH_EXPORTERS=$out cargo test --release --workspace --test exporters"
