#!/usr/bin/env bash
# Python with the pinned PyTorch, in a virtual environment under target/ that is
# made when it is missing or out of date; or the Python that the environment
# variable PYTHON_WITH_TORCH names. Takes Python's arguments.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=$here/../../target/full-size-python

if [[ -n ${PYTHON_WITH_TORCH:-} ]]; then
    exec "$PYTHON_WITH_TORCH" -B "$@"
fi
if ! cmp -s "$here/requirements.txt" "$environment/requirements.txt"; then
    if ! { python3 -m venv --clear "$environment" &&
        "$environment/bin/pip" install --quiet --requirement "$here/requirements.txt"; } >&2; then
        echo "error: making $environment with PyTorch: expected python3 with venv and pip, found the failure above; let PYTHON_WITH_TORCH name a Python that has torch, numpy and safetensors" >&2
        exit 1
    fi
    cp "$here/requirements.txt" "$environment/"
fi
exec "$environment/bin/python" -B "$@"
